/** The sandbox's entry: `up`, `down` and so on from outside, `run` and `spawner` inside of its namespaces. */
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const [command, ...rest] = process.argv.slice(2);
if (command === 'spawner') {
  const { runSpawner } = await import('../src/sandbox/node/runtime/spawner-main.ts');
  runSpawner(process);
} else {
  const { CodedError } = await import('../src/base/errors.ts');
  const { withSystemFolders } = await import('../src/base/system-path.ts');
  const program = fileURLToPath(import.meta.url);
  process.env['PATH'] = withSystemFolders(process.env['PATH']);
  try {
    const { launch } = await import('../src/sandbox/launch/index.ts');
    process.exitCode = await launch([command ?? '', ...rest], { process, program });
  } catch (thrown) {
    const error = CodedError.from(thrown);
    process.stderr.write(`telepresence sandbox: error: ${error.message}\n${error.help}\n`);
    process.exitCode = 1;
  }
}
