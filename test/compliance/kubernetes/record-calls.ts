/**
 * Adds to `calls.txt` what an audit file tells of the programs' calls that the list does not have. Of a real cluster: the log of an API server
 * with a policy of the level `Request`, while `npm run e2e -- faults-manager` and the like ran there.
 *
 *   node test/compliance/kubernetes/record-calls.ts AUDIT_FILE…
 */
import { recordCalls, unrecordedCalls } from './calls.ts';

for (const file of process.argv.slice(2)) {
  const calls = unrecordedCalls(file);
  recordCalls(calls);
  process.stdout.write(`${calls.length} from ${file}\n${calls.map((call) => `  ${call}\n`).join('')}`);
}
