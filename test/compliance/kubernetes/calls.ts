/**
 * The calls that the project's programs make, as `calls.txt` keeps them: recorded from runs of all e2e files. A sandbox audits its API;
 * for what runs on a real cluster only, its API server's audit log tells (`record-calls.ts`).
 *
 *   TELEPRESENCE_TEST_RECORD=1 npm run e2e -- --sandbox        adds what a run makes and the list does not have
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { auditedCalls } from './audit.ts';
import { callOf } from './call.ts';

const FILE = path.join(import.meta.dirname, 'calls.txt');
/** By which the project's kube client makes itself known. */
const OURS = 'telepresence/';

export function recordedCalls(): string[] {
  if (!existsSync(FILE)) return [];
  return readFileSync(FILE, 'utf8')
    .split('\n')
    .filter((line) => line !== '');
}

/** The calls in an audit file that the project's programs made and the list does not have. */
export function unrecordedCalls(audit: string): string[] {
  const known = new Set(recordedCalls());
  const made = auditedCalls(audit)
    .filter(({ userAgent }) => userAgent.startsWith(OURS))
    .map(callOf);
  return [...new Set(made)].filter((call) => !known.has(call)).sort();
}

export function recordCalls(calls: readonly string[]): void {
  writeFileSync(FILE, `${[...new Set([...recordedCalls(), ...calls])].sort().join('\n')}\n`);
}
