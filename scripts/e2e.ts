/**
 * `npm run e2e [-- PATTERN…]`: the real binary on a real cluster. `npm run e2e -- faults` runs the files whose name has "faults".
 * Every file asserts what must be right; promised times are asserted only where they are measured, on a machine that does nothing else:
 * `npm run e2e -- all`, or with a pattern that names faults or rollouts. Files that take long, compare times throughout, or
 * take the traffic-manager out are left out of a run without a pattern, and each counts as skipped. With `--sandbox`, on the sandbox.
 */
import { spawnSync } from 'node:child_process';
import { appendFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { fetchKubectls } from '../test/e2e/harness/kubectls.ts';
import { toolEnvironment } from './environment.ts';
import { runOnSandbox } from './sandbox-e2e.ts';

const root = path.join(import.meta.dirname, '..');
const patterns = process.argv.slice(2).filter((argument) => argument !== '--sandbox');
await fetchKubectls();
if (process.argv.includes('--sandbox')) {
  process.env['TELEPRESENCE_TEST_EVERYTHING'] = '1';
  process.exit(runOnSandbox(patterns));
}
const long = readdirSync(path.join(root, 'test/e2e')).filter((file) =>
  /^(faults.*|long-.*|rollout-(costly|shapes|uninstall)|preview-load|cloud-faults)\.test\.ts$/.test(file),
);
const left = patterns.length === 0 ? long : [];
const measures = patterns.some((pattern) => /^(all$|faults|cloud-faults|rollout)/.test(pattern));
const args = ['run', '--project', 'e2e', ...patterns.filter((pattern) => pattern !== 'all'), ...left.flatMap((file) => ['--exclude', `test/e2e/${file}`])];

const env = {
  ...toolEnvironment(),
  ...(measures ? { TELEPRESENCE_TEST_MEASURED: '1' } : {}),
};
const { status, error } = spawnSync(path.join(root, 'node_modules/.bin/vitest'), args, { cwd: root, stdio: 'inherit', env });
if (error) throw error;
if (left.length > 0) {
  process.stdout.write(`skipped, since they take long or need a machine of their own (npm run e2e -- all): ${left.join(', ')}\n`);
  const count = process.env['TEST_COUNT_FILE'];
  if (count !== undefined) appendFileSync(count, `0 passed, 0 failed, ${left.length} skipped\n`);
}
process.exit(status ?? 1);
