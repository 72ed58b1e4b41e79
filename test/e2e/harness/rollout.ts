/**
 * What rollouts cost: several workloads side by side under steady load, taken through a plain restart, the first intercept, leaving
 * and the agent's removal, in step with each other so that each phase meets the same machine.
 */
import type { ChildProcess } from 'node:child_process';
import type { Pod, PodList } from 'kubernetes-types/core/v1.js';
import { answersPerSecond, type Change, type Failure, REQUEST_LIMIT_MS, type Seen, seenIn, steadyPod, type Target } from '../apps/steady.ts';
import { startCluster, type TestCluster, testNamespace } from './cluster.ts';
import { passed } from './load.ts';
import { eventually } from './run.ts';
import { VOLUME } from './volume.ts';
import type { Workstation } from './workstation.ts';

export const { requestsPerSecond: RATE } = VOLUME;
/** The first case's local port; the others follow. */
const FIRST_PORT = 8080;
const LOCAL = `
const handle = (request, response) => response.end('local\\n');
for (const port of process.argv.slice(1)) require('node:http').createServer(handle).listen(Number(port), '127.0.0.1').keepAliveTimeout = 60000;
`;
/** All workloads are looked at at once. */
const LOOK_EVERY_MS = 400;
/** After the last old pod is gone or the command returned, until a phase is over. */
const AFTER_MS = 1_000;

export interface RolloutCase {
  name: string;
  namespace: string;
  kind?: 'Deployment' | 'StatefulSet';
  /** The port behind the colon of `--port`, and more flags. */
  remote?: string;
  flags?: string[];
  url: string;
  pods?: string;
}

export const PHASES = ['plain', 'intercept', 'leave', 'uninstall'] as const;
export type Phase = (typeof PHASES)[number];

export interface Costs {
  lost: Record<Phase, Failure[]>;
  /** When each phase began. */
  began: Record<Phase, number>;
  /** Answers per second from the first phase to the last. */
  rate: number;
  /** What `intercept` printed beside its result. */
  stderr: string;
  stdout: string;
  /** Who answered new connections from the moment on that `intercept` returned until shortly before `leave`, but for `between`; and after `leave`. */
  intercepted: Set<string>;
  left: Set<string>;
  /** All that new connections saw of who answers. */
  changes: Change[];
}

const kindOf = (one: RolloutCase): string => (one.kind ?? 'Deployment').toLowerCase();

export async function podsOf(cluster: TestCluster, namespace: string, app: string): Promise<Pod[]> {
  return (JSON.parse(await cluster.kubectl(['-n', namespace, 'get', 'pods', '-l', `app=${app}`, '-o', 'json'])) as PodList).items;
}

export const hasAgent = (pod: Pod): boolean =>
  [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])].some(({ name }) => name === 'traffic-agent');
const isReady = (pod: Pod): boolean => pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true;

/** Rolled out, and no old pod is left. @param rolls false: its controller replaces no pods */
export async function settled(cluster: TestCluster, one: RolloutCase, agents?: boolean, rolls = true): Promise<void> {
  if (rolls) await cluster.kubectl(['-n', one.namespace, 'rollout', 'status', `${kindOf(one)}/${one.name}`, '--timeout=90s'], { timeoutMs: 100_000 });
  await eventually(
    `the pods of ${one.name} are settled`,
    async () => {
      const pods = await podsOf(cluster, one.namespace, one.name);
      return (
        pods.length > 0 &&
        pods.every((pod) => pod.metadata?.deletionTimestamp === undefined && isReady(pod) && (agents === undefined || hasAgent(pod) === agents))
      );
    },
    60_000,
    LOOK_EVERY_MS,
  );
}

/**
 * What the load printed is all there: its program never ended, and nobody took its log away. Two kubelets that share `/var/log/pods`
 * take away each other's: then nothing is known of what was lost, and no count of it may stand.
 */
async function expectWhole(cluster: TestCluster, load: { name: string; namespace: string }, { counts }: Seen, from: number): Promise<void> {
  const containers = (await podsOf(cluster, load.namespace, load.name)).flatMap(({ status }) => status?.containerStatuses ?? []);
  const restarts = containers.map(({ restartCount }) => restartCount).join();
  if (restarts !== '0') {
    const last = await cluster.kubectl(['-n', load.namespace, 'logs', load.name, '--previous', '--tail=20']);
    throw new Error(`the load's program ended (${restarts} restarts): ${last}`);
  }
  const first = counts[0]?.at ?? Number.POSITIVE_INFINITY;
  if (first > from) throw new Error(`the load's log begins ${Math.round(first - from)} ms after the first phase: somebody took the beginning away`);
}

export interface RolloutOptions {
  /** Called while everything is intercepted. */
  between?: (local: ChildProcess, seen: () => Promise<Seen>) => Promise<void>;
  /** Takes all agents out in one command, instead of one for each workload. */
  uninstall?: () => Promise<unknown>;
}

/** Runs all phases. */
export async function measureRollouts(
  cluster: TestCluster,
  workstation: Workstation,
  load: { name: string; namespace: string },
  cases: readonly RolloutCase[],
  options: RolloutOptions = {},
): Promise<Map<string, Costs>> {
  const portOf = ({ name }: RolloutCase): number => FIRST_PORT + cases.findIndex((one) => one.name === name);
  await using local = workstation.background('node', ['-e', LOCAL, ...cases.map((one) => String(portOf(one)))]);
  const targets = cases.map(({ name, url, pods }): Target => ({ name, url, ...(pods === undefined ? {} : { pods }) }));
  await Promise.all(cases.map((one) => settled(cluster, one)));
  await cluster.apply(steadyPod(load.name, load.namespace, targets, RATE));
  const seen = async (): Promise<Seen> => seenIn(await cluster.kubectl(['-n', load.namespace, 'logs', load.name]));
  await eventually(
    'every target answers',
    async () => {
      const { counts } = await seen();
      return cases.every(({ name }) => counts.some(({ target, total }) => target === name && total > RATE / 2));
    },
    60_000,
  );
  const marks = new Map<string, Partial<Record<Phase, { from: number; returned: number; to: number }>>>();
  const outputs = new Map<string, { stdout: string; stderr: string }>();
  const phase = async (what: Phase, act: (one: RolloutCase) => Promise<unknown>, after: (one: RolloutCase) => Promise<unknown>): Promise<void> => {
    const from = Date.now();
    const returned = new Map<string, number>();
    const began = new Map<string, number>();
    await Promise.all(
      cases.map(async (one) => {
        began.set(one.name, Date.now());
        await act(one);
        returned.set(one.name, Date.now());
        await after(one);
      }),
    );
    await passed(AFTER_MS);
    const to = Date.now();
    for (const { name } of cases) marks.set(name, { ...marks.get(name), [what]: { from: began.get(name) ?? from, returned: returned.get(name) ?? to, to } });
  };
  await phase(
    'plain',
    (one) => cluster.kubectl(['-n', one.namespace, 'rollout', 'restart', `${kindOf(one)}/${one.name}`]),
    (one) => settled(cluster, one, false),
  );
  await phase(
    'intercept',
    async (one) => {
      const { name, namespace, remote, flags = [] } = one;
      const port = remote === undefined ? String(portOf(one)) : `${portOf(one)}:${remote}`;
      const { code, stdout, stderr } = await workstation.telepresence(['intercept', name, '-n', namespace, '--port', port, ...flags], { timeoutMs: 90_000 });
      if (code !== 0) throw new Error(`intercept ${name}: ${stderr}\n${await workstation.logTail()}`);
      outputs.set(name, { stdout, stderr });
    },
    (one) => settled(cluster, one, true),
  );
  const between = { from: Date.now(), to: 0, over: 0 };
  await options.between?.(local, seen);
  between.to = Date.now();
  await passed(AFTER_MS);
  between.over = Date.now();
  // what was asked by then is answered before `leave` is typed: who answers what is on its way then, nobody has promised
  await passed(AFTER_MS);
  await phase(
    'leave',
    ({ name, namespace }) => workstation.ok(['leave', name, '-n', namespace]),
    () => passed(AFTER_MS),
  );
  let together: Promise<unknown> | undefined;
  await phase(
    'uninstall',
    ({ name, namespace }) => {
      if (options.uninstall === undefined) return workstation.ok(['uninstall', name, '-n', namespace]);
      together ??= options.uninstall();
      return together;
    },
    (one) => settled(cluster, one, false),
  );
  await passed(REQUEST_LIMIT_MS);
  const all = await seen();
  await expectWhole(cluster, load, all, marks.get(cases[0]?.name ?? '')?.plain?.from ?? 0);
  const { failures, changes } = all;
  const costs = new Map(
    cases.map(({ name }): [string, Costs] => {
      const times = marks.get(name) ?? {};
      const own = changes.filter(({ target, how }) => target === name && how === 'new');
      // who answered before the first request of that time answered none of it
      const during = (from = 0, to = 0): Set<string> => new Set(own.filter(({ start, last }) => start < to && last >= from).map(({ who }) => who));
      const lost = Object.fromEntries(
        PHASES.map((what) => [
          what,
          failures.filter(({ target, start }) => target === name && start >= (times[what]?.from ?? 0) && start < (times[what]?.to ?? 0)),
        ]),
      ) as Record<Phase, Failure[]>;
      const { leave, intercept, uninstall } = times;
      return [
        name,
        {
          lost,
          began: Object.fromEntries(PHASES.map((what) => [what, times[what]?.from ?? 0])) as Record<Phase, number>,
          rate: answersPerSecond(all, name, times.plain?.from ?? 0, uninstall?.to ?? 0),
          stdout: outputs.get(name)?.stdout ?? '',
          stderr: outputs.get(name)?.stderr ?? '',
          intercepted: during(intercept?.returned, between.from).union(during(between.to, between.over)),
          left: during(leave?.to, uninstall?.to),
          changes: own,
        },
      ];
    }),
  );
  if ([...costs.values()].some(({ intercepted }) => intercepted.size > 1)) process.stdout.write(`${await workstation.logTail()}\n`);
  return costs;
}

/** All phases, several times over, of workloads in a namespace of their own, from a workstation of its own; what they cost each time is printed. */
export async function measureApps(
  stack: AsyncDisposableStack,
  where: { namespace: string; workstation: string },
  cases: readonly (RolloutCase & { app: string })[],
  rounds = 1,
): Promise<Map<string, Costs>[]> {
  const cluster = await startCluster();
  stack.use(await testNamespace(cluster, where.namespace));
  const workstation = stack.use(await cluster.workstation(where.workstation));
  for (const { app } of cases) await cluster.apply(app);
  await workstation.ok(['connect', '-n', where.namespace]);
  const all: Map<string, Costs>[] = [];
  for (let round = 1; round <= rounds; round++) {
    const load = { name: `load-${round}`, namespace: where.namespace };
    const costs = await measureRollouts(cluster, workstation, load, cases);
    process.stdout.write(`${costsTable(costs)}\n`);
    all.push(costs);
    await cluster.kubectl(['-n', load.namespace, 'delete', 'pod', load.name, '--wait=false']);
  }
  return all;
}

/** How many of each cause, and in which milliseconds of the phase they were asked. */
const causesOf = (failures: readonly Failure[], began: number): string => {
  const starts = new Map<string, number[]>();
  for (const { how, cause, start } of failures) starts.set(`${how} ${cause}`, [...(starts.get(`${how} ${cause}`) ?? []), start - began]);
  return [...starts].map(([cause, at]) => `${cause} ${at.length} at ${at.length === 1 ? at.join() : `${Math.min(...at)}…${Math.max(...at)}`} ms`).join(', ');
};

/** A line for each case: lost at each phase, by cause. */
export function costsTable(costs: ReadonlyMap<string, Costs>): string {
  return [...costs]
    .map(([name, { lost, rate, began, intercepted, changes }]) => {
      const answers =
        intercepted.size === 1
          ? ''
          : `\n  answered, since the intercept began, by ${changes.map(({ who, start, last }) => `${who} (${start - began.intercept}…${last - began.intercept} ms)`).join(', ')}; left at ${began.leave - began.intercept} ms`;
      const parts = PHASES.map((what) => `${what} ${lost[what].length}${lost[what].length === 0 ? '' : ` (${causesOf(lost[what], began[what])})`}`);
      return `lost of ${name} at ${rate.toFixed(0)}/s: ${parts.join(' · ')}${answers}`;
    })
    .join('\n');
}
