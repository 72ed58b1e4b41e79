/** `doctor` and `doctor --propagation` on a chain of three services, one of which does not pass the mark on. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { echoApp } from './apps/echo.ts';
import { clusterAvailable, startCluster, type TestCluster, testNamespace } from './harness/cluster.ts';
import { eventually } from './harness/run.ts';
import type { Workstation } from './harness/workstation.ts';

const NAMESPACE = 'propagation';
/** Answers what the next service answers; passes the header on unless it is told not to. */
const CHAIN = `
const http = require('http');
const HEADER = 'x-telepresence-intercept-id';
http.createServer((req, res) => {
  if (!process.env.NEXT || req.url === '/healthz') return res.end(process.env.APP_NAME + '\\n');
  const mark = req.headers[HEADER];
  const headers = mark !== undefined && process.env.FORGETS !== 'yes' ? { [HEADER]: mark } : {};
  http.get('http://' + process.env.NEXT + '/', { headers }, (answer) => answer.pipe(res)).on('error', (error) => { res.statusCode = 502; res.end(String(error)); });
}).listen(8080);
process.on('SIGTERM', () => setTimeout(() => process.exit(0), 5000));
`;

describe.skipIf(!clusterAvailable)('doctor (needs root and the test cluster)', () => {
  const cleanUp = new AsyncDisposableStack();
  let cluster: TestCluster;
  let workstation: Workstation;
  const link = (name: string, next: string | undefined, forgets = false): string =>
    echoApp({
      name,
      namespace: NAMESPACE,
      env: [...(next === undefined ? [] : [{ name: 'NEXT', value: next }]), { name: 'FORGETS', value: forgets ? 'yes' : 'no' }],
      container: { command: ['/app/node', '-e', CHAIN], readinessProbe: { httpGet: { path: '/healthz', port: 'http' }, periodSeconds: 1 } },
    });

  beforeAll(async () => {
    cluster = await startCluster();
    workstation = await cluster.workstation('doctor');
    cleanUp.use(workstation);
    cleanUp.use(await testNamespace(cluster, NAMESPACE));
    for (const app of [link('front', 'middle'), link('middle', 'back', true), link('back', undefined)]) await cluster.apply(app);
    for (const name of ['front', 'middle', 'back'])
      await cluster.kubectl(['-n', NAMESPACE, 'rollout', 'status', `deployment/${name}`, '--timeout=60s'], { timeoutMs: 70_000 });
  }, 240_000);
  afterAll(async () => {
    await cleanUp.disposeAsync();
  }, 120_000);

  it('finds all well, and says what it could not look at while nothing is connected', async () => {
    await workstation.ok(['connect', '--namespace', NAMESPACE], { timeoutMs: 120_000 });
    const well = await workstation.telepresence(['doctor']);
    expect([well.code, well.stderr]).toEqual([0, '']);
    expect(well.stdout.replace(/(\d+\.\d|\d+) ms/g, 'N ms')).toMatch(
      /^kubeconfig +ok +context default, https:\S+\nAPI server +ok +Kubernetes v1\S+, answers in N ms\nrights +ok +\S+ may connect, and intercept in \S+\ntraffic-manager +ok +0\S+, \d of \d replicas ready\ntunnel +ok +answers in N ms\nDNS +ok +kubernetes\.default\.svc\.cluster\.local is 10\.96\.0\.1\nintercepts +ok +none\n$/,
    );
    await workstation.ok(['quit']);
    const away = await workstation.telepresence(['doctor']);
    expect([away.code, away.stdout]).toEqual([0, expect.stringMatching(/tunnel +- +not connected/)]);
    const astray = await workstation.telepresence(['doctor', '--server', 'https://198.18.0.99:6443']);
    expect([astray.code, astray.stdout]).toEqual([1, expect.stringMatching(/API server +FAILED .*TP-KUBE-\w+\)\n.*\nrights +- /)]);
  });

  it('says who has no right, and which', async () => {
    await using nobody = await cluster.workstation('nobody', { kubeconfig: await cluster.user('nobody') });
    const { code, stdout } = await nobody.telepresence(['doctor']);
    expect([code, stdout]).toEqual([1, expect.stringMatching(/rights +FAILED +missing: create sessions in ambassador, /)]);
  });

  it('says where a mark was lost, as far as it can see', async () => {
    await eventually('connected', async () => (await workstation.telepresence(['connect', '--namespace', NAMESPACE])).code === 0, 60_000);
    const follow = (): ReturnType<Workstation['telepresence']> => workstation.telepresence(['doctor', '--propagation', `http://front.${NAMESPACE}/`]);
    const blind = await follow();
    expect(blind.stdout).toContain('No workload has an http intercept');
    for (const [port, name] of ['front', 'middle', 'back'].entries())
      await workstation.ok(['intercept', name, '--port', String(9000 + port), '--http-header', 'x-nobody=1', '--mount=false'], { timeoutMs: 90_000 });
    const lost = await follow();
    expect(lost.stdout).toContain(`GET http://front.${NAMESPACE}/ with x-telepresence-intercept-id: status 200\n`);
    expect(lost.stdout).toMatch(
      /saw the mark +deployment\/front\.propagation\n +saw the mark +deployment\/middle\.propagation\n +did not see it +deployment\/back\.propagation \(one request came without it meanwhile\)\n\nThe mark was lost between middle and back: /,
    );
    expect(lost.code).toBe(1);
  }, 240_000);

  it('finds no fault where every service passes it on', async () => {
    await cluster.kubectl(['-n', NAMESPACE, 'set', 'env', 'deployment/middle', 'FORGETS=no', '--containers=app']);
    await cluster.kubectl(['-n', NAMESPACE, 'rollout', 'status', 'deployment/middle', '--timeout=60s'], { timeoutMs: 70_000 });
    const follow = (): ReturnType<Workstation['telepresence']> => workstation.telepresence(['doctor', '--propagation', `http://front.${NAMESPACE}/`]);
    await eventually('the new pod’s agent takes its intercept', async () => (await follow()).stdout.match(/saw the mark/g)?.length === 3, 60_000);
    const well = await follow();
    expect([well.code, well.stdout]).toEqual([0, expect.stringContaining('The mark was lost nowhere where it was looked for.')]);
  }, 120_000);
});
