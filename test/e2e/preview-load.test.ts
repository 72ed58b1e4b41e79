/**
 * Two people intercept one service, each with a preview URL; both previews, the normal URL and requests with their headers come at once,
 * over every protocol that the agent knows. Each answer names its server. PREVIEW_LOAD_REQUESTS changes how many there are.
 */
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TEST_IMAGE } from './apps/echo.ts';
import type { LaneOutcome, MixedTask, Place } from './apps/mixed/lane.ts';
import { type Account, makeAccount, makePublic, previewsOf, trust } from './harness/account.ts';
import { type CloudOnHost, HOST_ADDRESS, setCloud, startCloudOnHost } from './harness/cloud.ts';
import { clusterAvailable, startCluster, type TestCluster, testNamespace } from './harness/cluster.ts';
import { startIngressController } from './harness/ingress-controller.ts';
import { programText } from './harness/program.ts';
import { eventually } from './harness/run.ts';
import type { Workstation } from './harness/workstation.ts';

const REQUESTS = Number(process.env['PREVIEW_LOAD_REQUESTS'] ?? 100_000);
const NAMESPACE = 'preview-load';
const HOST = 'shop.edgestack.me';
const SERVER = path.join(import.meta.dirname, 'apps/mixed/server.ts');
const MARK = 'x-telepresence-intercept-id';
const TIMEOUT_MS = 540_000;

describe.skipIf(!clusterAvailable)('two people, one service (needs root and the test cluster)', () => {
  const cleanUp = new AsyncDisposableStack();
  let cluster: TestCluster;
  let cloud: CloudOnHost;
  const people: { account: Account; workstation: Workstation }[] = [];
  const places: Place[] = [];

  beforeAll(async () => {
    cluster = await startCluster();
    cloud = await startCloudOnHost({ logLevel: 'debug' });
    cleanUp.use(cloud);
    await trust(cloud);
    const first = await makeAccount(cloud, 'ann', cloud.firstLink);
    const accounts = [first, await makeAccount(cloud, 'bob', await first.invite())];
    for (const account of accounts) {
      const workstation = await cluster.workstation(account.name);
      cleanUp.use(workstation);
      people.push({ account, workstation });
    }
    const [{ workstation: administrator }] = people as [(typeof people)[0]];
    // an empty cluster gets its traffic-manager by it
    await administrator.ok(['connect'], { timeoutMs: 120_000 });
    cleanUp.use(await testNamespace(cluster, NAMESPACE));
    await startIngressController(cluster);
    await cluster.kubectl(['-n', 'ambassador', 'delete', 'secret', 'telepresence-cloud', '--ignore-not-found']);
    await setCloud(administrator, cloud);
    cleanUp.defer(async () => {
      await setCloud(administrator, undefined);
      await cluster.kubectl(['-n', 'ambassador', 'delete', 'secret', 'telepresence-cloud', '--ignore-not-found']);
    });
    await administrator.ok(['quit', '-s']);
    await cluster.apply(JSON.stringify({ apiVersion: 'v1', kind: 'List', items: await objects() }));
    await cluster.kubectl(['-n', NAMESPACE, 'rollout', 'status', 'deployment/shop', '--timeout=90s'], { timeoutMs: 100_000 });
    for (const { account, workstation } of people) await intercept(account, workstation);
    places.push({ name: 'cluster', door: { host: HOST, address: 'traefik.ingress', port: 443 } });
  }, 400_000);

  afterAll(async () => {
    await cleanUp.disposeAsync();
  }, 200_000);

  async function objects(): Promise<object[]> {
    const labels = { app: 'shop' };
    const container = {
      image: TEST_IMAGE,
      imagePullPolicy: 'IfNotPresent',
      volumeMounts: [{ name: 'programs', mountPath: '/programs' }],
    };
    const volumes = [{ name: 'programs', configMap: { name: 'programs' } }];
    const data = { 'server.mjs': await programText('mixed/server.ts'), 'client.mjs': await programText('mixed/client.ts') };
    const app = {
      ...container,
      name: 'app',
      command: ['/app/node', '/programs/server.mjs', 'cluster', '8080'],
      ports: [{ name: 'http', containerPort: 8080 }],
      readinessProbe: { tcpSocket: { port: 'http' }, periodSeconds: 1 },
    };
    const load = { ...container, name: 'load', command: ['/app/node', '-e', 'process.on("SIGTERM", () => process.exit(0)); setInterval(() => {}, 1e9)'] };
    const rule = { host: HOST, http: { paths: [{ path: '/', pathType: 'Prefix', backend: { service: { name: 'shop', port: { name: 'http' } } } }] } };
    return [
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'programs', namespace: NAMESPACE }, data },
      {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name: 'shop', namespace: NAMESPACE },
        spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers: [app], volumes } } },
      },
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'shop', namespace: NAMESPACE },
        spec: { selector: labels, ports: [{ name: 'http', port: 80, targetPort: 'http' }] },
      },
      { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', metadata: { name: 'shop', namespace: NAMESPACE }, spec: { rules: [rule] } },
      {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: 'load', namespace: NAMESPACE },
        spec: { terminationGracePeriodSeconds: 1, containers: [load], volumes },
      },
    ];
  }

  /** Logs in, intercepts with a preview URL that anybody may see, and starts the process that answers. */
  async function intercept(account: Account, workstation: Workstation): Promise<void> {
    const { name } = account;
    const env = { NODE_EXTRA_CA_CERTS: cloud.caFile };
    cleanUp.use(workstation.background('node', [SERVER, name, '8080', '127.0.0.1']));
    await eventually('connected', async () => (await workstation.telepresence(['connect', '-n', NAMESPACE], { env })).code === 0, 60_000);
    await workstation.ok(['login', '--apikey', account.key], { env });
    const ingress = ['--ingress-host', 'traefik.ingress', '--ingress-port', '443', '--ingress-tls', '--ingress-l5', HOST];
    const said = await workstation.ok(['intercept', name, '--workload', 'shop', '--port', '8080:http', '--mount=false', ...ingress], {
      timeoutMs: 120_000,
      env,
    });
    const host = /https:\/\/(\S+\.preview\.edgestack\.me)/.exec(said)?.[1] ?? '';
    const preview = (await previewsOf(cloud, account)).find((one) => one.host === host);
    await makePublic(cloud, account, preview?.id ?? '');
    const id = /regexp\("([0-9a-f-]{36}):/.exec(said)?.[1] ?? '';
    places.push({ name, proof: name, header: { name: MARK, value: `${id}:${name}` }, door: { host, address: HOST_ADDRESS, port: 443 } });
  }

  it(
    `${REQUESTS} requests of all kinds at once, none misrouted and none failed`,
    async () => {
      const task: MixedTask = { places, service: `shop.${NAMESPACE}.svc.cluster.local`, requests: REQUESTS };
      const printed = await cluster.kubectl(['-n', NAMESPACE, 'exec', 'load', '--', '/app/node', '/programs/client.mjs', JSON.stringify(task)], {
        timeoutMs: TIMEOUT_MS,
      });
      const outcomes = JSON.parse(printed) as LaneOutcome[];
      for (const { lane, requests, took, wrongs } of outcomes)
        process.stdout.write(`${lane}: ${requests} requests in ${took.toFixed(1)} s, ${Math.round(requests / took)} per s, ${wrongs} wrong\n`);
      expect(outcomes.filter(({ wrongs }) => wrongs > 0)).toEqual([]);
      expect(outcomes.reduce((sum, { requests }) => sum + requests, 0)).toBe(REQUESTS);
    },
    TIMEOUT_MS + 20_000,
  );
});
