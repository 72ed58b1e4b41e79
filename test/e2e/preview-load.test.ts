/**
 * Two people intercept one service, each with a preview URL; both previews, the normal URL and requests with their headers come at once,
 * over every protocol that the agent knows. Each answer names its server. harness/volume.ts says how many there are.
 */
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { INTERCEPT_ID_HEADER } from '../../src/protocol/cloud.ts';
import { TEST_IMAGE } from './apps/echo.ts';
import type { LaneOutcome, MixedTask, Place } from './apps/mixed/lane.ts';
import { HOST_ADDRESS } from './harness/cloud.ts';
import { clusterAvailable, type TestCluster } from './harness/cluster.ts';
import { ingressDoor, ingressMissing } from './harness/ingress-controller.ts';
import { programText } from './harness/program.ts';
import { ingressTo, interceptInPublic, startTeam } from './harness/team.ts';
import { VOLUME } from './harness/volume.ts';

const { previewRequests: REQUESTS } = VOLUME;
const NAMESPACE = 'preview-load';
const HOST = 'shop.edgestack.me';
const SERVER = path.join(import.meta.dirname, 'apps/mixed/server.ts');
const TIMEOUT_MS = 540_000;

describe.skipIf(!clusterAvailable || ingressMissing !== undefined)(
  `two people, one service (needs root and the test cluster${ingressMissing === undefined ? '' : `, and ${ingressMissing}`})`,
  () => {
    const cleanUp = new AsyncDisposableStack();
    let cluster: TestCluster;
    const places: Place[] = [];

    beforeAll(async () => {
      const { cloud, people, ...team } = await startTeam(cleanUp, NAMESPACE, ['ann', 'bob']);
      ({ cluster } = team);
      await cluster.apply(JSON.stringify({ apiVersion: 'v1', kind: 'List', items: await objects() }));
      await cluster.kubectl(['-n', NAMESPACE, 'rollout', 'status', 'deployment/shop', '--timeout=90s'], { timeoutMs: 100_000 });
      for (const person of people) {
        const { name } = person.account;
        cleanUp.use(person.workstation.background('node', [SERVER, name, '8080', '127.0.0.1']));
        const { host, mark } = await interceptInPublic(cloud, person, 'shop', HOST);
        places.push({ name, proof: name, header: { name: INTERCEPT_ID_HEADER, value: mark }, door: { host, address: HOST_ADDRESS, port: 443 } });
      }
      places.push({ name: 'cluster', door: { host: HOST, address: ingressDoor, port: 443 } });
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
        ingressTo(NAMESPACE, HOST, 'shop'),
        {
          apiVersion: 'v1',
          kind: 'Pod',
          metadata: { name: 'load', namespace: NAMESPACE },
          spec: { terminationGracePeriodSeconds: 1, containers: [load], volumes },
        },
      ];
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
  },
);
