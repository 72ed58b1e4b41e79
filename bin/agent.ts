/** The sidecar's entry: environment in, exit code out. */
import process from 'node:process';
import { main } from '../src/agent/main.ts';
import { CodedError } from '../src/base/errors.ts';
import { createLog } from '../src/base/log.ts';

const log = createLog((line) => process.stdout.write(line));
const stop = new AbortController();
for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, () => stop.abort(name));
process.on('unhandledRejection', (error) => log.error('unhandled rejection: a bug', { error }));
try {
  await main({ env: process.env, log, signal: stop.signal });
  process.exit(0);
} catch (thrown) {
  const error = CodedError.from(thrown);
  log.error(error.message, { code: error.code, help: error.help });
  process.exit(1);
}
