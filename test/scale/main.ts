/**
 * `npm run scale [-- --sessions N --intercepts N --agents N]`: one manager replica in a process of its own, with peers that link over real
 * TLS connections and an API server in memory. Prints what it takes and whether that is within the bounds; exits with 1 when it is not.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { NODE_FLAGS } from '../../src/base/node-flags.ts';
import type { Mux } from '../../src/mux/index.ts';
import { startFakeCluster, tokenOf } from '../helpers/fake-cluster.ts';
import { INTERCEPTS, MANAGER_NAMESPACE, putBasics, putIntercept, putSession, putWorkload } from '../helpers/fake-cluster-objects.ts';
import { linkAgent, type ManagerPorts, openControlStreams, openTunnel, type PeerAgent, type PeerSession } from '../helpers/manager-peers.ts';

/** Bounds of issue 6: all linked; an intercept's change at its agents; one more agent; one more session. */
const ALL_MIB = 800;
const CHANGE_MS = 1_000;
const AGENT_KIB = 50;
const SESSION_KIB = 150;
/** Links that are made at once, and how often one is tried. */
const AT_ONCE = 16;
/** Until what the linking of thousands needed is given back. */
const SETTLED_MS = 20_000;
/** They link in so many steps; what one more costs at full size is the slope of the line through the second half of them. */
const STEPS = 10;
const STEP_SETTLED_MS = 5_000;
const LINK_TRIES = 10;
const AGENTS_A_NAMESPACE = 100;
const DATA_CONNECTIONS = 2;
const CHANGES = 50;
const DEPLOYMENTS = '/apis/apps/v1/deployments';
const LEASE = '/apis/coordination.k8s.io/v1/leases';

const { values } = parseArgs({ options: { sessions: { type: 'string' }, intercepts: { type: 'string' }, agents: { type: 'string' } } });
const wanted = { sessions: Number(values.sessions ?? 1_000), intercepts: Number(values.intercepts ?? 5_000), agents: Number(values.agents ?? 10_000) };
const print = (line: string) => process.stdout.write(`${line}\n`);
const started = performance.now();
const stage = (what: string) => print(`${((performance.now() - started) / 1000).toFixed(0).padStart(4)} s  ${what}`);

/** As peers do: whoever is not linked tries again. */
async function untilLinked<T>(link: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await link();
    } catch (error) {
      if (tries === LINK_TRIES) throw error;
      retried++;
      await sleep(100 * tries);
    }
  }
}
let retried = 0;

async function inTurns<T>(items: readonly T[], work: (item: T, index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const index = next++;
      await work(items[index] as T, index);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

// Objects.
const cluster = await startFakeCluster();
const namespaceOf = (index: number) => `team-${Math.floor(index / AGENTS_A_NAMESPACE)}`;
putBasics(cluster, [...new Set(Array.from({ length: wanted.agents }, (_, i) => namespaceOf(i)))]);
const sessions = Array.from({ length: wanted.sessions }, (_, i) => putSession(cluster, `session-${i}`, `user-${i}`));
const workloads = Array.from({ length: wanted.agents }, (_, i) => ({
  namespace: namespaceOf(i),
  workload: `web-${i}`,
  ...putWorkload(cluster, namespaceOf(i), `web-${i}`),
}));
const claim = (index: number) => {
  const session = sessions[index % wanted.sessions];
  const there = workloads[index % wanted.agents];
  if (session === undefined || there === undefined) throw new Error('more intercepts than workloads');
  return putIntercept(cluster, there.namespace, there.workload, session, `user-${index % wanted.sessions}`, { agents: [there.pod], pods: 1 });
};
for (let index = 0; index < wanted.intercepts; index++) claim(index);
// Another replica leads: what is measured first is what every replica has.
const lead = () =>
  cluster.put(LEASE, {
    metadata: { name: 'traffic-manager', namespace: MANAGER_NAMESPACE },
    spec: {
      holderIdentity: 'mgr-2',
      leaseDurationSeconds: 7,
      renewTime: new Date().toISOString().replace('Z', '000Z'),
      acquireTime: new Date().toISOString().replace('Z', '000Z'),
    },
  });
lead();
const leading = setInterval(lead, 1_000);
stage(`${wanted.agents} workloads, ${wanted.intercepts} intercepts, ${wanted.sessions} sessions are in the API server`);

// The manager.
const manager = fork(path.join(import.meta.dirname, 'manager.ts'), { execArgv: [...NODE_FLAGS] });
manager.send(cluster.connection);
const [said] = (await once(manager, 'message')) as [{ ports: ManagerPorts; ca: string }];
const { ports, ca } = said;
let peak = 0;
function resident(): number {
  const status = readFileSync(`/proc/${manager.pid}/status`, 'utf8');
  const kib = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]);
  peak = Math.max(peak, kib);
  return kib;
}
const watching = setInterval(resident, 250);
interface Counts {
  counts: { sessions: number; connections: number };
  agents: number;
}
async function counts(): Promise<Counts> {
  manager.send('look');
  const [counted] = (await once(manager, 'message')) as [Counts];
  return counted;
}
/** KiB resident some time after the last change. */
async function settled(): Promise<number> {
  await sleep(SETTLED_MS);
  return resident();
}
/**
 * Links so many in steps, and resolves with the KiB that one more takes. A single step says little: garbage is collected when the heap has grown by a part
 * of itself, so that what is resident goes up and down by tens of MiB.
 */
async function inSteps(count: number, link: (from: number, to: number) => Promise<void>): Promise<number> {
  const points: [x: number, y: number][] = [];
  for (let step = 0; step < STEPS; step++) {
    const to = Math.round((count * (step + 1)) / STEPS);
    await link(Math.round((count * step) / STEPS), to);
    await sleep(STEP_SETTLED_MS);
    if (step >= STEPS / 2 - 1) points.push([to, resident()]);
  }
  return slopeOf(points);
}
/** Of the line of least squares. */
function slopeOf(points: readonly [x: number, y: number][]): number {
  const mean = (of: 0 | 1) => points.reduce((sum, point) => sum + point[of], 0) / points.length;
  const [x0, y0] = [mean(0), mean(1)];
  const sum = (term: (x: number, y: number) => number) => points.reduce((total, [x, y]) => total + term(x - x0, y - y0), 0);
  return sum((x, y) => x * y) / sum((x) => x * x);
}

/**
 * As a workstation does (src/daemon/tunnel): three connections, of which two rest when nothing has needed them for minutes, or one where it intercepts
 * something. They come over the day.
 */
async function linkSessions(from: number, to: number): Promise<void> {
  await inTurns(sessions.slice(from, to), async (session) => {
    await untilLinked(async () => openControlStreams((await openTunnel(ports.tunnel, session, 'control')).mux));
    for (const mux of await openData(session, DATA_CONNECTIONS)) await mux.close();
  });
}
function openData(session: PeerSession, length: number): Promise<Mux[]> {
  return Promise.all(
    Array.from({ length }, () =>
      untilLinked(async () => {
        const { mux } = await openTunnel(ports.tunnel, session, 'data');
        await mux.ping();
        return mux;
      }),
    ),
  );
}

const told = new Map<string, { count: number; heard: () => void }>();
const agents: PeerAgent[] = [];
async function linkAgents(from: number, to: number): Promise<void> {
  await inTurns(workloads.slice(from, to), async ({ namespace, workload, pod, podUid }, offset) => {
    const address = `127.${1 + ((from + offset) >> 14)}.${((from + offset) >> 7) & 127}.${1 + ((from + offset) & 127)}`;
    const state = { count: 0, heard: (): void => undefined };
    told.set(workload, state);
    agents.push(
      await untilLinked(() =>
        linkAgent(
          ports.agents,
          { namespace, pod, token: tokenOf(namespace, pod, podUid), workload },
          {
            ca,
            from: address,
            takesAll: true,
            told: (list) => {
              state.count = list.length;
              state.heard();
            },
          },
        ),
      ),
    );
  });
}

/** From the change of the object until the agent knows of it, in ms. */
async function change(index: number, wantedCount: number, make: () => void): Promise<number> {
  const state = told.get(workloads[index]?.workload ?? '');
  if (state === undefined) throw new Error('no such agent');
  const heard = new Promise<void>((resolve) => {
    state.heard = () => {
      if (state.count === wantedCount) resolve();
    };
  });
  const begun = performance.now();
  make();
  await heard;
  return performance.now() - begun;
}

stage('the manager serves');
const empty = await settled();
const oneMoreAgent = await inSteps(wanted.agents, linkAgents);
stage(`${wanted.agents} agents are linked, ${retried} tries failed`);
const withAgents = await settled();
const oneMoreSession = await inSteps(wanted.sessions, linkSessions);
stage(`${wanted.sessions} sessions are linked, and rest, ${retried} tries failed`);
const withAllAtRest = await settled();
await inTurns(sessions, async (session) => void (await openData(session, 1)));
stage(`each has the data connection that intercepts keep, ${retried} tries failed`);
const withAllSettled = await settled();
const highest = peak;
const there = await counts();

const times: number[] = [];
for (let index = 0; index < CHANGES; index++) {
  const there = workloads[index];
  const name = `web-${index}-${sessions[index % wanted.sessions]?.uid.slice(0, 8)}`;
  times.push(await change(index, 0, () => cluster.remove(INTERCEPTS, there?.namespace, name)));
  times.push(await change(index, 1, () => void claim(index)));
}
times.sort((a, b) => a - b);
stage(`${times.length} changes have reached their agents`);
const beforeBusy = await settled();
await inTurns(sessions, async (session) => void (await openData(session, 1)));
stage(`${wanted.sessions} sessions are busy: ${1 + DATA_CONNECTIONS} connections each`);
const busy = await settled();
/** All that a leader may write to. */
const versions = () => [DEPLOYMENTS, INTERCEPTS].flatMap((path) => cluster.list(path).map(({ metadata }) => metadata.resourceVersion));
const before = versions();
clearInterval(leading);
await sleep(12_000);
const leader = await settled();
const written = versions().filter((version, index) => version !== before[index]).length;

const mib = (kib: number) => `${(kib / 1024).toFixed(0)} MiB`;
const each = (kib: number, count: number) => kib / count;
const agentKiB = each(withAgents - empty, wanted.agents);
const interceptingKiB = each(withAllSettled - withAgents, wanted.sessions);
const busyKiB = each(busy - beforeBusy, wanted.sessions);
const sessionKiB = each(withAllAtRest - withAgents, wanted.sessions);
const slowest = times.at(-1) ?? 0;
const allLinked = there.counts.connections === wanted.sessions * 2 && there.agents === wanted.agents;
const rows: [string, string, string, boolean | undefined][] = [
  ['linked at once', `${there.counts.sessions} sessions (${there.counts.connections} connections), ${there.agents} agents`, 'all', allLinked],
  ['manager without peers, all objects watched', mib(empty), '', undefined],
  [`with ${wanted.agents} agents`, mib(withAgents), '', undefined],
  ['… an agent of them', `${agentKiB.toFixed(1)} KiB`, `≤ ${AGENT_KIB} KiB`, agentKiB <= AGENT_KIB],
  ['… one more at that size', `${oneMoreAgent.toFixed(1)} KiB`, `≤ ${AGENT_KIB} KiB`, oneMoreAgent <= AGENT_KIB],
  [`with ${wanted.sessions} sessions at rest too, one connection each`, mib(withAllAtRest), '', undefined],
  ['… a session of them', `${sessionKiB.toFixed(0)} KiB`, `≤ ${SESSION_KIB} KiB`, sessionKiB <= SESSION_KIB],
  ['… one more at that size', `${oneMoreSession.toFixed(0)} KiB`, `≤ ${SESSION_KIB} KiB`, oneMoreSession <= SESSION_KIB],
  [
    'with two connections each, since they intercept something',
    `${mib(withAllSettled)}; while all of them link within minutes at most ${mib(highest)}`,
    `≤ ${ALL_MIB} MiB`,
    withAllSettled <= ALL_MIB * 1024,
  ],
  ['… a session of them', `${interceptingKiB.toFixed(0)} KiB`, '', undefined],
  [
    `an intercept's change at its agent, median of ${times.length}`,
    `${times[times.length >> 1]?.toFixed(1)} ms, slowest ${slowest.toFixed(0)} ms`,
    `< ${CHANGE_MS} ms`,
    slowest < CHANGE_MS,
  ],
  [`all ${wanted.sessions} sessions busy at once, three connections each`, `${mib(busy)}, ${busyKiB.toFixed(0)} KiB more each`, '', undefined],
  ['when it leads as well', `${mib(leader)}; objects that it changed: ${written}`, '', undefined],
];
print('\n| what | measured | bound | |\n|---|---|---|---|');
for (const [what, measured, bound, kept] of rows) print(`| ${what} | ${measured} | ${bound} | ${kept === undefined ? '' : kept ? 'kept' : 'MISSED'} |`);
clearInterval(watching);
manager.kill('SIGKILL');
process.exit(rows.some(([, , , kept]) => kept === false) ? 1 : 0);
