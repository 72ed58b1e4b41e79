/**
 * `npm run e2e [-- PATTERN…]`: the real binary on a real cluster. `npm run e2e -- faults` runs the files whose name has "faults".
 */
import { spawnSync } from 'node:child_process';
import path from 'node:path';

const root = path.join(import.meta.dirname, '..');
const env = { ...process.env, PATH: `${path.dirname(process.execPath)}:${process.env['PATH'] ?? ''}` };
const { status, error } = spawnSync(path.join(root, 'node_modules/.bin/vitest'), ['run', '--project', 'e2e', ...process.argv.slice(2)], {
  cwd: root,
  stdio: 'inherit',
  env,
});
if (error) throw error;
process.exit(status ?? 1);
