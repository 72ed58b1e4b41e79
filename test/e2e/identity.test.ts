/** Who may do what, with real users: alice and bob have the chart's user role, carol has nothing, a pod has no credentials at all. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { installManager } from '../../src/install/index.ts';
import { resourcePath } from '../../src/kube/index.ts';
import { GROUP_VERSION, type Intercept } from '../../src/protocol/resources.ts';
import { directSession, openKube } from './apps/direct-session.ts';
import { echoApp } from './apps/echo.ts';
import { clusterAvailable, startCluster, type TestCluster, testNamespace } from './harness/cluster.ts';
import { eventually } from './harness/run.ts';
import type { Workstation } from './harness/workstation.ts';

const NAMESPACE = 'identity';

/** A claim on the echo app's port, as the daemon writes it. */
const claim = (name: string, user: string, session: { name: string; uid: string }): Record<string, unknown> => ({
  apiVersion: GROUP_VERSION,
  kind: 'Intercept',
  metadata: { name, namespace: NAMESPACE },
  spec: {
    name,
    user,
    session: { ...session, namespace: 'ambassador' },
    workload: { kind: 'Deployment', name: 'web' },
    service: 'web',
    port: { number: 80, name: 'http', protocol: 'TCP' },
    mechanism: 'tcp',
    target: { host: '127.0.0.1', port: 8080 },
  },
});

describe.skipIf(!clusterAvailable)('identity (needs root and the test cluster)', () => {
  let cluster: TestCluster;
  let namespace: Awaited<ReturnType<typeof testNamespace>>;
  let users: { alice: string; bob: string; carol: string };
  const workstations: Workstation[] = [];

  const workstation = async (name: 'alice' | 'bob' | 'carol'): Promise<Workstation> => {
    const made = await cluster.workstation(name, { kubeconfig: users[name] });
    workstations.push(made);
    return made;
  };

  beforeAll(async () => {
    cluster = await startCluster();
    await using admin = { kube: await openKube(cluster.kubeconfig), async [Symbol.asyncDispose]() {} };
    await installManager(admin.kube, { namespace: 'ambassador' });
    admin.kube.close();
    namespace = await testNamespace(cluster, NAMESPACE);
    users = { alice: await cluster.user('alice'), bob: await cluster.user('bob'), carol: await cluster.user('carol') };
    const subjects = ['alice', 'bob'].map((name) => ({ kind: 'User', name, apiGroup: 'rbac.authorization.k8s.io' }));
    const binding = (kind: string, roleKind: string, target: string | undefined): Record<string, unknown> => ({
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind,
      metadata: { name: 'test-telepresence-users', ...(target === undefined ? {} : { namespace: target }) },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: roleKind, name: 'telepresence-user' },
      subjects,
    });
    await cluster.apply(
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'List',
        items: [binding('ClusterRoleBinding', 'ClusterRole', undefined), binding('RoleBinding', 'Role', 'ambassador')],
      }),
    );
    await cluster.apply(echoApp({ name: 'web', namespace: NAMESPACE, env: [{ name: 'SECRET', value: 'only for whoever intercepts' }] }));
    await cluster.kubectl(['-n', NAMESPACE, 'rollout', 'status', 'deployment/web', '--timeout=60s']);
  });

  afterAll(async () => {
    for (const made of workstations) await made[Symbol.asyncDispose]();
    await namespace?.[Symbol.asyncDispose]();
    await cluster?.kubectl(['delete', 'clusterrolebinding/test-telepresence-users', '--ignore-not-found']);
    await cluster?.kubectl(['-n', 'ambassador', 'delete', 'rolebinding/test-telepresence-users', '--ignore-not-found']);
  });

  it('a user with the role connects and intercepts; a colleague sees whose it is and can’t take it', async () => {
    const bob = await workstation('bob');
    const alice = await workstation('alice');
    await bob.ok(['connect', '-n', NAMESPACE]);
    await alice.ok(['connect', '-n', NAMESPACE]);
    await bob.ok(['intercept', 'web', '--port', '8080']);

    expect(await alice.ok(['list'])).toMatch(/web: intercepted[\s\S]*bob@/);
    const taken = await alice.telepresence(['intercept', 'web', '--port', '8081']);
    expect(taken.code).toBe(1);
    expect(taken.stderr).toMatch(/bob@\S+/);
    expect(taken.stderr).toContain('TP-INTERCEPT-CONFLICT');
    expect((await alice.telepresence(['leave', 'web'])).stderr).toContain('TP-INTERCEPT-NOT-FOUND');
    const { items } = JSON.parse(await cluster.kubectl(['-n', NAMESPACE, 'get', 'intercepts', '-o', 'json'])) as { items: Intercept[] };
    expect(items.map(({ spec, status }) => [spec.user, status?.phase])).toEqual([['bob', 'Active']]);
    const name = items[0]?.metadata.name ?? '';
    const ended = await alice.run('kubectl', ['-n', NAMESPACE, 'delete', 'intercept', name]);
    expect([ended.code, ended.stderr]).toEqual([1, expect.stringMatching(/alice|denied|forbidden/i)]);
    // the role does not reach pods' ports: what is intercepted comes through the manager, and nothing is said to the user
    expect(await bob.ok(['status', '--output', 'json'])).toContain('"direct_pods": 0');

    await bob.ok(['leave', 'web']);
    await alice.ok(['intercept', 'web', '--port', '8081']);
    await alice.ok(['quit']);
    await bob.ok(['quit']);
  });

  it('agents are uninstalled only by who may change their workload, and not while somebody intercepts', async () => {
    const agent = (): Promise<string> =>
      cluster.kubectl(['-n', NAMESPACE, 'get', 'deployment/web', '-o', 'jsonpath={.metadata.annotations} {.spec.template.metadata.annotations}']);
    const alice = await workstation('alice');
    await using admin = await cluster.workstation('admin');
    await alice.ok(['connect', '-n', NAMESPACE]);
    await alice.ok(['intercept', 'web', '--port', '8081']);
    await admin.ok(['connect', '-n', NAMESPACE]);
    const used = await admin.telepresence(['uninstall', 'web']);
    expect([used.code, used.stderr]).toEqual([1, expect.stringMatching(/TP-INTERCEPT-CONFLICT[\s\S]*alice|alice[\s\S]*TP-INTERCEPT-CONFLICT/)]);
    await alice.ok(['leave', 'web']);

    const before = await agent();
    expect(before).toContain('telepresence.io/agent-config');
    for (const flags of [['web'], ['--all-agents']]) {
      const refused = await alice.telepresence(['uninstall', ...flags]);
      expect([refused.code, refused.stderr]).toEqual([
        1,
        expect.stringContaining('alice may not uninstall this agent: the right to patch deployments.apps "web" in namespace identity is missing.'),
      ]);
      expect(refused.stderr).toContain('TP-UNINSTALL-FORBIDDEN');
    }
    {
      // not by the manager's hand either
      await using direct = await directSession(users.alice, 'identity-alice');
      await expect(direct.tunnel.call('uninstall-agents', { namespace: NAMESPACE, workloads: 'all' })).rejects.toThrow();
    }
    expect(await agent()).toBe(before);

    expect(await admin.ok(['uninstall', 'web'])).toContain('Deployment/web');
    expect(await agent()).not.toContain('telepresence.io');
    await cluster.kubectl(['-n', NAMESPACE, 'rollout', 'status', 'deployment/web', '--timeout=60s']);
    await alice.ok(['quit']);
  });

  it('nobody reads the environment of another’s intercept', async () => {
    await using bob = await directSession(users.bob, 'identity-bob');
    await using alice = await directSession(users.alice, 'identity-alice');
    const path = resourcePath(GROUP_VERSION, 'intercepts', NAMESPACE, 'bobs');
    const created = await bob.kube.request<Intercept>('POST', resourcePath(GROUP_VERSION, 'intercepts', NAMESPACE), {
      body: claim('bobs', 'bob', bob.session),
    });
    await eventually('bob’s claim is active', async () => (await bob.kube.get<Intercept>(path)).status?.phase === 'Active');

    const uid = created.metadata.uid;
    expect(await bob.tunnel.call('environment', { intercept: uid })).toMatchObject({ env: { SECRET: 'only for whoever intercepts' } });
    await expect(alice.tunnel.call('environment', { intercept: uid })).rejects.toMatchObject({ code: 'TP-INTERCEPT-NOT-FOUND' });
    await bob.kube.request('DELETE', path);
  });

  it('of 50 claims on one port made at once exactly one is Active and the others name it', async () => {
    await using bob = await directSession(users.bob, 'identity-bob');
    await using alice = await directSession(users.alice, 'identity-alice');
    const owners = [bob, alice];
    const path = resourcePath(GROUP_VERSION, 'intercepts', NAMESPACE);
    await Promise.all(
      Array.from({ length: 50 }, (_, i) => {
        const owner = owners[i % 2] ?? bob;
        return owner.kube.request('POST', path, { body: claim(`claim-${i}`, owner.user, owner.session) });
      }),
    );
    const phases = await eventually('all are decided', async () => {
      const { items } = await bob.kube.list<Intercept>(path);
      const decided = items.filter(({ status }) => status?.phase === 'Active' || status?.phase === 'Error');
      return decided.length === 50 && decided;
    });
    const active = phases.filter(({ status }) => status?.phase === 'Active');
    expect(active).toHaveLength(1);
    const holder = active[0]?.spec.user ?? 'nobody';
    for (const { status } of phases.filter((item) => item !== active[0]))
      expect([status?.reason, status?.message]).toEqual(['Conflict', expect.stringContaining(holder)]);
    await Promise.all(
      phases.map(({ metadata, spec }) =>
        (spec.user === 'bob' ? bob : alice).kube.request('DELETE', resourcePath(GROUP_VERSION, 'intercepts', NAMESPACE, metadata.name)),
      ),
    );
  });

  it('a user without the role is told which right is missing', async () => {
    const carol = await workstation('carol');
    const { code, stderr } = await carol.telepresence(['connect']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/user "?carol"? (cannot|may not)/i);
    expect(stderr).toMatch(/sessions|services\/proxy/);
    expect(stderr).toContain('telepresence-user');
  });

  it('a pod without credentials gets nothing from the manager', async () => {
    const address = (await cluster.kubectl(['-n', 'ambassador', 'get', 'pods', '-l', 'app=traffic-manager', '-o', 'jsonpath={.items[0].status.podIP}'])).trim();
    const script = `
      const tls = require('tls');
      const ask = (port, text) => new Promise((resolve) => {
        let heard = '';
        const socket = tls.connect({ host: '${address}', port, rejectUnauthorized: false }, () => socket.write(text));
        socket.on('data', (chunk) => { heard += chunk.toString('latin1'); });
        socket.on('close', () => resolve(heard));
        socket.on('error', () => resolve(heard));
        setTimeout(() => socket.destroy(), 3000);
      });
      const upgrade = 'GET /tunnel HTTP/1.1\\r\\nHost: x\\r\\nConnection: Upgrade\\r\\nUpgrade: telepresence.v1\\r\\n\\r\\n';
      const hello = JSON.stringify({ version: '0', session: { name: 'x', uid: 'y' }, kind: 'data', signature: 'AAAA' }) + '\\n';
      (async () => {
        process.stdout.write(JSON.stringify([await ask(8443, 'GET / HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n'), await ask(8443, upgrade + hello), await ask(8444, 'nonsense')]));
      })();`;
    const [plain, tunnel, agent] = JSON.parse(await cluster.kubectl(['-n', NAMESPACE, 'exec', 'deploy/web', '-c', 'app', '--', '/app/node', '-e', script])) as [
      string,
      string,
      string,
    ];
    expect(plain).toMatch(/^HTTP\/1\.1 404/);
    // the 101 comes with the nonce; behind it, for an unknown session, only a refusal
    expect(tunnel).toMatch(/^HTTP\/1\.1 101/);
    expect(tunnel.slice(tunnel.indexOf('\r\n\r\n') + 4).length).toBeLessThan(400);
    expect(tunnel).not.toContain('10.96.');
    expect(agent.length).toBeLessThan(200);
  });
});
