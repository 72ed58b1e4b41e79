/**
 * Workloads whose restart costs requests whoever does it: the agent costs no more than `kubectl rollout restart` does, and the user is
 * warned. Alone on the machine: beside others the starts of their containers are compared, not what the agent costs.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { echoApp } from './apps/echo.ts';
import { stable } from './apps/stable.ts';
import { clusterAvailable } from './harness/cluster.ts';
import { type Costs, measureApps, RATE, type RolloutCase } from './harness/rollout.ts';

const namespace = 'roll-costly';
/** Starts of containers differ by so much from one to the next: seconds, and a share of what they take. */
const NOISE_SECONDS = 1.5;
const NOISE_SHARE = 0.25;
const url = (name: string): string => `http://${name}.${namespace}/`;

const CASES: (RolloutCase & { app: string; warning: string })[] = [
  {
    name: 'recreate',
    namespace,
    remote: 'http',
    url: url('recreate'),
    app: echoApp({ name: 'recreate', namespace, container: stable(), workload: { strategy: { type: 'Recreate' } } }),
    warning: 'All pods of Deployment recreate stop before new ones start',
  },
  {
    name: 'single',
    namespace,
    kind: 'StatefulSet',
    url: url('single'),
    app: echoApp({
      name: 'single',
      namespace,
      kind: 'StatefulSet',
      targetPort: 8080,
      container: stable({ ports: [{ containerPort: 8080 }], readinessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1 } }),
    }),
    warning: 'The only pod of StatefulSet single restarts',
  },
];

describe.skipIf(!clusterAvailable)('rollouts that cost what a restart costs (needs root and the test cluster)', () => {
  const stack = new AsyncDisposableStack();
  let costs: Map<string, Costs>;

  beforeAll(async () => {
    costs = await measureApps(stack, { namespace, workstation: 'costly' }, CASES);
  }, 240_000);

  afterAll(() => stack.disposeAsync());

  describe.each(CASES)('$name', ({ name, warning }) => {
    const lost = (phase: keyof Costs['lost']): number => costs.get(name)?.lost[phase].length ?? Number.NaN;

    it.each(['intercept', 'uninstall'] as const)('%s loses no more than a restart', (phase) => {
      expect(lost(phase)).toBeLessThanOrEqual(lost('plain') * (1 + NOISE_SHARE) + NOISE_SECONDS * RATE);
    });
    it('leaving loses nothing', () => {
      expect(costs.get(name)?.lost.leave).toEqual([]);
    });
    it('is answered by the workstation as soon as intercept has returned, and by the app after leaving', () => {
      expect([...(costs.get(name)?.intercepted ?? [])]).toEqual(['local']);
      expect([...(costs.get(name)?.left ?? [])]).toEqual([name]);
    });
    it('warns of what a restart costs, before it restarts', () => {
      expect(costs.get(name)?.stderr).toContain(warning);
    });
  });
});
