/** Rollouts where the cluster's rules stand in the way: pod security, budgets, limits, network policies. What can't be is refused before anything changes. */
import type { Deployment, StatefulSet } from 'kubernetes-types/apps/v1.js';
import type { Service } from 'kubernetes-types/core/v1.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type EchoOptions, echoApp } from './apps/echo.ts';
import { stable } from './apps/stable.ts';
import { clusterAvailable, startCluster, type TestCluster, testNamespace } from './harness/cluster.ts';
import { type Costs, costsTable, measureRollouts, PHASES, podsOf, type RolloutCase, settled } from './harness/rollout.ts';
import type { Finished } from './harness/run.ts';
import type { Workstation } from './harness/workstation.ts';

const OPEN = 'roll-open';
const BASELINE = 'roll-baseline';
const RESTRICTED = 'roll-restricted';
const enforce = (level: string): Record<string, string> => ({ 'pod-security.kubernetes.io/enforce': level });

const restricted = {
  securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: 'RuntimeDefault' } },
};
const confined = { securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } } };
const numeric = { ports: [{ containerPort: 8080 }], readinessProbe: { httpGet: { path: '/', port: 8080 }, periodSeconds: 1 } };
const numbered = (name: string, namespace: string, more: Partial<EchoOptions> = {}): string =>
  echoApp({ name, namespace, targetPort: 8080, container: stable({ ...numeric, ...confined }), pod: restricted, ...more });
const headless = (name: string, namespace: string): string =>
  numbered(name, namespace, { kind: 'StatefulSet', service: { clusterIP: 'None', ports: [{ port: 8080 }] } });
const object = (apiVersion: string, kind: string, namespace: string, name: string, spec: unknown): string =>
  JSON.stringify({ apiVersion, kind, metadata: { name, namespace }, spec });
const budget = (namespace: string, app: string, minAvailable: number): string =>
  object('policy/v1', 'PodDisruptionBudget', namespace, app, { minAvailable, selector: { matchLabels: { app } } });
const policy = (namespace: string, app: string, spec: Record<string, unknown>): string =>
  object('networking.k8s.io/v1', 'NetworkPolicy', namespace, `only-${app}`, { podSelector: { matchLabels: { app } }, ...spec });
const onlyPort = { policyTypes: ['Ingress'], ingress: [{ ports: [{ port: 8080, protocol: 'TCP' }] }] };
const onDelete = { kind: 'StatefulSet', replicas: 2, container: stable(), workload: { updateStrategy: { type: 'OnDelete' } } } as const;
const LIMITS = {
  limits: [
    {
      type: 'Container',
      min: { cpu: '20m', memory: '72Mi' },
      max: { cpu: '1', memory: '300Mi' },
      default: { cpu: '500m', memory: '200Mi' },
      defaultRequest: { cpu: '20m', memory: '72Mi' },
    },
  ],
};

const CASES: (RolloutCase & { apps: string[] })[] = [
  { name: 'limited', namespace: RESTRICTED, url: `http://limited.${RESTRICTED}/`, apps: [numbered('limited', RESTRICTED)] },
  {
    name: 'limited-named',
    namespace: RESTRICTED,
    remote: 'http',
    url: `http://limited-named.${RESTRICTED}/`,
    apps: [echoApp({ name: 'limited-named', namespace: RESTRICTED, container: stable(confined), pod: restricted })],
  },
  { name: 'based', namespace: BASELINE, url: `http://based.${BASELINE}/`, apps: [numbered('based', BASELINE), budget(BASELINE, 'based', 1)] },
  {
    name: 'named-policy',
    namespace: OPEN,
    remote: 'http',
    url: `http://named-policy.${OPEN}/`,
    apps: [echoApp({ name: 'named-policy', namespace: OPEN, container: stable() }), policy(OPEN, 'named-policy', onlyPort)],
  },
];

describe.skipIf(!clusterAvailable)('rollouts under the cluster’s rules (needs root and the test cluster)', () => {
  const stack = new AsyncDisposableStack();
  let cluster: TestCluster;
  let workstation: Workstation;
  let costs: Map<string, Costs>;
  const during = { mode: new Map<string, string>(), target: new Map<string, unknown>() };

  const get = async <T>(namespace: string, what: string): Promise<T> => JSON.parse(await cluster.kubectl(['-n', namespace, 'get', what, '-o', 'json'])) as T;
  const modesOf = async (namespace: string, what: string): Promise<string> => {
    const annotation = (await get<Deployment>(namespace, what)).spec?.template?.metadata?.annotations?.['telepresence.io/agent-config'];
    const config = JSON.parse(annotation ?? '{"ports":[]}') as { ports: { mode: string }[] };
    return config.ports.map(({ mode }) => mode).join();
  };
  let localPort = 9000;
  const intercept = (name: string, namespace: string): Promise<Finished> =>
    workstation.telepresence(['intercept', name, '-n', namespace, '--port', String(localPort++)], { timeoutMs: 90_000 });

  beforeAll(async () => {
    cluster = await startCluster();
    stack.use(await testNamespace(cluster, OPEN));
    stack.use(await testNamespace(cluster, BASELINE, enforce('baseline')));
    stack.use(await testNamespace(cluster, RESTRICTED, enforce('restricted')));
    workstation = stack.use(await cluster.workstation('borders'));
    await cluster.apply(object('v1', 'LimitRange', RESTRICTED, 'limits', LIMITS));
    const apps = [
      ...CASES.flatMap((one) => one.apps),
      headless('alone', BASELINE),
      headless('alone', RESTRICTED),
      numbered('walled', RESTRICTED),
      policy(RESTRICTED, 'walled', onlyPort),
      echoApp({ name: 'cut-off', namespace: OPEN, container: stable() }),
      policy(OPEN, 'cut-off', { policyTypes: ['Egress'], egress: [] }),
      echoApp({ name: 'spare', namespace: OPEN, ...onDelete }),
      budget(OPEN, 'spare', 1),
      echoApp({ name: 'scarce', namespace: OPEN, ...onDelete }),
      budget(OPEN, 'scarce', 2),
    ];
    for (const app of apps) await cluster.apply(app);
    await workstation.ok(['connect', '-n', OPEN]);
    costs = await measureRollouts(cluster, workstation, { name: 'load', namespace: OPEN }, CASES, {
      between: async () => {
        for (const { name, namespace } of CASES) {
          during.mode.set(name, await modesOf(namespace, `deployment/${name}`));
          during.target.set(name, (await get<Service>(namespace, `service/${name}`)).spec?.ports?.[0]?.targetPort);
        }
      },
    });
    process.stdout.write(`${costsTable(costs)}\n`);
  }, 300_000);

  afterAll(() => stack.disposeAsync());

  describe.each(CASES)('$name', ({ name, namespace }) => {
    it.each(PHASES)('%s loses nothing', (phase) => {
      expect(costs.get(name)?.lost[phase]).toEqual([]);
    });
    it('is answered by the workstation as soon as intercept has returned, and by the app after leaving', () => {
      expect([...(costs.get(name)?.intercepted ?? [])]).toEqual(['local']);
      expect([...(costs.get(name)?.left ?? [])]).toEqual([name]);
    });
    it('leaves its Service as it was', async () => {
      expect((await get<Service>(namespace, `service/${name}`)).spec?.ports?.[0]?.targetPort).toBe(name.includes('named') ? 'http' : 8080);
    });
  });

  it('takes a port by number through the Service where NET_ADMIN is refused, and by redirect where a policy names the port', () => {
    expect(Object.fromEntries(during.mode)).toEqual({ limited: 'patched', 'limited-named': 'named', based: 'patched', 'named-policy': 'redirect' });
    expect(Object.fromEntries(during.target)).toEqual({ limited: 'tp-8080', 'limited-named': 'http', based: 'tp-8080', 'named-policy': 'http' });
  });

  it.each([
    ['StatefulSet', 'alone', BASELINE, 'The Service alone is headless'],
    ['StatefulSet', 'alone', RESTRICTED, 'The Service alone is headless'],
    ['Deployment', 'walled', RESTRICTED, 'The NetworkPolicy only-walled lets no traffic through'],
    ['Deployment', 'cut-off', OPEN, 'The NetworkPolicy only-cut-off keeps the pods'],
  ])('refuses the %s %s in %s before anything changes', async (kind, name, namespace, sentence) => {
    const before = await get<StatefulSet>(namespace, `${kind}/${name}`);
    const { code, stderr } = await intercept(name, namespace);
    expect(code).not.toBe(0);
    expect(stderr).toContain('TP-INTERCEPT-REFUSED');
    expect(stderr).toContain(sentence);
    const after = await get<StatefulSet>(namespace, `${kind}/${name}`);
    expect(after.metadata?.generation).toBe(before.metadata?.generation);
    expect(after.spec).toEqual(before.spec);
    expect(await cluster.kubectl(['-n', namespace, 'get', 'intercepts', '-o', 'name'])).not.toContain(name);
  });

  it('replaces pods one by one as their budget allows, where their controller does not', async () => {
    const { code, stderr } = await intercept('spare', OPEN);
    expect([code, code === 0 ? '' : stderr]).toEqual([0, '']);
    await settled(cluster, { name: 'spare', namespace: OPEN, url: '' }, true, false);
    await workstation.ok(['leave', 'spare', '-n', OPEN]);
  });

  it('names the budget that keeps pods from being replaced, and changes no pod', async () => {
    const uids = async (): Promise<(string | undefined)[]> => (await podsOf(cluster, OPEN, 'scarce')).map(({ metadata }) => metadata?.uid);
    const before = await uids();
    const { code, stderr } = await intercept('scarce', OPEN);
    expect(code).not.toBe(0);
    expect(stderr).toContain('TP-INTERCEPT-TIMEOUT');
    expect(stderr).toContain('The PodDisruptionBudget scarce forbids');
    expect(await uids()).toEqual(before);
  });
});
