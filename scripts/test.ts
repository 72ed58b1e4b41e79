/**
 * `npm test`: everything that needs no cluster: types, format, lint, unused code, then the tests.
 * `npm test -- PATTERN…` runs only the tests that match.
 */
import { spawnSync } from 'node:child_process';
import path from 'node:path';

const root = path.join(import.meta.dirname, '..');
const patterns = process.argv.slice(2);
const bin = (name: string): string => path.join(root, 'node_modules', '.bin', name);

function run(name: string, ...args: string[]): void {
  process.stdout.write(`> ${name} ${args.join(' ')}\n`);
  // the folder of this Node first, so that tools with `#!/usr/bin/env node` run on it as well
  const env = { ...process.env, PATH: `${path.dirname(process.execPath)}:${process.env['PATH'] ?? ''}` };
  const { status, error } = spawnSync(bin(name), args, { cwd: root, stdio: 'inherit', env });
  if (error) throw error;
  if (status !== 0) process.exit(status ?? 1);
}

if (patterns.length === 0) {
  run('tsc');
  run('biome', 'check', '--error-on-warnings');
  run('oxlint', '--type-aware', '--quiet');
  run('knip');
}
run('vitest', 'run', '--project', 'unit', ...patterns);
