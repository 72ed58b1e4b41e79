/** Installing, upgrading and removing the traffic-manager on a real cluster, and every way in which that is refused. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { CodedError } from '../../src/base/errors.ts';
import { installManager, managerStatus, parseValues, renderManifests, uninstallManager, upgradeManager } from '../../src/install/index.ts';
import { type KubeClient, resourcePath } from '../../src/kube/index.ts';
import { kubeClientOf } from '../helpers/kube-client.ts';
import { startCluster } from './harness/cluster.ts';

/** Beside the cluster's real manager, not in its place. */
const namespace = 'install-e2e';
const IMAGE_DEADLINE_MS = 15_000;

const clients: KubeClient[] = [];
async function clientAs(user?: string): Promise<KubeClient> {
  const { kubeconfig } = await startCluster();
  const client = await kubeClientOf(kubeconfig, user === undefined ? {} : { flags: { as: user, 'as-group': ['system:authenticated'] } });
  clients.push(client);
  return client;
}
const failure = (work: Promise<unknown>): Promise<CodedError> =>
  work.then(
    () => Promise.reject(new Error('it did not fail')),
    (error: unknown) => CodedError.from(error),
  );
const deployment = resourcePath('apps/v1', 'deployments', namespace, 'traffic-manager');
const crb = (name: string) => resourcePath('rbac.authorization.k8s.io/v1', 'clusterrolebindings', undefined, name);

let admin: KubeClient;
async function removeAll(): Promise<void> {
  await uninstallManager(admin, { namespace });
  const path = resourcePath('v1', 'namespaces', undefined, namespace);
  await admin.delete(path).catch((error: unknown) => {
    if (CodedError.from(error).code !== 'TP-KUBE-NOT-FOUND') throw error;
  });
  await vi.waitUntil(
    () =>
      admin.get(path).then(
        () => false,
        () => true,
      ),
    { timeout: 60_000, interval: 250 },
  );
}

beforeAll(async () => {
  admin = await clientAs();
  await removeAll();
});
afterAll(async () => {
  await removeAll();
  for (const client of clients) client.close();
});

describe('without the right', () => {
  it('names user and rights, and changes nothing', async () => {
    const error = await failure(installManager(await clientAs('nobody-special'), { namespace }));
    expect(error.code).toBe('TP-INSTALL-FORBIDDEN');
    expect(error.message).toMatch(
      /^nobody-special may not install the traffic-manager: .*create and patch clusterroles.rbac.authorization.k8s.io.*create and patch deployments.apps in namespace install-e2e/,
    );
    expect(await managerStatus(admin, namespace)).toEqual({ state: 'missing' });
  });

  it('to grant what the roles grant, says which role, and changes nothing', async () => {
    const user = 'almost-admin';
    const name = 'install-e2e-almost-admin';
    const rules = [
      {
        apiGroups: ['', 'apps', 'policy', 'rbac.authorization.k8s.io', 'admissionregistration.k8s.io', 'apiextensions.k8s.io'],
        resources: ['*'],
        verbs: ['get', 'list', 'create', 'patch'],
      },
    ];
    await admin.apply({ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name }, rules }, { fieldManager: 'test' });
    const subjects = [{ kind: 'User', name: user, apiGroup: 'rbac.authorization.k8s.io' }];
    await admin.apply(
      {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'ClusterRoleBinding',
        metadata: { name },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
        subjects,
      },
      { fieldManager: 'test' },
    );
    const client = await clientAs(user);
    await expect.poll(async () => (await client.canI({ verb: 'create', resource: 'secrets', namespace })).allowed, { timeout: 10_000 }).toBe(true);
    const error = await failure(installManager(client, { namespace }));
    expect(error.code).toBe('TP-INSTALL-FORBIDDEN');
    expect(error.message).toContain('almost-admin may not install the traffic-manager: ClusterRole traffic-manager-install-e2e is refused');
    expect(await managerStatus(admin, namespace)).toEqual({ state: 'missing' });
    await admin.delete(crb(name));
    await admin.delete(resourcePath('rbac.authorization.k8s.io/v1', 'clusterroles', undefined, name));
  });
});

describe('an image that the nodes do not have', () => {
  it.each(['Never', 'IfNotPresent'])('is named within 15 s with the commands that bring it (%s)', async (pullPolicy) => {
    const started = Date.now();
    const error = await failure(
      installManager(admin, { namespace, values: { image: { registry: 'telepresence.local', name: 'not-there', tag: pullPolicy.toLowerCase(), pullPolicy } } }),
    );
    expect(Date.now() - started).toBeLessThan(IMAGE_DEADLINE_MS);
    expect(error.code).toBe('TP-IMAGE-MISSING');
    expect(error.message).toContain(`telepresence.local/not-there:${pullPolicy.toLowerCase()}`);
    for (const command of ['npm run image -- --push', 'kind load image-archive dist/image.tar', 'ctr -n k8s.io images import dist/image.tar'])
      expect(error.help).toContain(command);
  });
  it('is mended by the next installation', async () => {
    await installManager(admin, { namespace });
    expect(await managerStatus(admin, namespace)).toMatchObject({
      state: 'installed',
      ready: true,
      image: expect.stringMatching(/^telepresence\.local\/telepresence:/),
    });
  });
});

describe('an installation', () => {
  it('changes nothing when it is run again', async () => {
    const before = await admin.get<{ metadata: { generation: number } }>(deployment);
    await installManager(admin, { namespace });
    expect((await admin.get<{ metadata: { generation: number } }>(deployment)).metadata.generation).toBe(before.metadata.generation);
  });
  it('leaves the CA of the injector alone', async () => {
    const path = resourcePath('admissionregistration.k8s.io/v1', 'mutatingwebhookconfigurations', undefined, `agent-injector-webhook-${namespace}`);
    const bundle = async () => (await admin.get<{ webhooks: { clientConfig: { caBundle?: string } }[] }>(path)).webhooks[0]?.clientConfig.caBundle;
    await expect.poll(bundle, { timeout: 20_000 }).toBeDefined();
    const before = await bundle();
    await installManager(admin, { namespace });
    expect(await bundle()).toBe(before);
  });
  it('refuses an unknown value and names the nearest', async () => {
    const error = await failure(installManager(admin, { namespace, values: { replicacount: 1, agent: { imag: {} } } }));
    expect(error.code).toBe('TP-CONFIG-INVALID');
    expect(error.message).toContain('there is no value replicacount; did you mean replicaCount?');
    expect(error.message).toContain('there is no value agent.imag; did you mean agent.image?');
  });
});

describe('an upgrade', () => {
  const replicas = async () => (await admin.get<{ spec: { replicas: number } }>(deployment)).spec.replicas;
  const budget = () =>
    admin.get(resourcePath('policy/v1', 'poddisruptionbudgets', namespace, 'traffic-manager')).then(
      () => true,
      () => false,
    );
  it('keeps the values of before when asked, and takes away what is no longer wanted', async () => {
    await upgradeManager(admin, { namespace, previous: 'reset', values: { replicaCount: 1, logLevel: 'debug' } });
    expect([await replicas(), await budget()]).toEqual([1, true]);
    await upgradeManager(admin, { namespace, previous: 'reuse', values: { podDisruptionBudget: { enabled: false } } });
    expect([await replicas(), await budget()]).toEqual([1, false]);
  });
  it('resets them when asked', async () => {
    await upgradeManager(admin, { namespace, previous: 'reset' });
    expect([await replicas(), await budget()]).toEqual([2, true]);
  });
  it('of nothing is refused', async () => {
    expect((await failure(upgradeManager(admin, { namespace: 'install-e2e-none', previous: 'reuse' }))).code).toBe('TP-MANAGER-MISSING');
  });
});

describe('a release of Helm', () => {
  it('is left to Helm', async () => {
    await admin.patch(deployment, 'merge', { metadata: { annotations: { 'meta.helm.sh/release-name': 'tm' } } });
    for (const work of [
      () => installManager(admin, { namespace }),
      () => upgradeManager(admin, { namespace, previous: 'reuse' }),
      () => uninstallManager(admin, { namespace }),
    ]) {
      const error = await failure(work());
      expect(error.message).toContain('was installed by Helm, as release tm');
    }
    await admin.patch(deployment, 'merge', { metadata: { annotations: { 'meta.helm.sh/release-name': null } } });
  });
});

describe('removing it', () => {
  it('leaves nothing but the namespace, and what another manager uses', async () => {
    await uninstallManager(admin, { namespace });
    for (const object of renderManifests(parseValues({}), { namespace })) {
      const shared = object.kind === 'CustomResourceDefinition' || (object.kind === 'ClusterRole' && object.metadata.name === 'telepresence-user');
      if (shared) continue;
      const left = await admin.get(await admin.pathOf(object)).then(
        () => true,
        () => false,
      );
      expect(left, `${object.kind} ${object.metadata.name}`).toBe(false);
    }
    expect((await admin.list(resourcePath('v1', 'secrets', namespace))).items).toEqual([]);
    expect((await admin.list(resourcePath('v1', 'pods', namespace))).items).toEqual([]);
  });
});

describe('pods that are refused', () => {
  it('give the reason at once (a quota)', async () => {
    await admin.apply(
      { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'none', namespace }, spec: { hard: { pods: '0' } } },
      { fieldManager: 'test' },
    );
    const started = Date.now();
    const error = await failure(installManager(admin, { namespace }));
    expect(error.code).toBe('TP-INSTALL-FAILED');
    expect(error.message).toContain('exceeded quota: none');
    expect(Date.now() - started).toBeLessThan(IMAGE_DEADLINE_MS);
  });
});
