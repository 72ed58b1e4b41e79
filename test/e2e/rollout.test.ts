/** Under 50 requests a second nothing is lost when an agent comes, an intercept ends, or the agent goes: workloads that a restart costs nothing. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { echoApp } from './apps/echo.ts';
import { stable } from './apps/stable.ts';
import { clusterAvailable } from './harness/cluster.ts';
import { type Costs, measureApps, PHASES, RATE, type RolloutCase } from './harness/rollout.ts';

const namespace = 'roll-whole';
const readiness = (port: number | string) => ({ readinessProbe: { httpGet: { path: '/', port }, periodSeconds: 1 } });
const numeric = { ports: [{ containerPort: 8080 }], ...readiness(8080) };
const url = (name: string, port = 80): string => `http://${name}.${namespace}:${port}/`;

const CASES: (RolloutCase & { app: string })[] = [
  {
    name: 'surge',
    namespace,
    remote: 'http',
    url: url('surge'),
    app: echoApp({ name: 'surge', namespace, container: stable() }),
  },
  {
    name: 'pair',
    namespace,
    kind: 'StatefulSet',
    remote: 'http',
    url: url('pair'),
    app: echoApp({ name: 'pair', namespace, kind: 'StatefulSet', replicas: 2, container: stable() }),
  },
  {
    name: 'pair-by-number',
    namespace,
    kind: 'StatefulSet',
    remote: '80',
    url: url('pair-by-number'),
    app: echoApp({ name: 'pair-by-number', namespace, kind: 'StatefulSet', replicas: 2, targetPort: 8080, container: stable(numeric) }),
  },
  {
    name: 'pair-headless',
    namespace,
    kind: 'StatefulSet',
    url: 'http://headless:8080/',
    pods: `${namespace}/pair-headless`,
    app: echoApp({
      name: 'pair-headless',
      namespace,
      kind: 'StatefulSet',
      replicas: 2,
      container: stable(numeric),
      service: { clusterIP: 'None', ports: [{ port: 8080 }] },
    }),
  },
];

describe.skipIf(!clusterAvailable)('rollouts that need not cost anything (needs root and the test cluster)', () => {
  const stack = new AsyncDisposableStack();
  let costs: Map<string, Costs>;

  beforeAll(async () => {
    [costs = new Map()] = await measureApps(stack, { namespace, workstation: 'roll' }, CASES);
  }, 240_000);

  afterAll(() => stack.disposeAsync());

  describe.each(CASES)('$name', ({ name }) => {
    it.each(PHASES)('%s loses nothing', (phase) => {
      expect(costs.get(name)?.lost[phase]).toEqual([]);
    });
    it('was asked all the time', () => {
      expect(costs.get(name)?.rate).toBeGreaterThan(RATE * 0.5);
    });
    it('is answered by the workstation as soon as intercept has returned, and by the app after leaving', () => {
      expect([...(costs.get(name)?.intercepted ?? [])]).toEqual(['local']);
      expect([...(costs.get(name)?.left ?? [])]).toEqual([name]);
    });
  });
});
