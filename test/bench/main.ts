/**
 * `npm run bench`: what Telepresence costs on a real cluster, each figure with what it is compared to in the same run. Needs root, the
 * test cluster and `npm run image`.
 */
import { execFileSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { VERSION } from '../../src/base/version.ts';
import { clusterAvailable, repository, startCluster } from '../e2e/harness/cluster.ts';
import { compact } from './compact.ts';
import { type Measured, measure, reached } from './measure.ts';
import { merged, readReports } from './merge.ts';
import { writePlots } from './plot.ts';
import { between, line, markdown, type Report } from './report.ts';
import { commands, dns, intercepts } from './rows/commands.ts';
import type { Effort, MakeGroup } from './rows/group.ts';
import { busyMemory, idleMemory } from './rows/memory.ts';
import { agent, intercepted, outbound } from './rows/traffic.ts';
import { Desk, Scene } from './scene.ts';

const USAGE = `npm run bench -- [--quick] [--only PATTERN] [--rtt 0,20,50] [--rounds N] [--json FILE] [--plot] [--write] [--load]

  --quick         two minutes: few and short rounds, no delay
  --only PATTERN  rows whose "group: title" matches this regular expression
  --rtt LIST      round trips to the API server in ms (default 0,20,50)
  --rounds N      rounds of each row (default 5, quick 1)
  --json FILE     write all figures
  --plot          write docs/plots/*.svg
  --write         write the short table into README.md and the full one into docs/performance.md, where these have a marked section
  --merge FILE…   measure nothing: make one report of what several runs wrote with --json, the last one counts
  --load          first load dist/image.tar into the cluster's node
`;
const FULL: Effort = { seconds: 3, bytes: 256 * 2 ** 20, bytesInCluster: 2 ** 30, many: 20 };
const QUICK: Effort = { seconds: 1.5, bytes: 96 * 2 ** 20, bytesInCluster: 512 * 2 ** 20, many: 0 };
const GROUPS: MakeGroup[] = [commands, dns, idleMemory, intercepts, intercepted, agent, outbound, busyMemory];
/** Their way does not lead over the delayed line, or they are to see the cluster's half before it had work. */
const NEAR_ONLY: MakeGroup[] = [agent, idleMemory];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    rtt: { type: 'string' },
    rounds: { type: 'string' },
    json: { type: 'string' },
    plot: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    load: { type: 'boolean', default: false },
    merge: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

/** In general terms: what the figures depend on, not whose machine it is. */
function machine(): string {
  const memory = Math.round(os.totalmem() / 2 ** 30);
  const kernel = os.release().split('.').slice(0, 2).join('.');
  return `${os.cpus().length} shared cores, ${memory} GiB of memory, Linux ${kernel}, Node ${process.versions.node}, one-node Kubernetes 1.34`;
}

interface Wanted {
  effort: Effort;
  rounds: number;
  only: RegExp;
  /** Takes each row as soon as it is there. */
  add(row: Measured): Promise<void>;
}

async function measureAt(desk: Desk, { effort, rounds, only, add }: Wanted): Promise<void> {
  for (const make of GROUPS) {
    if (desk.rtt > 0 && NEAR_ONLY.includes(make)) continue;
    const group = make(desk, effort);
    const rows = group.rows.filter(({ group: name, title }) => only.test(`${name}: ${title}`));
    if (rows.length === 0) continue;
    await group.before();
    for (const row of rows) {
      const measured = await measure(row, rounds);
      process.stdout.write(line(measured));
      await add(measured);
    }
    await group.after();
  }
}

async function writeJson(report: Report): Promise<void> {
  if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(report, null, 2)}\n`);
}

async function writeMarked(file: string, text: string): Promise<void> {
  const before = await readFile(file, 'utf8').catch(() => '');
  const after = between(before, text);
  if (after === undefined) process.stderr.write(`${file} has no section between <!-- bench --> and <!-- /bench -->\n`);
  else await writeFile(file, after);
}

async function measured(): Promise<Report> {
  if (!clusterAvailable) throw new Error('the bench needs root and the test cluster');
  const effort = values.quick ? QUICK : FULL;
  const rounds = Number(values.rounds ?? (values.quick ? 1 : 5));
  const rtts = (values.rtt ?? (values.quick ? '0' : '0,20,50')).split(',').map(Number);
  const only = new RegExp(values.only, 'i');
  const cluster = await startCluster();
  if (values.load) await cluster.loadImage(path.join(repository, 'dist/image.tar'));
  const scene = await Scene.create(cluster);
  const report: Report = {
    machine: machine(),
    date: new Date().toISOString().slice(0, 10),
    version: VERSION,
    commit: execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: repository, encoding: 'utf8' }).trim(),
    seconds: effort.seconds,
    rounds,
    rows: [],
  };
  const add = async (row: Measured): Promise<void> => {
    report.rows.push(row);
    // a run that is ended early has measured something too
    await writeJson(report);
  };
  try {
    for (const rtt of rtts) {
      await using desk = await Desk.create(scene, rtt);
      await measureAt(desk, { effort, rounds, only, add });
    }
  } finally {
    await scene.remove();
  }
  return report;
}

async function run(): Promise<void> {
  if (values.help) {
    process.stdout.write(USAGE);
    return;
  }
  const report = values.merge ? merged(await readReports(positionals)) : await measured();
  const text = markdown(report);
  process.stdout.write(`\n${text}`);
  await writeJson(report);
  if (values.plot) await writePlots(path.join(repository, 'docs/plots'), report);
  if (values.write) {
    await writeMarked(path.join(repository, 'README.md'), compact(report));
    await writeMarked(path.join(repository, 'docs/performance.md'), text);
  }
  const missed = report.rows.filter((row) => reached(row) === false);
  process.stdout.write(
    `\n${report.rows.length} rows, ${missed.length} under their target${missed.map(({ group, title, rtt }) => `\n  ${group}: ${title}, RTT ${rtt}`).join('')}\n`,
  );
}

await run();
