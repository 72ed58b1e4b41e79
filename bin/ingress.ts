/** The sandbox’s ingress controller’s entry: environment in, exit code out. */
import process from 'node:process';
import { CodedError } from '../src/base/errors.ts';
import { createLog } from '../src/base/log.ts';
import { main } from '../src/ingress/main.ts';

const log = createLog((line) => process.stderr.write(line));
const stop = new AbortController();
for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => stop.abort());
try {
  await main({ env: process.env, log, signal: stop.signal });
  process.exit(0);
} catch (error) {
  const coded = CodedError.from(error);
  log.error(coded.message, { code: coded.code, help: coded.help });
  process.exit(1);
}
