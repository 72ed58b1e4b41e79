/** The init container of pods whose ports are redirected: `agent-init tcp:8080:9900 …`. */
import { main } from '../src/agent/init/index.ts';
import { CodedError } from '../src/base/errors.ts';
import { createLog } from '../src/base/log.ts';

const log = createLog((line) => process.stdout.write(line));
try {
  await main(process.argv.slice(2), { log });
} catch (thrown) {
  const error = CodedError.from(thrown);
  log.error(error.message, { code: error.code, help: error.help });
  process.exitCode = 1;
}
