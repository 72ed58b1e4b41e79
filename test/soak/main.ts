/**
 * `npm run soak [-- --minutes N | --hours N]`: churn on the real test cluster, with the image of this checkout: intercepts come and go under load in
 * and out, another workstation connects and quits, names are looked up, the link fails for moments. At the end nothing may have grown:
 * descriptors, memory, streams, rules, objects; and no request may have failed, and no program complained, but around a fault.
 */
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { KUBE_IDLE_SOCKET_MS } from '../../src/kube/limits.ts';
import { echoApp } from '../e2e/apps/echo.ts';
import { SHARE } from '../e2e/apps/load.ts';
import { repository, startCluster, testNamespace } from '../e2e/harness/cluster.ts';
import { answered, loadFromCluster, loadFromWorkstation } from '../e2e/harness/load.ts';
import { eventually } from '../e2e/harness/run.ts';
import { complaintsIn, type Fault, type Problem, unexplained } from './problems.ts';
import { findProcesses, growthMiB, sample, type Watched } from './processes.ts';

const MINUTES = 30;
/** Growth of a process over the run that is still noise of its collector. */
const MEMORY_LIMIT_MIB = 16;
/** Descriptors more than at the beginning, in the same state. */
const FDS_LIMIT = 4;
const SAMPLE_MS = 5_000;
/** Until the managers have closed what they keep of connections to the API server: as many as they wrote at once, up to 8. */
const AT_REST_MS = KUBE_IDLE_SOCKET_MS + 5_000;
const RATE = 10;
const FAULT_MS = 2_500;
const FAULT_EVERY_ROUNDS = 4;
const NAMES = ['plain', 'plain.soak', 'web.soak.svc.cluster.local', 'kubernetes.default', 'missing.soak', 'outside.test'];

const { values } = parseArgs({ options: { minutes: { type: 'string' }, hours: { type: 'string' } } });
const minutes = values.hours === undefined ? Number(values.minutes ?? MINUTES) : 60 * Number(values.hours);
const print = (line: string) => process.stdout.write(`${line}\n`);
const begun = Date.now();
const say = (line: string) => print(`${((Date.now() - begun) / 1000).toFixed(0).padStart(5)} s  ${line}`);

const SERVE = `require('http').createServer((q, r) => r.end('local \\n')).listen(8080, '127.0.0.1')`;
const problems: Problem[] = [];
const faults: Fault[] = [];
let processes: Watched[] = [];

await using stack = new AsyncDisposableStack();
const cluster = await startCluster();
await cluster.loadImage(path.join(repository, 'dist/image.tar'));
const namespace = stack.use(await testNamespace(cluster, 'soak'));
for (const name of ['web', 'plain']) await cluster.apply(echoApp({ name, namespace: namespace.name, container: SHARE }));
for (const name of ['web', 'plain']) await cluster.kubectl(['-n', 'soak', 'rollout', 'status', `deployment/${name}`, '--timeout=90s']);
const workstation = stack.use(await cluster.workstation('soak'));
const guest = stack.use(await cluster.workstation('guest'));
const before = await workstation.networkState();
const guestBefore = await guest.networkState();
stack.use(workstation.background('node', ['-e', SERVE]));
await workstation.ok(['connect', '-n', 'soak'], { timeoutMs: 180_000 });
await cluster.kubectl(['-n', 'ambassador', 'rollout', 'status', 'deployment/traffic-manager', '--timeout=90s']);
await workstation.ok(['intercept', 'web', '--port', '8080']);
await workstation.ok(['leave', 'web']);
const inward = stack.use(await loadFromCluster(cluster, 'load', 'soak', { url: 'http://web/', rate: RATE, limitMs: 8_000 }));
const outward = stack.use(await loadFromWorkstation(workstation, { url: 'http://plain/', rate: RATE, limitMs: 12_000 }));

const whoAnswers = async (): Promise<string | undefined> => (await inward.samples()).at(-1)?.who;
const until = (who: string) => eventually(`${who} answers`, async () => (await whoAnswers()) === who, 20_000);
async function guarded(what: string, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    problems.push({ at: Date.now(), what: `${what}: ${error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)}` });
  }
}

async function look(): Promise<void> {
  const { stdout } = await workstation.shell(NAMES.map((name) => `getent hosts ${name} >/dev/null && echo ${name}`).join('; '));
  const missing = NAMES.filter((name) => name !== 'missing.soak' && !stdout.split('\n').includes(name));
  if (missing.length > 0) throw new Error(`not found: ${missing.join(' ')}`);
}
async function fault(kind: 'cut' | 'blackhole'): Promise<void> {
  const from = Date.now();
  await cluster.fault(kind, workstation.name);
  await sleep(FAULT_MS);
  await cluster.fault('mend', workstation.name);
  faults.push({ from, to: Date.now() });
  await eventually('connected again', async () => /connected/i.test((await workstation.telepresence(['status'])).stdout), 20_000);
  await sleep(3_000);
}
async function visit(): Promise<void> {
  await guest.ok(['connect', '-n', 'soak'], { timeoutMs: 60_000 });
  await guest.ok(['list']);
  await guest.ok(['quit', '-s']);
  await eventually('the guest’s network is as before', async () => (await guest.networkState()) === guestBefore, 5_000);
}

const sampling = setInterval(() => void sample(processes), SAMPLE_MS);
/** Rules of this session, without what counts. */
const rules = async () => (await workstation.networkState()).replaceAll(/packets \d+ bytes \d+/g, '');
let rulesBefore = '';
let fdsBefore = new Map<number, number>();
const end = begun + minutes * 60_000;
let rounds = 0;
for (; Date.now() < end || rounds < 3; rounds++) {
  await guarded('intercept', async () => {
    await workstation.ok(['intercept', 'web', '--port', '8080']);
    await until('local');
  });
  await guarded('names', look);
  if (rounds % FAULT_EVERY_ROUNDS === FAULT_EVERY_ROUNDS - 1)
    await guarded('fault', () => fault(rounds % (2 * FAULT_EVERY_ROUNDS) === FAULT_EVERY_ROUNDS - 1 ? 'cut' : 'blackhole'));
  await guarded('visit', visit);
  await guarded('leave', async () => {
    await workstation.ok(['leave', 'web']);
    await until('web');
  });
  if (rounds === 1) {
    // two rounds have made what is made once
    const uids = await cluster.kubectl(['get', 'pods', '-A', '-o', 'jsonpath={.items[*].metadata.uid}']);
    processes = await findProcesses(workstation.home, uids.trim().split(/\s+/));
    await sleep(AT_REST_MS);
    await sample(processes);
    rulesBefore = await rules();
    fdsBefore = new Map(processes.map(({ pid, samples }) => [pid, samples.at(-1)?.fds ?? 0]));
    say(`watching ${processes.map(({ program, pid }) => `${program} ${pid}`).join(', ')}`);
  }
  if (rounds % 10 === 9) say(`${rounds + 1} rounds, ${unexplained(problems, faults).length} problems`);
}
clearInterval(sampling);
await sample(processes);
const loads = { in: await inward.samples(), out: await outward.samples() };
for (const [which, samples] of Object.entries(loads))
  for (const { start, end: over, what, who } of samples.filter((one) => !answered(one)))
    problems.push({ at: start, until: over, what: `request ${which}: ${what} ${who}` });

// Logs: what the programs themselves call a warning or an error.
const logs = new Map([['workstation', (await workstation.shell('cat ~/.cache/telepresence/logs/*.log')).stdout]]);
const read = async (name: string, args: string[]) => logs.set(name, await cluster.kubectl(args).catch((error: unknown) => String(error)));
await read('manager', ['-n', 'ambassador', 'logs', '-l', 'app=traffic-manager', '--tail=-1', '--prefix']);
await read('agent', ['-n', 'soak', 'logs', '-l', 'app=web', '-c', 'traffic-agent', '--tail=-1', '--prefix']);
for (const [name, text] of logs) problems.push(...complaintsIn(name, text, begun));

// What is left.
const leaks: string[] = [];
await inward[Symbol.asyncDispose]();
await outward[Symbol.asyncDispose]();
await sleep(AT_REST_MS);
await sample(processes);
const rows = processes.map(({ program, pid, samples }) => {
  const first = fdsBefore.get(pid) ?? 0;
  const last = samples.at(-1);
  const growth = growthMiB(samples);
  if (last === undefined || last.at < Date.now() - 2 * SAMPLE_MS) leaks.push(`${program} ${pid} has ended`);
  else if (last.fds > first + FDS_LIMIT) leaks.push(`${program}: ${first} descriptors became ${last.fds}`);
  if (growth > MEMORY_LIMIT_MIB) leaks.push(`${program} grew by ${growth.toFixed(1)} MiB`);
  const resident = samples.map(({ residentKiB }) => residentKiB / 1024);
  return `| ${program} | ${first} → ${last?.fds ?? '–'} | ${resident[0]?.toFixed(0)} → ${resident.at(-1)?.toFixed(0)} MiB (highest ${Math.max(...resident).toFixed(0)}) | ${growth.toFixed(1)} MiB |`;
});
if ((await rules()) !== rulesBefore) leaks.push('routes, rules or links of the session are not as they were');
for (const pod of (await cluster.kubectl(['-n', 'ambassador', 'get', 'pods', '-l', 'app=traffic-manager', '-o', 'name'])).trim().split('\n')) {
  const metrics = await cluster.kubectl(['get', '--raw', `/api/v1/namespaces/ambassador/${pod.replace('pod/', 'pods/')}:8080/proxy/metrics`]).catch(() => '');
  const streams = Number(/^telepresence_streams (\d+)/m.exec(metrics)?.[1] ?? 0);
  if (streams > 2) leaks.push(`${pod} has ${streams} streams; a workstation at rest has two, control and dns`);
}
await workstation.ok(['quit', '-s']);
await eventually('the network is as before', async () => (await workstation.networkState()) === before, 5_000).catch(() =>
  leaks.push('the workstation’s network is not as before'),
);
const objects = async () => (await cluster.kubectl(['get', 'sessions.telepresence.io,intercepts.telepresence.io', '-A', '-o', 'name'])).trim();
await eventually('no object is left', async () => (await objects()) === '', 15_000).catch(async () => leaks.push(`objects are left: ${await objects()}`));

const errors = unexplained(problems, faults);
print(
  `\n${rounds} rounds in ${((Date.now() - begun) / 60_000).toFixed(1)} minutes, ${faults.length} faults, ${loads.in.length} requests in, ${loads.out.length} out`,
);
print('\n| program | descriptors | resident | growth, second to last quarter |\n|---|---|---|---|');
for (const row of rows) print(row);
print(`\n${leaks.length} leaks${leaks.length > 0 ? `:\n${leaks.join('\n')}` : ''}`);
print(`${errors.length} unexplained errors, ${problems.length - errors.length} around faults`);
for (const { at, what } of errors.slice(0, 40)) print(`  +${((at - begun) / 1000).toFixed(1)} s ${what}`);
await stack.disposeAsync();
process.exit(leaks.length + errors.length > 0 ? 1 : 0);
