import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { MuxResetError } from '../../mux/index.ts';
import type { Actor } from '../actions.ts';
import { NotLinkedError } from '../context.ts';
import type { Cluster } from '../store/index.ts';
import { previewRequest, testIntercept } from '../testing/cloud.ts';
import { type CloudFixture, freePort, startTestCloud } from '../testing/cloud-fixture.ts';
import { startTestManager, type TestManager } from '../testing/manager.ts';
import { postgresMissing, startPostgres, type TestPostgres } from '../testing/postgres.ts';

const SECRET = 'a-secret-that-all-the-replicas-share-0123';

describe.skipIf(postgresMissing !== undefined)(`two replicas of the cloud${postgresMissing === undefined ? '' : ` (${postgresMissing})`}`, () => {
  let postgres: TestPostgres;
  let databases = 0;
  let one: CloudFixture;
  let two: CloudFixture;
  let ada: Actor;
  let cluster: Cluster;
  let token: string;
  let managers: TestManager[];
  beforeAll(async () => {
    postgres = await startPostgres();
  });
  afterAll(() => postgres.stop());

  beforeEach(async () => {
    managers = [];
    const database = await postgres.database(`replicas${++databases}`);
    const start = async () => {
      const port = await freePort();
      // both are behind one address for browsers; each listens on its own port
      return startTestCloud({
        database,
        settings: { url: 'http://localhost:9', listen: `127.0.0.1:${port}`, replica: { address: `http://127.0.0.1:${port}`, secret: SECRET } },
      });
    };
    one = await start();
    two = await start();
    const { store, actions } = one.cloud.context;
    const user = await store.users.fromIdentity({ provider: 'test', subject: 'ada', name: 'Ada', email: null });
    ada = { user, organisation: await actions.createOrganisation(user, '', 'ACME'), role: 'owner', address: '' };
    ({ cluster, token } = await actions.registerCluster(ada, { uid: 'uid', name: 'staging' }));
  });
  afterEach(async () => {
    for (const manager of managers) await manager.close();
    await Promise.all([one[Symbol.asyncDispose](), two[Symbol.asyncDispose]()]);
  });
  const linkTo = async (fixture: CloudFixture, options: Partial<Parameters<typeof startTestManager>[0]> = {}) => {
    const manager = await startTestManager({ port: fixture.cloud.port, host: 'localhost', token, clusterUid: 'uid', ...options });
    managers.push(manager);
    return manager;
  };
  const target = { host: 'traefik', port: 443, tls: true, sni: 'web' };

  it('use the link that the other holds, and tell its reasons', async () => {
    const ingress = createServer((_request, response) => response.end('x'.repeat(1_000_000)));
    ingress.listen(0, '127.0.0.1');
    await once(ingress, 'listening');
    const manager = await linkTo(one, {
      dial: ({ host }, stream) => {
        if (host === 'traefik') return (ingress.address() as AddressInfo).port;
        stream.reset('unreachable');
        return undefined;
      },
    });
    const answers = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const stream = await two.cloud.context.links.openPreviewStream(cluster.id, target);
        stream.write('GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
        return (await text(stream)).length;
      }),
    );
    expect(answers.every((length) => length > 1_000_000)).toBe(true);
    expect(manager.targets[0]).toEqual(target);
    const refused = await two.cloud.context.links.openPreviewStream(cluster.id, { ...target, host: 'nowhere' });
    const [error] = (await once(refused, 'error')) as [MuxResetError];
    expect(error.reason).toBe('unreachable');
    ingress.close();
  });

  it('show the same intercepts, hear of changes, and end an intercept through the other', async () => {
    const changes: string[] = [];
    two.cloud.context.feed.subscribe(ada.organisation.id, (kind) => changes.push(kind));
    const manager = await linkTo(one, { intercepts: [testIntercept('a')] });
    const seen = async () => (await two.cloud.context.links.intercepts(ada.organisation.id)).map(({ uid }) => uid);
    await vi.waitFor(async () => expect(await seen()).toEqual(['a']));
    await vi.waitFor(() => expect(changes).toContain('intercepts'));
    await two.cloud.context.actions.endIntercept(ada, 'a');
    expect(manager.ended).toMatchObject([{ uid: 'a' }]);
    await vi.waitFor(async () => expect(await seen()).toEqual([]));
  });

  it('cut a link that the other holds when its token is replaced there', async () => {
    await linkTo(one);
    expect(await two.cloud.context.links.isLinked(cluster.id)).toBe(true);
    await two.cloud.context.actions.registerCluster(ada, { uid: 'uid', name: 'staging' });
    await vi.waitFor(async () => expect(await one.cloud.context.links.isLinked(cluster.id)).toBe(false));
    await expect(two.cloud.context.links.openPreviewStream(cluster.id, target)).rejects.toBeInstanceOf(NotLinkedError);
  });

  it('count guesses together', async () => {
    const guess = (fixture: CloudFixture) =>
      fetch(`http://127.0.0.1:${fixture.cloud.port}/api/v1/me`, {
        headers: { host: 'localhost', authorization: `Bearer tpa_${'x'.repeat(43)}`, 'x-forwarded-for': '203.0.113.77' },
      });
    // fetch sets Host by the URL: through a raw socket then
    const raw = (fixture: CloudFixture) =>
      new Promise<number>((resolve, reject) => {
        const socket = connect(fixture.cloud.port, '127.0.0.1');
        socket.on('error', reject);
        socket.once('data', (chunk) => {
          resolve(Number(/^HTTP\/1\.1 (\d+)/.exec(chunk.toString())?.[1]));
          socket.destroy();
        });
        socket.write(`GET /api/v1/me HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer tpa_${'x'.repeat(43)}\r\nX-Forwarded-For: 203.0.113.77\r\n\r\n`);
      });
    expect((await guess(one)).status).toBe(404);
    const statuses: number[] = [];
    for (let n = 0; n < 62; n++) statuses.push(await raw(n % 2 === 0 ? one : two));
    expect(statuses.filter((status) => status === 401).length).toBe(60);
    expect(statuses.slice(60)).toEqual([429, 429]);
  });

  it('answer no other replica that does not know the secret', async () => {
    await linkTo(one);
    const ask = (authorization: string) =>
      new Promise<string>((resolve, reject) => {
        const socket = connect(one.cloud.port, '127.0.0.1');
        socket.on('error', reject);
        socket.once('data', (chunk) => {
          resolve(chunk.toString().split('\r\n')[0] ?? '');
          socket.destroy();
        });
        socket.write(
          `GET /replica/${cluster.id} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: telepresence.v1\r\nAuthorization: ${authorization}\r\n\r\n`,
        );
      });
    expect(await ask(`Bearer ${'x'.repeat(SECRET.length)}`)).toBe('HTTP/1.1 401 Unauthorized');
    expect(await ask(`Bearer ${token}`)).toBe('HTTP/1.1 401 Unauthorized');
    expect(await ask(`Bearer ${SECRET}`)).toBe('HTTP/1.1 101 Switching Protocols');
  });

  it('go on after PostgreSQL crashed: nothing is lost, links stay, changes are heard again', async () => {
    await linkTo(one, { intercepts: [testIntercept('a')] });
    const preview = await one.cloud.context.actions.createPreview(ada, previewRequest('uid', 'a'));
    await vi.waitFor(async () => expect((await two.cloud.context.links.intercepts(ada.organisation.id)).length).toBe(1));
    await postgres.kill();
    await postgres.start();
    await vi.waitFor(async () => expect((await two.cloud.store.previews.byLabel(preview.label))?.id).toBe(preview.id), 10_000);
    expect((await one.cloud.store.audit.list(ada.organisation.id, { subject: preview.id })).map(({ action }) => action)).toEqual(['preview.create']);
    expect(await one.cloud.context.links.isLinked(cluster.id)).toBe(true);
    const changes: string[] = [];
    two.cloud.context.feed.subscribe(ada.organisation.id, (kind) => changes.push(kind));
    await vi.waitFor(async () => {
      await one.cloud.context.actions.setPreviewPublic(ada, preview.id, true);
      await vi.waitFor(() => expect(changes).toContain('previews'), 500);
    }, 10_000);
  });
});
