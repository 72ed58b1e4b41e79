import { createServer, type Server } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { CodedError } from '../../base/errors.ts';
import { silentLog } from '../../base/log.ts';
import type { KubeClient } from '../../kube/index.ts';
import { createMux, type Mux, MuxResetError, type MuxStream } from '../../mux/index.ts';
import { type CloudIntercept, cloudInterceptsSchema, type EndIntercept } from '../../protocol/cloud.ts';
import { GROUP_VERSION, type Intercept, type Session } from '../../protocol/resources.ts';
import type { StreamHeader } from '../../protocol/tunnel.ts';
import { createRpcPeer, type RpcPeer } from '../../rpc/index.ts';
import { encodeStreamHeader, readStreamHeader } from '../../tunnel/index.ts';
import type { AgentRegistry } from '../context.ts';
import { fakeWatched } from '../fake-watched.ts';
import { createMetrics } from '../metrics.ts';
import { createDialPolicy } from '../outbound/policy.ts';
import { parseSettings } from '../settings.ts';
import { type Cloud, startCloud } from './index.ts';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function listen(server: Server | ReturnType<typeof createTcpServer>, host = '127.0.0.1'): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  closers.push(() => new Promise<void>((resolve) => server.close(() => resolve())));
  return (server.address() as AddressInfo).port;
}

async function until<T>(look: () => T | undefined | false): Promise<T> {
  for (;;) {
    const value = look();
    if (value !== undefined && value !== false) return value;
    await wait(5);
  }
}

interface Linked {
  mux: Mux;
  rpc: RpcPeer;
  hello: unknown;
  lists: CloudIntercept[][];
}

/** A cloud that takes the tokens it is given. */
async function fakeCloud(tokens: Set<string>): Promise<{ url: string; links: Linked[]; sockets: Set<Socket>; refused: () => number }> {
  const links: Linked[] = [];
  const sockets = new Set<Socket>();
  let refused = 0;
  const server = createServer((_, response) => response.writeHead(404).end());
  server.on('upgrade', (request, socket: Socket) => {
    socket.on('error', () => undefined);
    if (request.url !== '/link' || !tokens.has((request.headers.authorization ?? '').replace('Bearer ', ''))) {
      refused += 1;
      socket.end('HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\nconnection: close\r\n\r\n');
      return;
    }
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: telepresence.v1\r\n\r\n');
    const link: Partial<Linked> = { lists: [] };
    link.mux = createMux(socket, {
      role: 'server',
      log: silentLog,
      onStream: (stream) => {
        void readStreamHeader(stream).then(() => {
          link.rpc = createRpcPeer(stream, {
            log: silentLog,
            handlers: {
              hello: (params) => {
                link.hello = params;
                links.push(link as Linked);
                return { version: '1' };
              },
            },
            onNotify: { intercepts: (params) => void link.lists?.push(cloudInterceptsSchema.parse(params).intercepts) },
          });
        });
      },
    });
  });
  const port = await listen(server);
  closers.push(() => {
    for (const socket of sockets) socket.destroy();
  });
  return { url: `http://127.0.0.1:${port}`, links, sockets, refused: () => refused };
}

const INTERCEPT: Intercept = {
  apiVersion: GROUP_VERSION,
  kind: 'Intercept',
  metadata: { name: 'web-1234', namespace: 'shop', uid: 'u1', creationTimestamp: '2026-01-01T00:00:00Z' },
  spec: {
    name: 'web',
    user: 'ann',
    session: { name: 's', namespace: 'ambassador', uid: 's1' },
    workload: { kind: 'Deployment', name: 'web' },
    service: 'web',
    port: { number: 80, name: 'http', protocol: 'TCP' },
    mechanism: 'http',
    target: { host: '127.0.0.1', port: 8080 },
  },
  status: { phase: 'Active' },
};
const SESSION = {
  metadata: { name: 's', namespace: 'ambassador', uid: 's1' },
  spec: { user: 'ann', workstation: { id: 'w', hostname: 'laptop', version: '1' } },
} as unknown as Session;

interface World {
  cloud: Cloud;
  requests: { method: string; path: string; body: unknown }[];
  intercepts: ReturnType<typeof fakeWatched<Intercept>>;
  secret: () => string | undefined;
  /** The agents have taken so many requests of the intercept. */
  take(total: number): void;
  sessions: ReturnType<typeof fakeWatched<Session>>;
}

/** A manager's cloud part over an API server that knows one Secret. */
async function world(options: { url?: string; token?: string; allow?: string[] }): Promise<World> {
  const requests: World['requests'] = [];
  const intercepts = fakeWatched<Intercept>([INTERCEPT]);
  const sessionObjects = fakeWatched<Session>([SESSION]);
  let taken: number | undefined;
  let onTaken = (): void => undefined;
  const agents = {
    taken: () => taken,
    onTaken: (listener: () => void) => {
      onTaken = listener;
      return () => undefined;
    },
  } as unknown as AgentRegistry;
  interface Secret {
    metadata: { name: string; namespace: string };
    data: Record<string, string>;
  }
  let secret: Secret | undefined;
  const set = (token: string): void => {
    secret = { metadata: { name: 'telepresence-cloud', namespace: 'ambassador' }, data: { token: Buffer.from(token).toString('base64') } };
  };
  if (options.token !== undefined) set(options.token);
  let onChange: ((kind: 'added' | 'modified', object: Secret) => void) | undefined;
  const kube = {
    get: async () => ({ metadata: { uid: 'cluster-uid' } }),
    request: async (method: string, path: string, { body }: { body: { data?: Record<string, string> } }) => {
      requests.push({ method, path, body });
      if (method !== 'POST') return {};
      if (secret !== undefined) throw new CodedError('TP-KUBE-CONFLICT', 'there already');
      set(Buffer.from(body.data?.['token'] ?? '', 'base64').toString());
      onChange?.('added', secret as unknown as Secret);
      return {};
    },
    patch: async (_path: string, _type: string, body: { data: Record<string, string> }) => {
      set(Buffer.from(body.data['token'] ?? '', 'base64').toString());
      onChange?.('modified', secret as Secret);
      return {};
    },
    createInformer: (_path: string, given: { onChange: typeof onChange; fieldSelector?: string }) => {
      expect(given.fieldSelector).toBe('metadata.name=telepresence-cloud');
      onChange = given.onChange;
      return { ready: Promise.resolve(), list: () => (secret === undefined ? [] : [secret]), get: () => secret, close: () => undefined };
    },
  } as unknown as KubeClient;
  const cloud = await startCloud(
    {
      kube,
      log: silentLog,
      settings: parseSettings(JSON.stringify({ cloud: options.url === undefined ? {} : { url: options.url } })),
      namespace: 'ambassador',
      pod: 'traffic-manager-0',
      intercepts,
      sessionObjects,
      agents,
      metrics: createMetrics(),
    },
    () => ({
      // the loopback stands for the cluster here
      permit: (host) => ((options.allow ?? []).includes(host) ? host : createDialPolicy({ announced: [], allow: [], own: () => new Set() }).permit(host)),
    }),
  );
  closers.push(() => cloud.close());
  return {
    cloud,
    requests,
    intercepts,
    sessions: sessionObjects,
    secret: () => (secret === undefined ? undefined : Buffer.from(secret.data['token'] ?? '', 'base64').toString()),
    take: (total) => {
      taken = total;
      onTaken();
    },
  };
}

const signal = AbortSignal.timeout(15_000);

describe('the link to the cloud', () => {
  it('says hello with the cluster’s id and tells all intercepts, again after each change', async () => {
    const there = await fakeCloud(new Set(['good']));
    const { intercepts } = await world({ url: there.url, token: 'good' });
    const link = await until(() => there.links[0]);
    expect(link.hello).toMatchObject({ replica: 'traffic-manager-0', cluster: { id: 'cluster-uid' } });
    await until(() => link.lists[0]);
    expect(link.lists[0]).toMatchObject([
      {
        uid: 'u1',
        namespace: 'shop',
        object: 'web-1234',
        name: 'web',
        user: 'ann',
        hostname: 'laptop',
        port: 80,
        phase: 'Active',
        since: '2026-01-01T00:00:00Z',
      },
    ]);
    intercepts.remove(INTERCEPT);
    await until(() => link.lists[1]);
    expect(link.lists[1]).toEqual([]);
  });

  it('tells how much was taken, and whether the workstation is there', async () => {
    const there = await fakeCloud(new Set(['good']));
    const { take, sessions } = await world({ url: there.url, token: 'good' });
    const link = await until(() => there.links[0]);
    const [first] = await until(() => link.lists[0]);
    expect([first?.requests, first?.connected]).toEqual([undefined, undefined]);
    for (let total = 1; total <= 100; total += 1) take(total);
    await until(() => link.lists.at(-1)?.[0]?.requests === 100);
    // however often the agents say so
    expect(link.lists).toHaveLength(2);
    sessions.set({ ...SESSION, status: { replicas: [{ name: 'traffic-manager-0', since: '2026-01-01T00:00:00Z' }] } });
    await until(() => link.lists.at(-1)?.[0]?.connected === true);
    sessions.set({ ...SESSION, status: { replicas: [], lostAt: '2026-01-01T00:00:09Z' } });
    await until(() => link.lists.at(-1)?.[0]?.connected === false);
    expect(link.lists.at(-1)).toMatchObject([{ requests: 100, lastSeen: '2026-01-01T00:00:09Z' }]);
  });

  it('comes back when it was cut', async () => {
    const there = await fakeCloud(new Set(['good']));
    await world({ url: there.url, token: 'good' });
    await until(() => there.links[0]);
    for (const socket of there.sockets) socket.destroy();
    await until(() => there.links[1]);
  });

  it('ends the intercept that the cloud names, and not another that has its name now', async () => {
    const there = await fakeCloud(new Set(['good']));
    const { requests } = await world({ url: there.url, token: 'good' });
    const { rpc } = await until(() => there.links[0]);
    const end = (params: EndIntercept): Promise<unknown> => rpc.call('end-intercept', params);
    expect(await end({ namespace: 'shop', object: 'web-1234', uid: 'another' })).toEqual({});
    expect(await end({ namespace: '../..', object: 'x', uid: 'u1' })).toEqual({});
    expect(requests).toEqual([]);
    expect(await end({ namespace: 'shop', object: 'web-1234', uid: 'u1' })).toEqual({});
    expect(requests).toMatchObject([
      { method: 'DELETE', path: '/apis/telepresence.io/v1/namespaces/shop/intercepts/web-1234', body: { preconditions: { uid: 'u1' } } },
    ]);
  });

  it('has no token until a user brings one that the cloud takes, and keeps that', async () => {
    const there = await fakeCloud(new Set(['good']));
    const { cloud, secret } = await world({ url: there.url });
    expect(await cloud.link(there.url, undefined, signal)).toMatchObject({ linked: false });
    await expect(cloud.link(there.url, 'nonsense', signal)).rejects.toMatchObject({ code: 'TP-CLOUD-REFUSED' });
    expect(secret()).toBeUndefined();
    expect(await cloud.link(`${there.url}/`, 'good', signal)).toEqual({ linked: true });
    expect(secret()).toBe('good');
    await until(() => there.links[0]);
  });

  it('takes no other token while one works', async () => {
    const there = await fakeCloud(new Set(['good', 'other']));
    const { cloud, secret } = await world({ url: there.url, token: 'good' });
    await until(() => there.links[0]);
    // the cloud knows of the link a moment before the manager does
    await expect.poll(() => cloud.link(there.url, 'other', signal), { timeout: 20_000 }).toEqual({ linked: true });
    expect(secret()).toBe('good');
  });

  it('takes another one when the cloud refuses the one there is', async () => {
    const there = await fakeCloud(new Set(['good']));
    const { cloud, secret } = await world({ url: there.url, token: 'old' });
    await until(() => there.refused() > 0);
    await expect.poll(async () => (await cloud.link(there.url, undefined, signal)).linked, { timeout: 20_000 }).toBe(false);
    expect(await cloud.link(there.url, 'good', signal)).toEqual({ linked: true });
    expect(secret()).toBe('good');
    await until(() => there.links[0]);
  });

  it('refuses a login at another cloud, and any without the setting', async () => {
    const there = await fakeCloud(new Set(['good']));
    const { cloud } = await world({ url: there.url, token: 'good' });
    await expect(cloud.link('https://elsewhere.example.com', undefined, signal)).rejects.toMatchObject({ code: 'TP-CLOUD-NOT-LINKED' });
    const without = await world({});
    expect(without.cloud.url).toBeUndefined();
    await expect(without.cloud.link(there.url, undefined, signal)).rejects.toMatchObject({ code: 'TP-CLOUD-NOT-LINKED' });
  });
});

describe('a preview stream', () => {
  const header = (host: string, port: number): StreamHeader => ({ t: 'preview', host, port, tls: false });
  async function linked(allow: string[]): Promise<(head: StreamHeader, first?: string) => MuxStream> {
    const there = await fakeCloud(new Set(['good']));
    await world({ url: there.url, token: 'good', allow });
    const { mux } = await until(() => there.links[0]);
    return (head, first) => {
      const stream = mux.open(encodeStreamHeader(head, first === undefined ? undefined : Buffer.from(first)));
      stream.on('error', () => undefined);
      return stream;
    };
  }
  const ended = (stream: MuxStream): Promise<string> =>
    new Promise((resolve) => {
      stream.once('close', () => resolve(stream.resetReason ?? (stream.errored instanceof MuxResetError ? stream.errored.reason : 'none')));
      stream.resume();
    });

  it('reaches the ingress, first bytes included', async () => {
    const echo = createTcpServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket));
    const port = await listen(echo);
    const open = await linked(['127.0.0.1']);
    const stream = open(header('127.0.0.1', port), 'GET ');
    stream.end('/');
    let text = '';
    for await (const chunk of stream) text += String(chunk);
    expect(text).toBe('GET /');
  });

  it('never leaves the cluster', async () => {
    const open = await linked([]);
    expect(await ended(open(header('169.254.169.254', 80)))).toBe('forbidden');
    expect(await ended(open(header('localhost', 80)))).toBe('forbidden');
  });

  it('says that nobody listens, and that a name is not there', async () => {
    const closed = createTcpServer();
    const port = await listen(closed);
    await new Promise((resolve) => closed.close(resolve));
    const open = await linked(['127.0.0.1']);
    expect(await ended(open(header('127.0.0.1', port)))).toBe('refused');
    expect(await ended(open(header('no-such-name.invalid', 80)))).toBe('unreachable');
  });

  it('takes no other streams', async () => {
    const open = await linked(['127.0.0.1']);
    expect(await ended(open({ t: 'tcp', host: '127.0.0.1', port: 1 }))).toBe('protocol');
  });
});
