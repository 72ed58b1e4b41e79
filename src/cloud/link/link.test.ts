import { once } from 'node:events';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { silentLog } from '../../base/log.ts';
import { createMux, MuxResetError } from '../../mux/index.ts';
import { PREVIEW_GRACE_MS } from '../../protocol/cloud.ts';
import { createRpcPeer } from '../../rpc/index.ts';
import { encodeStreamHeader } from '../../tunnel/index.ts';
import type { Actor } from '../actions.ts';
import { NotLinkedError } from '../context.ts';
import type { Cluster } from '../store/index.ts';
import { previewRequest, testIntercept } from '../testing/cloud.ts';
import { type CloudFixture, startTestCloud } from '../testing/cloud-fixture.ts';
import { startTestManager, type TestManager } from '../testing/manager.ts';

let fixture: CloudFixture;
let ada: Actor;
let cluster: Cluster;
let token: string;
let managers: TestManager[];
beforeEach(async () => {
  fixture = await startTestCloud();
  managers = [];
  const { store, actions } = fixture.cloud.context;
  const user = await store.users.fromIdentity({ provider: 'test', subject: 'ada', name: 'Ada', email: null });
  const organisation = await actions.createOrganisation(user, '', 'ACME');
  ada = { user, organisation, role: 'owner', address: '' };
  ({ cluster, token } = await actions.registerCluster(ada, { uid: 'kube-system-uid', name: 'staging' }));
});
afterEach(async () => {
  for (const manager of managers) await manager.close();
  await fixture[Symbol.asyncDispose]();
});

const link = async (options: Partial<Parameters<typeof startTestManager>[0]> = {}) => {
  const manager = await startTestManager({ port: fixture.cloud.port, host: `localhost:${fixture.cloud.port}`, token, clusterUid: cluster.uid, ...options });
  managers.push(manager);
  return manager;
};
const links = () => fixture.cloud.context.links;
const intercepts = async () => (await links().intercepts(ada.organisation.id)).map(({ uid }) => uid).toSorted();

/** Upgrades with whatever headers; the socket of a 101, or the status. */
function upgrade(headers: Record<string, string>): Promise<Duplex | number> {
  return new Promise((resolve, reject) => {
    const sent = request(`${fixture.url}/link`, { headers: { connection: 'Upgrade', upgrade: 'telepresence.v1', ...headers } });
    sent.on('error', reject);
    sent.on('response', (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    sent.on('upgrade', (_response, socket) => resolve(socket));
    sent.end();
  });
}

describe('a link', () => {
  it('carries streams to what the manager dials', async () => {
    const ingress: Server = createServer((_request, response) => response.end('hello from the cluster'));
    ingress.listen(0, '127.0.0.1');
    await once(ingress, 'listening');
    const manager = await link({ dial: () => (ingress.address() as AddressInfo).port });
    const stream = await links().openPreviewStream(cluster.id, { host: 'traefik.traefik', port: 443, tls: true, sni: 'web.example.com' });
    stream.end('GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
    expect(await text(stream)).toContain('hello from the cluster');
    expect(manager.targets).toEqual([{ host: 'traefik.traefik', port: 443, tls: true, sni: 'web.example.com' }]);
    ingress.close();
  });

  it('tells why the manager could not dial', async () => {
    await link({
      dial: (_target, stream) => {
        stream.reset('refused');
        return undefined;
      },
    });
    const stream = await links().openPreviewStream(cluster.id, { host: 'nowhere', port: 80, tls: false });
    const [error] = (await once(
      stream.on('close', () => {}),
      'error',
    )) as [unknown];
    expect(error).toBeInstanceOf(MuxResetError);
    expect((error as MuxResetError).reason).toBe('refused');
  });

  it('of nobody is said to be missing', async () => {
    await expect(links().openPreviewStream(cluster.id, { host: 'x', port: 80, tls: false })).rejects.toBeInstanceOf(NotLinkedError);
    expect(await links().isLinked(cluster.id)).toBe(false);
  });

  it('shows the intercepts of several managers once, and says when they change', async () => {
    const changes: string[] = [];
    const unsubscribe = fixture.cloud.context.feed.subscribe(ada.organisation.id, (kind) => changes.push(kind));
    const first = await link({ intercepts: [testIntercept('a'), testIntercept('b')] });
    const second = await link({ intercepts: [testIntercept('a'), testIntercept('b')] });
    await vi.waitFor(async () => expect(await intercepts()).toEqual(['a', 'b']));
    first.list([testIntercept('b'), testIntercept('c')]);
    second.list([testIntercept('b'), testIntercept('c')]);
    await vi.waitFor(async () => expect(await intercepts()).toEqual(['b', 'c']));
    expect(changes).toContain('intercepts');
    await first.close();
    await vi.waitFor(async () => expect((await fixture.cloud.store.links.ofCluster(cluster.id)).length).toBe(1));
    expect(await intercepts()).toEqual(['b', 'c']);
    expect(await links().linkedClusters(ada.organisation.id)).toEqual(new Set([cluster.id]));
    unsubscribe();
  });

  it('ends an intercept where the manager is asked to', async () => {
    const manager = await link({ intercepts: [testIntercept('a')] });
    await vi.waitFor(async () => expect(await intercepts()).toEqual(['a']));
    await fixture.cloud.context.actions.endIntercept(ada, 'a');
    expect(manager.ended).toEqual([{ namespace: 'default', object: testIntercept('a').object, uid: 'a' }]);
    await vi.waitFor(async () => expect(await intercepts()).toEqual([]));
    await expect(fixture.cloud.context.actions.endIntercept(ada, 'a')).rejects.toMatchObject({ status: 404 });
  });

  it('ends a preview whose intercept is gone for a minute, and none before the first list came', async () => {
    const preview = await fixture.cloud.context.actions.createPreview(ada, previewRequest(cluster.uid, 'a'));
    const find = () => fixture.cloud.store.previews.byLabel(preview.label);
    const manager = await link({ intercepts: [testIntercept('a')] });
    await vi.waitFor(async () => expect(await intercepts()).toEqual(['a']));
    expect((await find())?.missingSince).toBeNull();
    manager.list([]);
    await vi.waitFor(async () => expect((await find())?.missingSince).not.toBeNull());
    fixture.clock.now += PREVIEW_GRACE_MS;
    await fixture.cloud.store.links.beat('someone', '');
    manager.list([testIntercept('other')]);
    await vi.waitFor(async () => expect((await find())?.endedAt).not.toBeNull());
  });

  it('is cut when its token is replaced, and the new token links', async () => {
    const manager = await link();
    expect(await links().isLinked(cluster.id)).toBe(true);
    const again = await fixture.cloud.context.actions.registerCluster(ada, { uid: cluster.uid, name: 'staging' });
    expect(again.cluster.id).toBe(cluster.id);
    await vi.waitFor(async () => expect(await links().isLinked(cluster.id)).toBe(false));
    await expect(link()).rejects.toThrow('401');
    await link({ token: again.token });
    expect(await links().isLinked(cluster.id)).toBe(true);
    await manager.close();
  });
});

describe('a stolen link token', () => {
  it('serves its own cluster only', async () => {
    const other = await fixture.cloud.context.actions.registerCluster(ada, { uid: 'another-uid', name: 'production' });
    await expect(link({ clusterUid: 'another-uid' })).rejects.toMatchObject({ code: 'TP-CLOUD-LINK' });
    expect(await links().isLinked(other.cluster.id)).toBe(false);
    await vi.waitFor(async () => expect(await links().isLinked(cluster.id)).toBe(false));
  });

  it('opens no API, no page, no preview', async () => {
    for (const path of ['/api/v1/me', '/api/v1/previews', '/', '/metrics']) {
      const response = await fetch(fixture.url + path, {
        headers: { authorization: `Bearer ${token}`, cookie: `telepresence-session=${token}` },
        redirect: 'manual',
      });
      expect([303, 401, 404], path).toContain(response.status);
    }
  });

  it('can’t make the cloud open a connection, or call anything but hello', async () => {
    const socket = await upgrade({ authorization: `Bearer ${token}` });
    if (typeof socket === 'number') throw new Error(`refused: ${socket}`);
    const mux = createMux(socket, { role: 'client', log: silentLog });
    for (const header of [
      { t: 'preview', host: '127.0.0.1', port: fixture.cloud.port, tls: false },
      { t: 'tcp', host: '127.0.0.1', port: fixture.cloud.port },
      { t: 'control' },
    ] as const) {
      const stream = mux.open(encodeStreamHeader(header));
      const [error] = (await once(stream, 'error')) as [MuxResetError];
      expect(error.reason).toBe('protocol');
    }
    const rpc = createRpcPeer(mux.open(encodeStreamHeader({ t: 'cloud-control' })), { log: silentLog });
    for (const method of ['end-intercept', 'previews', 'clusters', 'welcome', '__proto__', 'constructor']) await expect(rpc.call(method, {})).rejects.toThrow();
    // a list before hello ends the link
    rpc.notify('intercepts', { intercepts: [testIntercept('forged')] });
    await mux.closed;
    expect(await intercepts()).toEqual([]);
  });
});

describe('the upgrade', () => {
  it('needs a cluster’s token in the header', async () => {
    const key = await fixture.cloud.context.actions.createApiKey(ada, 'ci');
    expect(await upgrade({})).toBe(401);
    expect(await upgrade({ authorization: `Bearer ${key}` })).toBe(401);
    expect(await upgrade({ authorization: `Bearer tpc_${'x'.repeat(43)}` })).toBe(401);
    expect(await upgrade({ authorization: `Basic ${Buffer.from(`x:${token}`).toString('base64')}` })).toBe(401);
    expect(await upgrade({ authorization: `Bearer ${token}`, upgrade: 'websocket' })).toBe(426);
    expect(await upgrade({ authorization: `Bearer ${token}`, host: 'evil.example' })).toBe(404);
    expect(await upgrade({ authorization: `Bearer ${token}`, host: `${'a'.repeat(26)}.preview.localhost` })).toBe(503);
  });
});

it('stops in order: streams finish, the manager is told, nothing is left in the store', async () => {
  await link();
  // It ends by itself: the time limit, which would cut what is left, never comes.
  const limit = vi.spyOn(AbortSignal, 'timeout').mockReturnValue(new AbortController().signal);
  try {
    await fixture.cloud.close();
  } finally {
    limit.mockRestore();
  }
  fixture = await startTestCloud();
});
