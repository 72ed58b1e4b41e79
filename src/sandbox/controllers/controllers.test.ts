/** Controllers on the API in one process; the test is the node: it says which pods are ready. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createLog } from '../../base/log.ts';
import type { KubeObject } from '../../kube/index.ts';
import { testClient } from '../api/testing/api.ts';
import { type ApiServerParts, StatusError } from '../contract.ts';
import { createContext } from './core/context.ts';
import type { EndpointSlice, Pod, ReplicaSet } from './core/types.ts';
import { startControllers } from './index.ts';

const stops: AbortController[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop.abort(new Error('the test is over'));
});

const SHOP = '/api/v1/namespaces/shop';
const APPS = '/apis/apps/v1/namespaces/shop';

async function cluster(parts: Partial<ApiServerParts> = {}) {
  const log = createLog(() => {});
  const stop = new AbortController();
  stops.push(stop);
  const client = await testClient(parts);
  await startControllers(createContext({ client, log, signal: stop.signal }), { caCertificate: 'PEM' });
  const pods = async () => (await client.list<Pod>(`${SHOP}/pods`)).items;
  /** Makes each pod ready that is not yet. */
  async function run(): Promise<void> {
    for (const [index, pod] of (await pods()).entries()) {
      if (pod.status?.phase === 'Running') continue;
      const conditions = [{ type: 'Ready', status: 'True', lastTransitionTime: pod.metadata.creationTimestamp }];
      const podIP = `10.244.0.${index + 10}`;
      const status = { phase: 'Running', podIP, podIPs: [{ ip: podIP }], conditions };
      await client.patch(`${SHOP}/pods/${pod.metadata.name}`, 'merge', { status }, { subresource: 'status' });
    }
  }
  return { client, pods, run };
}

const template = (image: string) => ({
  metadata: { labels: { app: 'web' } },
  spec: { containers: [{ name: 'web', image, ports: [{ name: 'http', containerPort: 8080 }] }] },
});
const deployment = (replicas: number): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', namespace: 'shop' },
  spec: { replicas, selector: { matchLabels: { app: 'web' } }, template: template('one') },
});

describe('controllers', () => {
  it('give a namespace its account and the certificate of the API server', async () => {
    const { client } = await cluster();
    await vi.waitFor(async () => {
      expect(await client.get(`${SHOP}/serviceaccounts/default`)).toBeDefined();
      expect(await client.get(`${SHOP}/configmaps/kube-root-ca.crt`)).toMatchObject({ data: { 'ca.crt': 'PEM' } });
    });
  });

  it('roll a Deployment to a new template, and back', async () => {
    const { client, pods, run } = await cluster();
    await client.create(deployment(3));
    const settled = (image: string) =>
      vi.waitFor(
        async () => {
          await run();
          expect(await client.get(`${APPS}/deployments/web`)).toMatchObject({ status: { updatedReplicas: 3, replicas: 3, availableReplicas: 3 } });
          expect((await pods()).map((pod) => pod.spec.containers[0]?.image)).toEqual([image, image, image]);
        },
        { timeout: 5000 },
      );
    await settled('one');
    expect(await client.get(`${APPS}/deployments/web`)).toMatchObject({
      status: { conditions: [{ type: 'Available' }, { reason: 'NewReplicaSetAvailable' }] },
    });
    await client.patch(`${APPS}/deployments/web`, 'merge', { spec: { template: template('two') } });
    await settled('two');
    expect(await client.get(`${APPS}/deployments/web`)).toMatchObject({ metadata: { annotations: { 'deployment.kubernetes.io/revision': '2' } } });
    expect((await client.list<ReplicaSet>(`${APPS}/replicasets`)).items).toHaveLength(2);
    await client.patch(`${APPS}/deployments/web`, 'merge', { spec: { template: template('one') } });
    await settled('one');
    expect(await client.get(`${APPS}/deployments/web`)).toMatchObject({ metadata: { annotations: { 'deployment.kubernetes.io/revision': '3' } } });
  });

  it('try again ever more slowly where pods are refused', async () => {
    let refused = 0;
    const validate: ApiServerParts['admission']['validate'] = async ({ type, operation, name }) => {
      if (type.plural !== 'pods' || operation !== 'CREATE') return;
      throw new StatusError(403, 'Forbidden', `pods "${name} ${refused++}" is forbidden: exceeded quota`);
    };
    const { client } = await cluster({ admission: { mutate: async ({ object }) => object, validate } });
    await client.create(deployment(1));
    await vi.waitFor(async () => {
      const { items } = await client.list<ReplicaSet>(`${APPS}/replicasets`);
      expect(items[0]?.status?.conditions).toMatchObject([{ type: 'ReplicaFailure', reason: 'FailedCreate' }]);
    });
    // seven tries, at 10 ms and then twice as late each time, are more than 0.6 s
    const before = performance.now();
    await vi.waitUntil(() => refused > 7, { timeout: 10_000 });
    expect(performance.now() - before).toBeGreaterThan(200);
  });

  it('tell a Service its endpoints by the name of their port', async () => {
    const { client, run } = await cluster();
    await client.create({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'web', namespace: 'shop' },
      spec: { selector: { app: 'web' }, ports: [{ name: 'http', port: 80, targetPort: 'http' }] },
    });
    await client.create(deployment(1));
    await vi.waitFor(async () => {
      await run();
      const { items } = await client.list<EndpointSlice>('/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices');
      expect(items.flatMap(({ endpoints = [] }) => endpoints)).toMatchObject([{ conditions: { ready: true, serving: true, terminating: false } }]);
      expect(items[0]?.ports).toMatchObject([{ name: 'http', port: 8080 }]);
    });
  });

  it('start the pods of a StatefulSet one after the other', async () => {
    const { client, pods, run } = await cluster();
    const spec = { replicas: 2, serviceName: 'db', selector: { matchLabels: { app: 'web' } }, template: template('one') };
    await client.create({ apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { name: 'db', namespace: 'shop' }, spec });
    await vi.waitFor(async () => expect((await pods()).map(({ metadata }) => metadata.name)).toEqual(['db-0']));
    await run();
    await vi.waitFor(async () => expect((await pods()).map(({ metadata }) => metadata.name)).toEqual(['db-0', 'db-1']));
  });

  it('scale by the subresource, and let a budget refuse an eviction', async () => {
    const { client, pods, run } = await cluster();
    await client.create(deployment(1));
    const spec = { minAvailable: 1, selector: { matchLabels: { app: 'web' } } };
    await client.create({ apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: { name: 'web', namespace: 'shop' }, spec });
    const budget = `/apis/policy/v1/namespaces/shop/poddisruptionbudgets/web`;
    const allowed = (disruptionsAllowed: number) =>
      vi.waitFor(async () => {
        await run();
        expect(await client.get(budget)).toMatchObject({ status: { currentHealthy: 1 + disruptionsAllowed, disruptionsAllowed } });
      });
    const evict = async () =>
      client.request('POST', `${SHOP}/pods/${(await pods())[0]?.metadata.name}/eviction`, { body: { apiVersion: 'policy/v1', kind: 'Eviction' } });
    await allowed(0);
    await expect(evict()).rejects.toThrow(/disruption budget/);
    await client.patch(`${APPS}/deployments/web`, 'merge', { spec: { replicas: 2 } }, { subresource: 'scale' });
    expect(await client.get(`${APPS}/deployments/web/scale`)).toMatchObject({ kind: 'Scale', spec: { replicas: 2 }, status: { selector: 'app=web' } });
    await allowed(1);
    await evict();
    await expect(evict()).rejects.toThrow(/disruption budget/);
  });

  it('delete what a deleted owner leaves', async () => {
    const { client, pods } = await cluster();
    await client.create(deployment(2));
    await vi.waitFor(async () => expect(await pods()).toHaveLength(2));
    await client.delete(`${APPS}/deployments/web`);
    await vi.waitFor(async () => {
      expect((await client.list(`${APPS}/replicasets`)).items).toEqual([]);
      expect(await pods()).toEqual([]);
    });
  });

  it('delete in the foreground: dependents first', async () => {
    const { client, pods } = await cluster();
    await client.create(deployment(1));
    await vi.waitFor(async () => expect(await pods()).toHaveLength(1));
    await client.delete(`${APPS}/deployments/web`, { propagationPolicy: 'Foreground' });
    await vi.waitFor(async () => {
      expect(await pods()).toEqual([]);
      expect((await client.list(`${APPS}/deployments`)).items).toEqual([]);
    });
  });

  it('leave the pods of an owner that is deleted as an orphan maker', async () => {
    const { client, pods } = await cluster();
    await client.create(deployment(1));
    await vi.waitFor(async () => expect(await pods()).toHaveLength(1));
    await client.delete(`${APPS}/deployments/web`, { propagationPolicy: 'Orphan' });
    await vi.waitFor(async () => expect((await client.list(`${APPS}/deployments`)).items).toEqual([]));
    const { items } = await client.list<ReplicaSet>(`${APPS}/replicasets`);
    expect(items.map(({ metadata }) => metadata.ownerReferences)).toEqual([undefined]);
    expect(await pods()).toHaveLength(1);
  });

  it('empty a namespace before it goes', async () => {
    const { client } = await cluster();
    await client.create(deployment(2));
    await client.delete(SHOP);
    await vi.waitFor(async () => await expect(client.get(SHOP)).rejects.toMatchObject({ code: 'TP-KUBE-NOT-FOUND' }), { timeout: 5000 });
    expect((await client.list('/api/v1/pods')).items).toEqual([]);
    expect((await client.list('/apis/apps/v1/deployments')).items).toEqual([]);
  });
});
