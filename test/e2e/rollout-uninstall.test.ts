/** `uninstall --all-agents` and `--everything` under 50 requests a second: agents go, and the manager with them, and nothing is lost. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { echoApp } from './apps/echo.ts';
import { stable } from './apps/stable.ts';
import { clusterAvailable, startCluster, type TestCluster, testNamespace } from './harness/cluster.ts';
import { type Costs, costsTable, measureRollouts, PHASES, RATE, type RolloutCase } from './harness/rollout.ts';
import type { Workstation } from './harness/workstation.ts';

const namespace = 'roll-all';
const BASELINE = 'roll-all-baseline';
const numeric = { ports: [{ containerPort: 8080 }], readinessProbe: { httpGet: { path: '/', port: 8080 }, periodSeconds: 1 } };
const CASES: (RolloutCase & { app: string })[] = [
  {
    name: 'named',
    namespace,
    url: `http://named.${namespace}/`,
    app: echoApp({ name: 'named', namespace, container: stable() }),
  },
  {
    name: 'pair',
    namespace,
    kind: 'StatefulSet',
    url: `http://pair.${namespace}/`,
    app: echoApp({ name: 'pair', namespace, kind: 'StatefulSet', replicas: 2, targetPort: 8080, container: stable(numeric) }),
  },
  // its Service gets its number back first
  {
    name: 'by-service',
    namespace: BASELINE,
    url: `http://by-service.${BASELINE}/`,
    app: echoApp({ name: 'by-service', namespace: BASELINE, targetPort: 8080, container: stable(numeric) }),
  },
];

describe.skipIf(!clusterAvailable)('all agents go at once (needs root and the test cluster)', () => {
  const stack = new AsyncDisposableStack();
  let cluster: TestCluster;
  let workstation: Workstation;

  beforeAll(async () => {
    cluster = await startCluster();
    stack.use(await testNamespace(cluster, namespace));
    stack.use(await testNamespace(cluster, BASELINE, { 'pod-security.kubernetes.io/enforce': 'baseline' }));
    workstation = stack.use(await cluster.workstation('rollall'));
    for (const { app } of CASES) await cluster.apply(app);
  });

  afterAll(async () => {
    // other files find a manager, as they would have
    await workstation?.telepresence(['connect', '-n', namespace], { timeoutMs: 120_000 });
    await stack.disposeAsync();
  });

  async function expectNothingLeft(): Promise<void> {
    const annotations = '-o=jsonpath={.items[*].metadata.annotations}{.items[*].spec.template.metadata.annotations}';
    for (const where of [namespace, BASELINE]) {
      expect(await cluster.kubectl(['-n', where, 'get', 'deployments,statefulsets', annotations])).not.toContain('telepresence.io');
    }
    expect(await cluster.kubectl(['-n', BASELINE, 'get', 'service/by-service', '-o', 'jsonpath={.spec.ports[0].targetPort}'])).toBe('8080');
  }

  function expectNothingLost(costs: Map<string, Costs>): void {
    process.stdout.write(`${costsTable(costs)}\n`);
    for (const { name } of CASES) {
      const { lost, rate, intercepted } = costs.get(name) ?? { lost: undefined, rate: 0, intercepted: [] };
      for (const phase of PHASES) expect(lost?.[phase], `${name}, ${phase}`).toEqual([]);
      expect(rate, name).toBeGreaterThan(RATE * 0.5);
      expect([...intercepted], name).toEqual(['local']);
    }
  }

  it('--all-agents, one namespace after the other', async () => {
    await workstation.ok(['connect', '-n', namespace], { timeoutMs: 120_000 });
    const uninstall = async (): Promise<void> => {
      const [here, there] = [await workstation.ok(['uninstall', '--all-agents']), await workstation.ok(['uninstall', '--all-agents', '-n', BASELINE])];
      expect([here.trim().split('\n').toSorted(), there.trim()]).toEqual([['Deployment/named', 'StatefulSet/pair'], 'Deployment/by-service']);
    };
    expectNothingLost(await measureRollouts(cluster, workstation, { name: 'load-all-agents', namespace }, CASES, { uninstall }));
    await expectNothingLeft();
    await cluster.kubectl(['-n', namespace, 'delete', 'pod', 'load-all-agents', '--wait=false']);
  }, 240_000);

  it('--everything, and the manager with them', async () => {
    await workstation.ok(['connect', '-n', namespace], { timeoutMs: 120_000 });
    const uninstall = (): Promise<string> => workstation.ok(['uninstall', '--everything'], { timeoutMs: 120_000 });
    expectNothingLost(await measureRollouts(cluster, workstation, { name: 'load-everything', namespace }, CASES, { uninstall }));
    await expectNothingLeft();
    expect(await cluster.kubectl(['-n', 'ambassador', 'get', 'deployments,pods', '-o', 'name'])).toBe('');
    expect(await cluster.kubectl(['get', 'crds', '-o', 'name'])).not.toContain('telepresence');
  }, 240_000);
});
