import { enableCompileCache } from 'node:module';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readEnvironment } from '../src/config/env.ts';
import { clientPaths } from '../src/config/paths.ts';

const self = fileURLToPath(import.meta.url);
const env = readEnvironment();
// In the user's own cache: compiled code from a folder that others can write to would run with the user's rights.
enableCompileCache(join(clientPaths(env).cacheDir, 'compile-cache'));
const { main } = await import('../src/cli/main.ts');
const { processInterrupts } = await import('../src/cli/interrupts.ts');

// Not `process.exit`: what is still on its way into a pipe would be lost.
process.exitCode = await main(process.argv.slice(2), {
  env,
  cwd: process.cwd(),
  stdin: process.stdin,
  lines: async () => (await import('../src/cli/typed-lines.ts')).readLines(process.stdin),
  stdout: process.stdout,
  stderr: process.stderr,
  uid: process.getuid?.() ?? 0,
  interrupts: processInterrupts(process),
  execPath: process.execPath,
  program: (name) => join(dirname(self), `${name}${extname(self)}`),
});
