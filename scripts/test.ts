/**
 * `npm test`: everything that needs no cluster: types, format, lint, unused code, the unit and integration tests, and beside them the e2e
 * files on sandboxes. `npm test -- PATTERN…` runs only the unit and integration tests that match. The last line counts all of them.
 */
import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fetchKubectls } from '../test/e2e/harness/kubectls.ts';
import { endAll, endAllWhenInterrupted, runInLane } from './beside.ts';
import { toolEnvironment } from './environment.ts';
import { removeFolder } from './remove-folder.ts';
import { allOnSandboxes } from './sandbox-e2e.ts';

const root = path.join(import.meta.dirname, '..');
const patterns = process.argv.slice(2);
const bin = (name: string): string => path.join(root, 'node_modules', '.bin', name);
/** Behind the e2e tests, where requests that wait for long count as lost. */
const NICENESS = 5;

if (patterns.length > 0) {
  const { status, error } = spawnSync(bin('vitest'), ['run', '--project', 'unit', ...patterns], { cwd: root, stdio: 'inherit', env: toolEnvironment() });
  if (error) throw error;
  process.exit(status ?? 1);
}

const began = performance.now();
const folder = mkdtempSync(path.join(tmpdir(), 'tp-test-'));
process.on('exit', () => removeFolder(folder));
endAllWhenInterrupted();
const counts = process.env['TEST_COUNT_FILE'] ?? path.join(folder, 'counts');
process.env['TEST_COUNT_FILE'] = counts;

async function lane(name: string, running: Promise<number>): Promise<number> {
  const code = await running;
  const after = `after ${Math.round((performance.now() - began) / 1_000)} s`;
  process.stdout.write(`${name}: ${code === 0 ? 'done' : `failed with ${code}`} ${after}\n`);
  // beside the tests that failed, if any did: what ends so without one is named at the end of the run as well
  if (code !== 0) appendFileSync(counts, `failed: ${name}, with exit code ${code}, ${after}\n`);
  return code;
}

const tool = (laneName: string, name: string, ...args: string[]): Promise<number> =>
  runInLane(laneName, { command: bin(name), args, cwd: root, env: toolEnvironment(), niceness: NICENESS });

/** A failure here ends everything: whoever reads it mends it first. */
async function must(name: string, ...args: string[]): Promise<void> {
  const status = await lane(name, tool(name, name, ...args));
  if (status === 0) return;
  endAll();
  process.exit(status);
}

async function checksAndUnitTests(): Promise<number> {
  await must('tsc');
  await must('biome', 'check', '--error-on-warnings');
  await must('oxlint', '--type-aware', '--quiet');
  await must('knip');
  return lane('unit', tool('unit', 'vitest', 'run', '--project', 'unit'));
}

async function onSandboxes(): Promise<number[]> {
  await fetchKubectls();
  return Promise.all(allOnSandboxes(folder).map((running, index) => lane(`e2e ${index + 1}`, running)));
}

const statuses = (await Promise.all([checksAndUnitTests(), onSandboxes()])).flat();

const total = [0, 0, 0];
const lines = readFileSync(counts, 'utf8').split('\n');
for (const line of lines.filter((one) => one.startsWith('failed: '))) process.stdout.write(`${line}\n`);
for (const line of lines.filter((one) => !one.startsWith('failed: ')))
  for (const [index, text] of (line.match(/\d+/g) ?? []).entries()) total[index] = (total[index] ?? 0) + Number(text);
const status = statuses.find((one) => one !== 0) ?? 0;
// what broke off without a failed test counts as one
const failed = status === 0 ? total[1] : Math.max(total[1] ?? 0, 1);
process.stdout.write(`${total[0]} passed, ${failed} failed, ${total[2]} skipped\n`);
process.exit(status);
