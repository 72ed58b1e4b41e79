/**
 * Rollouts of apps of many shapes that a restart costs nothing: neither does the agent. Their probes stay green while the process on the
 * workstation is stopped.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type EchoOptions, echoApp, TEST_IMAGE } from './apps/echo.ts';
import { stable } from './apps/stable.ts';
import { REQUEST_LIMIT_MS, type Seen } from './apps/steady.ts';
import { clusterAvailable, startCluster, type TestCluster, testNamespace } from './harness/cluster.ts';
import { passed } from './harness/load.ts';
import { type Costs, costsTable, measureRollouts, PHASES, podsOf, RATE, type RolloutCase } from './harness/rollout.ts';
import { eventually } from './harness/run.ts';
import { VOLUME } from './harness/volume.ts';

const namespace = 'roll-shapes';
const { stoppedMs: STOPPED_MS } = VOLUME;
/** What was asked while it was stopped has failed by then. */
const QUIET_MS = REQUEST_LIMIT_MS + 1_000;

const NODE = ['/app/node', '-e'];
const idle = (name: string): Record<string, unknown> => ({
  name,
  image: TEST_IMAGE,
  imagePullPolicy: 'IfNotPresent',
  command: [...NODE, 'setInterval(() => {}, 1e6)'],
});
const once = (name: string): Record<string, unknown> => ({ ...idle(name), command: [...NODE, '0'] });
const probe = (handler: Record<string, unknown>): Record<string, unknown> => ({ ...handler, periodSeconds: 1, timeoutSeconds: 2, failureThreshold: 3 });
const all = (handler: Record<string, unknown>): Record<string, unknown> => ({
  startupProbe: { ...probe(handler), failureThreshold: 30 },
  readinessProbe: probe(handler),
  livenessProbe: probe(handler),
});

interface Shape extends Omit<RolloutCase, 'namespace' | 'url'> {
  app: Omit<EchoOptions, 'name' | 'namespace'>;
}

const numeric = [{ containerPort: 8080 }];
const SHAPES: Shape[] = [
  {
    name: 'http-by-number',
    app: { targetPort: 8080, container: stable({ ports: numeric, ...all({ httpGet: { path: '/', port: 8080 } }) }) },
  },
  {
    name: 'grpc',
    app: { targetPort: 8080, container: stable({ ports: numeric, ...all({ grpc: { port: 8080 } }) }) },
  },
  {
    name: 'exec',
    remote: 'http',
    app: {
      container: stable({
        ...all({ exec: { command: [...NODE, "fetch('http://127.0.0.1:8080/').then((r) => process.exit(r.ok ? 0 : 1))"] }, initialDelaySeconds: 1 }),
        // a process each time: seldom
        livenessProbe: { exec: { command: ['/app/node', '-v'] }, periodSeconds: 5, timeoutSeconds: 5 },
        readinessProbe: { exec: { command: ['/app/node', '-v'] }, periodSeconds: 5, timeoutSeconds: 5 },
      }),
    },
  },
  {
    name: 'many',
    remote: 'admin',
    app: {
      env: [{ name: 'PORTS', value: '8080,8081' }],
      container: stable({
        ports: [
          { name: 'http', containerPort: 8080 },
          { name: 'admin', containerPort: 8081 },
        ],
        readinessProbe: probe({ httpGet: { path: '/', port: 'admin' } }),
        lifecycle: {
          postStart: { exec: { command: ['/app/node', '-v'] } },
          preStop: { httpGet: { path: '/stop', port: 'admin' } },
        },
      }),
      pod: { initContainers: [once('first'), { ...idle('beside'), restartPolicy: 'Always' }] },
      service: {
        ports: [
          { name: 'http', port: 80, targetPort: 'http' },
          { name: 'admin', port: 81, targetPort: 'admin' },
        ],
      },
    },
  },
  {
    name: 'second',
    app: {
      targetPort: 8080,
      pod: {
        containers: [
          { ...idle('before'), ports: [{ name: 'metrics', containerPort: 9090 }] },
          {
            ...stable({ ports: numeric, ...all({ httpGet: { path: '/', port: 8080 } }) }),
            name: 'app',
            image: TEST_IMAGE,
            imagePullPolicy: 'IfNotPresent',
            env: [{ name: 'APP_NAME', value: 'second' }],
          },
          idle('after'),
        ],
      },
    },
  },
];
const CASES: RolloutCase[] = SHAPES.map(({ app: _app, ...one }) => ({
  ...one,
  namespace,
  url: `http://${one.name}.${namespace}:${one.name === 'many' ? 81 : 80}/`,
}));

describe.skipIf(!clusterAvailable)('rollouts of apps of many shapes (needs root and the test cluster)', () => {
  const stack = new AsyncDisposableStack();
  let cluster: TestCluster;
  let costs: Map<string, Costs>;
  let health: Map<string, [string, string]>;
  let stopped: { from: number; to: number };
  let seen: Seen;

  /** Restarts of app containers and since when each pod is ready. */
  const healthOf = async (name: string): Promise<string> =>
    JSON.stringify(
      (await podsOf(cluster, namespace, name)).map(({ metadata, status }) => [
        metadata?.name,
        status?.containerStatuses?.map(({ name: container, restartCount, ready }) => [container, restartCount, ready]),
        status?.conditions
          ?.filter(({ type }) => type === 'Ready' || type === 'ContainersReady')
          .map(({ type, status: is, lastTransitionTime }) => [type, is, lastTransitionTime]),
      ]),
    );
  const healthOfAll = (): Promise<[string, string][]> => Promise.all(SHAPES.map(async ({ name }): Promise<[string, string]> => [name, await healthOf(name)]));

  beforeAll(async () => {
    cluster = await startCluster();
    stack.use(await testNamespace(cluster, namespace));
    const workstation = stack.use(await cluster.workstation('shapes'));
    for (const { name, app } of SHAPES) await cluster.apply(echoApp({ name, namespace, ...app }));
    await workstation.ok(['connect', '-n', namespace]);
    costs = await measureRollouts(cluster, workstation, { name: 'load', namespace }, CASES, {
      between: async (local, look) => {
        const before = await healthOfAll();
        const from = Date.now();
        local.kill('SIGSTOP');
        await passed(STOPPED_MS);
        const after = new Map(await healthOfAll());
        health = new Map(before.map(([name, was]) => [name, [was, after.get(name) ?? '']]));
        local.kill('SIGCONT');
        stopped = { from, to: Date.now() };
        await eventually('the process answers again', async () => {
          seen = await look();
          return CASES.every(({ name }) => (seen.failures.findLast(({ target }) => target === name)?.start ?? 0) < Date.now() - QUIET_MS);
        });
      },
    });
    const others = seen.changes.filter(({ start, who }) => start > stopped.from && start < stopped.to && who !== 'local');
    process.stdout.write(
      `answered by the app while the process was stopped: ${others.map(({ target, start }) => `${target} +${start - stopped.from} ms`).join(', ')}\n`,
    );
    process.stdout.write(`${costsTable(costs)}\n`);
  }, 390_000);

  afterAll(() => stack.disposeAsync());

  describe.each(SHAPES)('$name', ({ name }) => {
    it.each(PHASES)('%s loses nothing', (phase) => {
      expect(costs.get(name)?.lost[phase]).toEqual([]);
    });
    it('keeps its probes green while the workstation’s process is stopped', () => {
      const [was, is] = health.get(name) ?? [];
      expect(is).toBe(was);
      expect(was).toContain('"Ready","True"');
      // it was stopped, and had the traffic
      expect(seen.failures.filter((failure) => failure.target === name && failure.start > stopped.from && failure.start < stopped.to).length).toBeGreaterThan(
        RATE,
      );
    });
    // what a stopped process takes no more goes to the app: that time does not count
    it('is answered by the workstation as soon as intercept has returned, and by the app after leaving', () => {
      expect([...(costs.get(name)?.intercepted ?? [])]).toEqual(['local']);
      expect([...(costs.get(name)?.left ?? [])]).toEqual([name]);
    });
    it('restarts without a warning', () => {
      expect(costs.get(name)?.stderr).not.toContain('Warning');
    });
  });
});
