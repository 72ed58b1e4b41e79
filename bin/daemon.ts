/** The daemon's process: the CLI starts it detached, with its log as stdout and stderr. */
import process from 'node:process';
import { createLog } from '../src/base/log.ts';
import { clientPaths } from '../src/config/paths.ts';
import { main } from '../src/daemon/main.ts';

const log = createLog((line) => process.stdout.write(line));
const stop = new AbortController();
for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(name, () => stop.abort(name));
process.on('unhandledRejection', (error) => log.error('unhandled rejection: a bug', { error }));
try {
  await main({ log, paths: clientPaths(process.env), uid: process.getuid?.() ?? 0, executable: process.argv[1] ?? '', signal: stop.signal });
  process.exit(0);
} catch (error) {
  log.error('daemon failed', { error });
  process.exit(1);
}
