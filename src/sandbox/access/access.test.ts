import { IncomingMessage } from 'node:http';
import { createServer, request as httpsRequest } from 'node:https';
import type { AddressInfo } from 'node:net';
import { Socket } from 'node:net';
import { beforeEach, describe, expect, it } from 'vitest';
import { silentLog } from '../../base/log.ts';
import type { AdmissionAttributes, RequestAttributes, UserInfo } from '../contract.ts';
import { createCertificateAuthority } from './authority.ts';
import { BOOTSTRAP_RULES } from './bootstrap-rules.ts';
import { type Access, createAccess, forbidden } from './index.ts';
import { createMemoryClient, type MemoryClient } from './testing/memory-client.ts';

const RBAC = '/apis/rbac.authorization.k8s.io/v1';
const user = (username: string, ...groups: string[]): UserInfo => ({ username, uid: '', groups: [...groups, 'system:authenticated'], extra: {} });
const on = (who: UserInfo, verb: string, resource: string, more: Partial<RequestAttributes> = {}): RequestAttributes => ({
  user: who,
  verb,
  path: '/',
  group: '',
  version: 'v1',
  resource,
  ...more,
});

let memory: MemoryClient;
let access: Access;
beforeEach(async () => {
  memory = createMemoryClient();
  access = await createAccess({ client: memory.client, log: silentLog, tokens: new Map([['fixed', user('carol')]]) });
  for (const object of access.bootstrapObjects()) memory.put(`${RBAC}/${object.kind.toLowerCase()}s`, object);
  await access.start();
});

function bind(name: string, namespace: string, roleRef: { kind: string; name: string }, subjects: object[]): void {
  memory.put(`${RBAC}/rolebindings`, { metadata: { name, namespace }, roleRef, subjects });
}
const asUser = (name: string) => [{ kind: 'User', name }];
const allowed = (attributes: RequestAttributes) => access.authorizer.authorize(attributes).allowed;

describe('authorization', () => {
  const bob = user('bob');
  it('lets masters do everything, and nobody else anything by default', () => {
    expect(allowed(on(user('x', 'system:masters'), 'delete', 'nodes'))).toBe(true);
    expect(allowed(on(bob, 'get', 'pods', { namespace: 'shop' }))).toBe(false);
    expect(allowed({ user: bob, verb: 'get', path: '/apis/apps' })).toBe(true);
    expect(allowed({ user: bob, verb: 'get', path: '/metrics' })).toBe(false);
  });
  it('aggregates admin from edit from view', async () => {
    bind('b', 'shop', { kind: 'ClusterRole', name: 'admin' }, asUser('bob'));
    await expect.poll(() => allowed(on(bob, 'get', 'pods', { subresource: 'log', namespace: 'shop' }))).toBe(true);
    expect(allowed(on(bob, 'create', 'deployments', { group: 'apps', namespace: 'shop' }))).toBe(true);
    expect(allowed(on(bob, 'get', 'pods', { namespace: 'other' }))).toBe(false);
    expect(allowed(on(bob, 'list', 'pods'))).toBe(false);
  });
  it('knows resource names and subresources, and says why', () => {
    const rules = [{ apiGroups: [''], resources: ['services/proxy'], resourceNames: ['https:web:tunnel'], verbs: ['get'] }];
    memory.put(`${RBAC}/roles`, { metadata: { name: 'tunnel', namespace: 'shop' }, rules });
    bind('b', 'shop', { kind: 'Role', name: 'tunnel' }, [{ kind: 'ServiceAccount', name: 'app' }]);
    const app = user('system:serviceaccount:shop:app');
    const tunnel = on(app, 'get', 'services', { subresource: 'proxy', namespace: 'shop', name: 'https:web:tunnel' });
    expect(access.authorizer.authorize(tunnel)).toEqual({
      allowed: true,
      reason: 'RBAC: allowed by RoleBinding "b/shop" of Role "tunnel" to ServiceAccount "app/shop"',
    });
    expect(allowed({ ...tunnel, name: 'web' })).toBe(false);
    expect(allowed({ ...tunnel, subresource: '' })).toBe(false);
  });
  it('words refusals as the API server does', () => {
    bind('b1', 'default', { kind: 'ClusterRole', name: 'nothere' }, asUser('bob'));
    const attributes = on(bob, 'get', 'pods', { namespace: 'default', name: 'x' });
    const error = forbidden(attributes, access.authorizer.authorize(attributes).reason);
    expect(error.message).toBe(
      'pods "x" is forbidden: User "bob" cannot get resource "pods" in API group "" in the namespace "default": RBAC: clusterrole.rbac.authorization.k8s.io "nothere" not found',
    );
    expect(forbidden({ user: bob, verb: 'get', path: '/metrics' }, '').message).toBe('forbidden: User "bob" cannot get path "/metrics"');
    expect(forbidden(on(bob, 'list', 'nodes'), '').message).toBe(
      'nodes is forbidden: User "bob" cannot list resource "nodes" in API group "" at the cluster scope',
    );
  });
  it('reads every line of the bootstrap roles', () => {
    expect(access.bootstrapObjects().length).toBeGreaterThan(Object.keys(BOOTSTRAP_RULES).length);
  });
});

describe('escalation', () => {
  const attributes = (plural: string, object: object): AdmissionAttributes => ({
    operation: 'CREATE',
    type: {
      group: 'rbac.authorization.k8s.io',
      version: 'v1',
      plural,
      kind: '',
      singular: '',
      shortNames: [],
      categories: [],
      namespaced: true,
      verbs: [],
      subresources: [],
    },
    subresource: undefined,
    namespace: 'default',
    name: 'esc',
    user: user('bob'),
    object: object as AdmissionAttributes['object'],
    oldObject: undefined,
    dryRun: false,
    options: {},
  });
  it('refuses roles that give what their writer does not have', async () => {
    bind('b', 'default', { kind: 'ClusterRole', name: 'admin' }, asUser('bob'));
    await expect.poll(() => allowed(on(user('bob'), 'get', 'pods', { namespace: 'default' }))).toBe(true);
    const rules = [{ apiGroups: [''], resources: ['pods', 'nodes'], verbs: ['get', 'list'] }];
    expect(() => access.escalation(attributes('roles', { rules }))).toThrow(
      'roles.rbac.authorization.k8s.io "esc" is forbidden: user "bob" (groups=["system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n{APIGroups:[""], Resources:["nodes"], Verbs:["get" "list"]}',
    );
    access.escalation(attributes('roles', { rules: [{ ...rules[0], resources: ['pods'] }] }));
    const roleRef = { kind: 'ClusterRole', name: 'cluster-admin' };
    expect(() => access.escalation(attributes('rolebindings', { roleRef, subjects: [] }))).toThrow(
      '{APIGroups:["*"], Resources:["*"], Verbs:["*"]}\n{NonResourceURLs:["*"], Verbs:["*"]}',
    );
  });
});

describe('tokens', () => {
  const review = (token: string, audiences?: string[]) =>
    access.virtual['authentication.k8s.io/v1/tokenreviews']
      ?.create(on(user('x'), 'create', 'tokenreviews'), {
        apiVersion: '',
        kind: '',
        metadata: {},
        spec: { token, ...(audiences === undefined ? {} : { audiences }) },
      })
      .then((object) => object['status']);
  const ask = (spec: object) =>
    access.virtual['v1/serviceaccounts/token']
      ?.create(on(user('x'), 'create', 'serviceaccounts', { namespace: 'shop', name: 'app' }), { apiVersion: '', kind: '', metadata: {}, spec })
      .then((object) => (object['status'] as { token: string }).token) ?? Promise.reject(new Error('no token resource'));
  beforeEach(() => {
    memory.put('/api/v1/serviceaccounts', { metadata: { name: 'app', namespace: 'shop', uid: 'sa-1' } });
    memory.put('/api/v1/nodes', { metadata: { name: 'node1', uid: 'n-1' } });
    memory.put('/api/v1/pods', { metadata: { name: 'web', namespace: 'shop', uid: 'p-1' }, spec: { serviceAccountName: 'app', nodeName: 'node1' } });
  });

  it('are for their audiences, and tell the pod they are bound to', async () => {
    const token = await ask({ audiences: ['telepresence'], boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: 'web' } });
    expect(await review(token, ['telepresence', 'other'])).toMatchObject({
      authenticated: true,
      audiences: ['telepresence'],
      user: {
        username: 'system:serviceaccount:shop:app',
        uid: 'sa-1',
        groups: ['system:serviceaccounts', 'system:serviceaccounts:shop', 'system:authenticated'],
        extra: {
          'authentication.kubernetes.io/pod-name': ['web'],
          'authentication.kubernetes.io/pod-uid': ['p-1'],
          'authentication.kubernetes.io/node-name': ['node1'],
          'authentication.kubernetes.io/credential-id': [expect.stringMatching(/^JTI=/)],
        },
      },
    });
    expect(await review(token)).toEqual({
      user: {},
      error: '[invalid bearer token, token audiences ["telepresence"] is invalid for the target audiences ["https://kubernetes.default.svc.cluster.local"]]',
    });
  });
  it('end with the pod and with the account', async () => {
    const bound = await ask({ boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: 'web' } });
    const free = await ask({});
    memory.remove('/api/v1/pods', 'shop', 'web');
    expect(await review(bound)).toMatchObject({ user: {} });
    expect(await review(free)).toMatchObject({ authenticated: true });
    memory.put('/api/v1/serviceaccounts', { metadata: { name: 'app', namespace: 'shop', uid: 'sa-2' } });
    expect(await review(free)).toMatchObject({ user: {} });
  });
  it('that nobody signed here are refused, as are short lives', async () => {
    expect(await review('abc')).toEqual({ user: {}, error: 'invalid bearer token' });
    await expect(ask({ expirationSeconds: 7 })).rejects.toThrow('may not specify a duration less than 10 minutes');
  });
});

describe('authentication', () => {
  const requestWith = (headers: Record<string, string>): IncomingMessage => {
    const request = new IncomingMessage(new Socket());
    Object.assign(request.headers, headers);
    Object.assign(request.headersDistinct, Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, value.split(',')])));
    return request;
  };
  it('knows fixed tokens, and nobody without one', async () => {
    expect(await access.authenticator.authenticate(requestWith({ authorization: 'Bearer fixed' }))).toMatchObject({ username: 'carol' });
    expect(await access.authenticator.authenticate(requestWith({ authorization: 'Bearer other' }))).toBeUndefined();
    expect(await access.authenticator.authenticate(requestWith({}))).toBeUndefined();
  });
  it('lets only those impersonate who may', async () => {
    const request = requestWith({ authorization: 'Bearer fixed', 'impersonate-user': 'bob', 'impersonate-group': 'dev' });
    await expect(access.authenticator.authenticate(request)).rejects.toThrow(
      'users "bob" is forbidden: User "carol" cannot impersonate resource "users" in API group "" at the cluster scope',
    );
    memory.put(`${RBAC}/clusterrolebindings`, { metadata: { name: 'c' }, roleRef: { kind: 'ClusterRole', name: 'cluster-admin' }, subjects: asUser('carol') });
    expect(await access.authenticator.authenticate(request)).toEqual({ username: 'bob', uid: '', groups: ['dev', 'system:authenticated'], extra: {} });
  });
  it('reads a client certificate of its own authority', async () => {
    const authority = await createCertificateAuthority();
    const pair = await authority.issueServer('apiserver', ['127.0.0.1']);
    const server = createServer({ key: pair.key, cert: pair.certificate, ca: authority.pair.certificate, requestCert: true, rejectUnauthorized: false });
    server.on('request', (request, response) => {
      void access.authenticator.authenticate(request).then((who) => response.end(JSON.stringify(who ?? null)));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const ask = (own?: { key: string; certificate: string }) =>
      new Promise<string>((resolve, reject) => {
        const options = {
          host: '127.0.0.1',
          port,
          ca: authority.pair.certificate,
          agent: false,
          ...(own === undefined ? {} : { key: own.key, cert: own.certificate }),
        };
        httpsRequest(options, (answer) => void answer.setEncoding('utf8').on('data', resolve))
          .on('error', reject)
          .end();
      });
    try {
      expect(JSON.parse(await ask(await authority.issueClient('alice', ['dev', 'ops'])))).toMatchObject({
        username: 'alice',
        groups: ['dev', 'ops', 'system:authenticated'],
      });
      expect(await ask()).toBe('null');
      const other = await createCertificateAuthority();
      expect(await ask(await other.issueClient('alice', ['system:masters']))).toBe('null');
    } finally {
      server.close();
    }
  });
});
