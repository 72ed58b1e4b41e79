/** Who may do what to Sessions and Intercepts, asked of a real API server, with no manager running for it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { messageOf } from '../../src/base/errors.ts';
import { parseValues, renderManifests } from '../../src/install/index.ts';
import { binding } from '../../src/install/rbac-manager.ts';
import { type KubeClient, resourcePath } from '../../src/kube/index.ts';
import { GROUP_VERSION, USER_ROLE } from '../../src/protocol/resources.ts';
import { kubeClientOf } from '../helpers/kube-client.ts';
import { startCluster } from './harness/cluster.ts';

/** A manager's namespace of its own, so that the cluster's real manager is not disturbed. */
const MANAGER = 'install-admission';
const APPS = 'install-admission-apps';
const MANAGER_ACCOUNT = `system:serviceaccount:${MANAGER}:traffic-manager`;
const KINDS = new Set([
  'CustomResourceDefinition',
  'ValidatingAdmissionPolicy',
  'ValidatingAdmissionPolicyBinding',
  'ClusterRole',
  'ClusterRoleBinding',
  'Role',
  'RoleBinding',
  'ServiceAccount',
]);
const FIELD_MANAGER = 'telepresence';
const POLICY_DEADLINE_MS = 30_000;

const clients: KubeClient[] = [];
async function clientAs(user: string | undefined, ...groups: string[]): Promise<KubeClient> {
  const { kubeconfig } = await startCluster();
  const client = await kubeClientOf(kubeconfig, user === undefined ? {} : { flags: { as: user, 'as-group': ['system:authenticated', ...groups] } });
  clients.push(client);
  return client;
}

function intercept(name: string, user: string) {
  return {
    apiVersion: GROUP_VERSION,
    kind: 'Intercept',
    metadata: { name, namespace: APPS, labels: { owner: user } },
    spec: {
      name,
      user,
      session: { name: user, namespace: MANAGER, uid: `uid-of-${user}` },
      workload: { kind: 'Deployment', name: 'web' },
      port: { number: 80, protocol: 'TCP' },
      mechanism: 'tcp',
      target: { host: '127.0.0.1', port: 8080 },
    },
  };
}
function session(user: string) {
  return {
    apiVersion: GROUP_VERSION,
    kind: 'Session',
    metadata: { name: user, namespace: MANAGER },
    spec: { user, workstation: { id: '1', hostname: 'laptop', version: '0' }, publicKey: 'key', namespace: APPS, mappedNamespaces: [] },
  };
}
const at = (name: string, subresource?: string) => resourcePath(GROUP_VERSION, 'intercepts', APPS, name, subresource);
const all = resourcePath(GROUP_VERSION, 'intercepts', APPS);

let admin: KubeClient;
let alice: KubeClient;
let bob: KubeClient;
let manager: KubeClient;

const refused = (work: Promise<unknown>) => work.then(() => 'accepted', messageOf);

beforeAll(async () => {
  admin = await clientAs(undefined);
  alice = await clientAs('alice');
  bob = await clientAs('bob');
  manager = await clientAs(MANAGER_ACCOUNT, 'system:serviceaccounts', `system:serviceaccounts:${MANAGER}`);
  for (const name of [MANAGER, APPS]) await admin.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }, { fieldManager: FIELD_MANAGER });
  const objects = renderManifests(parseValues({}), { namespace: MANAGER }).filter((object) => KINDS.has(object.kind));
  for (const object of objects) await admin.apply(object, { fieldManager: FIELD_MANAGER, force: true });
  const users = ['alice', 'bob'].map((name) => ({ kind: 'User', name, apiGroup: 'rbac.authorization.k8s.io' }));
  await admin.apply(binding('users', APPS, 'ClusterRole', USER_ROLE, users), { fieldManager: FIELD_MANAGER });
  await admin.apply(binding('users', MANAGER, 'Role', USER_ROLE, users), { fieldManager: FIELD_MANAGER });
  // The API server compiles new policies after a moment; until then they refuse nothing.
  const deadline = Date.now() + POLICY_DEADLINE_MS;
  for (let answer = 'accepted'; answer === 'accepted'; ) {
    answer = await refused(alice.create(intercept('probe', 'mallory'), { dryRun: true }));
    if (Date.now() > deadline) throw new Error('the admission policies take no effect');
  }
});

afterAll(async () => {
  for (const name of [MANAGER, APPS]) await admin.delete(resourcePath('v1', 'namespaces', undefined, name));
  const cluster = renderManifests(parseValues({}), { namespace: MANAGER }).filter(
    (object) => object.metadata.name.endsWith(`-${MANAGER}`) && KINDS.has(object.kind),
  );
  for (const object of cluster) await admin.delete(await admin.pathOf(object));
  for (const client of clients) client.close();
});

describe('creating', () => {
  it('is for oneself: a forged spec.user is refused', async () => {
    expect(await refused(alice.create(intercept('forged', 'bob')))).toContain('spec.user must be alice');
    expect(await refused(alice.create(session('bob')))).toContain('spec.user must be alice');
    // An administrator can't speak for others either.
    expect(await refused(admin.create(intercept('forged', 'alice')))).toContain('spec.user must be');
  });
  it('works for the own name, for sessions and intercepts', async () => {
    await alice.create(session('alice'));
    await alice.create(intercept('of-alice', 'alice'));
    await bob.create(intercept('of-bob', 'bob'));
  });
  it('by server-side apply is checked too', async () => {
    expect(await refused(bob.apply(intercept('applied', 'alice'), { fieldManager: 'kubectl' }))).toContain('spec.user must be bob');
  });
});

describe('somebody else', () => {
  it('can neither patch nor replace', async () => {
    expect(await refused(bob.patch(at('of-alice'), 'merge', { spec: { target: { port: 9 } } }))).toContain('it belongs to alice');
    expect(await refused(bob.patch(at('of-alice'), 'merge', { metadata: { labels: { owner: 'bob' } } }))).toContain('it belongs to alice');
    expect(await refused(bob.patch(at('of-alice'), 'merge', { spec: { user: 'bob' } }))).toContain('it belongs to alice');
    expect(await refused(bob.apply(intercept('of-alice', 'bob'), { fieldManager: 'bob', force: true }))).toContain('it belongs to alice');
    expect(await refused(bob.patch(resourcePath(GROUP_VERSION, 'sessions', MANAGER, 'alice'), 'merge', { spec: { publicKey: 'mine' } }))).toContain(
      'it belongs to alice',
    );
  });
  it('can not delete', async () => {
    expect(await refused(bob.delete(at('of-alice')))).toContain('it belongs to alice');
    expect(await refused(bob.delete(resourcePath(GROUP_VERSION, 'sessions', MANAGER, 'alice')))).toContain('it belongs to alice');
  });
  it('has no right to delete a collection, and with the right ends nothing of others', async () => {
    expect(await refused(bob.request('DELETE', all))).toContain('deletecollection');
    const name = 'collector';
    const rules = [{ apiGroups: ['telepresence.io'], resources: ['intercepts'], verbs: ['deletecollection'] }];
    await admin.apply(
      { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', metadata: { name, namespace: APPS }, rules },
      { fieldManager: FIELD_MANAGER },
    );
    await admin.apply(binding(name, APPS, 'Role', name, [{ kind: 'User', name: 'bob', apiGroup: 'rbac.authorization.k8s.io' }]), {
      fieldManager: FIELD_MANAGER,
    });
    await expect
      .poll(() => refused(bob.request('DELETE', all, { query: { labelSelector: 'owner=alice' } })), { timeout: 10_000 })
      .toContain('it belongs to alice');
    await alice.get(at('of-alice'));
    await bob.request('DELETE', all, { query: { labelSelector: 'owner=bob' } });
    expect(await refused(bob.get(at('of-bob')))).toContain('not found');
  });
});

describe('the owner', () => {
  it('changes what is sent where, but no identity', async () => {
    await alice.patch(at('of-alice'), 'merge', { spec: { target: { port: 9090 } } });
    expect(await refused(alice.patch(at('of-alice'), 'merge', { spec: { user: 'bob' } }))).toContain('spec.user may not be changed');
    expect(await refused(alice.patch(at('of-alice'), 'merge', { spec: { session: { uid: 'of-bob' } } }))).toContain('spec.session may not be changed');
    expect(await refused(alice.patch(resourcePath(GROUP_VERSION, 'sessions', MANAGER, 'alice'), 'merge', { spec: { publicKey: 'other' } }))).toContain(
      'spec.publicKey may not be changed',
    );
  });
});

describe('status', () => {
  const active = { status: { phase: 'Active' } };
  it("is the manager's alone", async () => {
    // Not even with the right: the policy refuses the administrator, who has all of them.
    expect(await refused(admin.patch(at('of-alice', 'status'), 'merge', active))).toContain('status is written by the traffic-manager alone');
    expect(await refused(alice.patch(at('of-alice', 'status'), 'merge', active))).toContain('intercepts/status');
    await manager.patch(at('of-alice', 'status'), 'merge', active);
    await manager.patch(resourcePath(GROUP_VERSION, 'sessions', MANAGER, 'alice', 'status'), 'merge', { status: { lastSeen: 'now' } });
  });
  it("is not another manager's", async () => {
    const other = await clientAs('system:serviceaccount:elsewhere:traffic-manager', 'system:masters');
    expect(await refused(other.patch(at('of-alice', 'status'), 'merge', active))).toContain('status is written by the traffic-manager alone');
  });
  it('is not changed by a patch of the object', async () => {
    await alice.patch(at('of-alice'), 'merge', { status: { phase: 'Error' } });
    expect(await alice.get(at('of-alice'))).toMatchObject(active);
  });
});

describe('ending what is not theirs', () => {
  it.each([
    ['telepresence-admins', 'carol', ['telepresence-admins']],
    ['the garbage collector', 'system:serviceaccount:kube-system:generic-garbage-collector', ['system:serviceaccounts:kube-system']],
  ])('is for %s', async (_who, user, groups) => {
    const client = await clientAs(user, ...groups);
    await admin.apply(binding('others', APPS, 'ClusterRole', USER_ROLE, [{ kind: 'User', name: user, apiGroup: 'rbac.authorization.k8s.io' }]), {
      fieldManager: FIELD_MANAGER,
      force: true,
    });
    await expect
      .poll(async () => (await client.canI({ verb: 'delete', group: 'telepresence.io', resource: 'intercepts', namespace: APPS })).allowed, { timeout: 10_000 })
      .toBe(true);
    await client.delete(at('of-alice'));
    await alice.create(intercept('of-alice', 'alice'));
  });
  it('is for the manager, for cluster administrators, and for the owner', async () => {
    const clusterAdmin = await clientAs('root-of-cluster');
    await admin.apply(
      binding('cluster-admin', APPS, 'ClusterRole', 'cluster-admin', [{ kind: 'User', name: 'root-of-cluster', apiGroup: 'rbac.authorization.k8s.io' }]),
      { fieldManager: FIELD_MANAGER },
    );
    for (const client of [manager, admin, clusterAdmin, alice]) {
      await expect.poll(() => refused(client.delete(at('of-alice'))), { timeout: 10_000 }).toBe('accepted');
      await alice.create(intercept('of-alice', 'alice'));
    }
  });
});

describe('the role of users', () => {
  it('reaches the tunnel, and no other Service', async () => {
    const tunnel = { verb: 'get', resource: 'services', subresource: 'proxy', namespace: MANAGER };
    expect((await alice.canI({ ...tunnel, name: 'https:traffic-manager:tunnel' })).allowed).toBe(true);
    for (const name of ['traffic-manager', 'https:agent-injector:webhook', 'https:traffic-manager:agents'])
      expect((await alice.canI({ ...tunnel, name })).allowed).toBe(false);
    expect((await alice.canI({ verb: 'create', resource: 'pods', subresource: 'portforward', namespace: MANAGER })).allowed).toBe(false);
    expect((await alice.canI({ verb: 'get', resource: 'secrets', namespace: APPS })).allowed).toBe(false);
  });
});

describe('the schema', () => {
  it('refuses what the programs would, and keeps what a newer one adds', async () => {
    const wrong = intercept('wrong', 'alice');
    expect(await refused(alice.create({ ...wrong, spec: { ...wrong.spec, mechanism: 'magic' } }))).toContain('mechanism');
    const http = { headers: [{ name: 'x-user', value: { exact: 'alice' } }], paths: [{ prefix: '/api' }] };
    expect(await refused(alice.create({ ...wrong, spec: { ...wrong.spec, http: { paths: [{ infix: '/' }] } } }))).toContain('http.paths');
    const kept = await alice.create({ ...wrong, spec: { ...wrong.spec, http, later: { added: 1 } } });
    expect(kept).toMatchObject({ spec: { http, later: { added: 1 } } });
  });
});
