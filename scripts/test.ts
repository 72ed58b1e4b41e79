/**
 * `npm test`: everything that needs no cluster: types, format, lint, unused code, the unit and integration tests, and the e2e files on the sandbox.
 * `npm test -- PATTERN…` runs only the unit and integration tests that match. The last line counts all of them.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fetchKubectls } from '../test/e2e/harness/kubectls.ts';
import { toolEnvironment } from './environment.ts';
import { runOnSandbox } from './sandbox-e2e.ts';

const root = path.join(import.meta.dirname, '..');
const patterns = process.argv.slice(2);
const bin = (name: string): string => path.join(root, 'node_modules', '.bin', name);

/** @returns exit code */
function run(name: string, ...args: string[]): number {
  process.stdout.write(`> ${name} ${args.join(' ')}\n`);
  const { status, error } = spawnSync(bin(name), args, { cwd: root, stdio: 'inherit', env: toolEnvironment() });
  if (error) throw error;
  return status ?? 1;
}

function must(name: string, ...args: string[]): void {
  const status = run(name, ...args);
  if (status !== 0) process.exit(status);
}

if (patterns.length > 0) process.exit(run('vitest', 'run', '--project', 'unit', ...patterns));
must('tsc');
must('biome', 'check', '--error-on-warnings');
must('oxlint', '--type-aware', '--quiet');
must('knip');
const folder = mkdtempSync(path.join(tmpdir(), 'tp-test-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
const counts = process.env['TEST_COUNT_FILE'] ?? path.join(folder, 'counts');
process.env['TEST_COUNT_FILE'] = counts;
const unit = run('vitest', 'run', '--project', 'unit');
process.stdout.write('> the e2e files on the sandbox\n');
await fetchKubectls();
const status = runOnSandbox([]) || unit;
const total = [0, 0, 0];
const lines = readFileSync(counts, 'utf8').split('\n');
for (const line of lines.filter((one) => one.startsWith('failed: '))) process.stdout.write(`${line}\n`);
for (const line of lines.filter((one) => !one.startsWith('failed: ')))
  for (const [index, text] of (line.match(/\d+/g) ?? []).entries()) total[index] = (total[index] ?? 0) + Number(text);
process.stdout.write(`${total[0]} passed, ${total[1]} failed, ${total[2]} skipped\n`);
process.exit(status);
