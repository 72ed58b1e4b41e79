/**
 * Workloads whose restart costs requests whoever does it: the agent costs no more than `kubectl rollout restart` does, and the user is
 * warned. Alone on the machine: beside others the starts of their containers are compared, not what the agent costs.
 *
 * One restart says little of the next: kube-proxy looks at the cluster at most once a second, and until it has looked, what comes goes to
 * the pod that is gone. So each is done several times, in turn, and the medians are compared, where times are measured: what is lost tells
 * how long containers took to start.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { within } from '../helpers/measured.ts';
import { echoApp } from './apps/echo.ts';
import { stable } from './apps/stable.ts';
import { clusterAvailable } from './harness/cluster.ts';
import { type Costs, measureApps, type Phase, RATE, type RolloutCase } from './harness/rollout.ts';
import { VOLUME } from './harness/volume.ts';

const namespace = 'roll-costly';
const { costlyRounds: ROUNDS } = VOLUME;
/** By how much medians of restarts differ that cost the same: less than one turn of kube-proxy. */
const NOISE_SECONDS = 1;
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
  let rounds: Map<string, Costs>[];

  beforeAll(async () => {
    rounds = await measureApps(stack, { namespace, workstation: 'costly' }, CASES, ROUNDS);
  }, 400_000);

  afterAll(() => stack.disposeAsync());

  describe.each(CASES)('$name', ({ name, warning }) => {
    const costs = (): Costs[] => rounds.flatMap((round) => round.get(name) ?? []);
    const median = (phase: Phase): number =>
      costs()
        .map(({ lost }) => lost[phase].length)
        .toSorted((a, b) => a - b)[(ROUNDS - 1) / 2] ?? Number.NaN;

    it.each(['intercept', 'uninstall'] as const)('%s loses no more than a restart', (phase) => {
      expect(median(phase)).toBeLessThanOrEqual(within(median('plain') + NOISE_SECONDS * RATE));
    });
    it('leaving loses nothing', () => {
      expect(costs().flatMap(({ lost }) => lost.leave)).toEqual([]);
    });
    it('is answered by the workstation as soon as intercept has returned, and by the app after leaving', () => {
      expect(costs().map(({ intercepted, left }) => [[...intercepted], [...left]])).toEqual(Array.from({ length: ROUNDS }, () => [['local'], [name]]));
    });
    it('warns of what a restart costs, before it restarts', () => {
      for (const { stderr } of costs()) expect(stderr).toContain(warning);
    });
  });
});
