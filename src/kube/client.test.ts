import { once } from 'node:events';
import net from 'node:net';
import { describe, expect, it } from 'vitest';
import { CodedError } from '../base/errors.ts';
import { silentLog } from '../base/log.ts';
import { createKubeClient, type KubeClient, type KubeConnection, statusOf } from './index.ts';
import { createTestAuthority } from './testing/certificates.ts';
import { failure, sendJson, startFakeApi } from './testing/fake-api-server.ts';

async function errorOf(work: Promise<unknown>): Promise<CodedError> {
  const error: unknown = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof CodedError)) throw new Error(`no coded error: ${String(error)}`);
  return error;
}

function client(connection: KubeConnection, options: { timeoutMs?: number } = {}): KubeClient & Disposable {
  const kube = createKubeClient(connection, { log: silentLog, ...options });
  return Object.assign(kube, { [Symbol.dispose]: () => kube.close() });
}

describe('requests', () => {
  it('send the token and reuse one connection', async () => {
    await using api = await startFakeApi({ handle: (request, response) => sendJson(response, { said: request.headers.authorization }) });
    using kube = client(api.connection);
    expect(await kube.get('/a')).toEqual({ said: 'Bearer secret' });
    expect(await kube.get('/b')).toEqual({ said: 'Bearer secret' });
    expect(api.connections).toBe(1);
  });

  it('impersonate', async () => {
    await using api = await startFakeApi({ handle: (request, response) => sendJson(response, request.headers) });
    using kube = client({ ...api.connection, impersonate: { user: 'jane', groups: ['a', 'b'], uid: '7', extra: { 'acme.com/x': ['1'] } } });
    const headers = await kube.get<Record<string, string>>('/');
    expect(headers).toMatchObject({ 'impersonate-user': 'jane', 'impersonate-group': 'a, b', 'impersonate-uid': '7', 'impersonate-extra-acme.com%2fx': '1' });
  });

  it('survive that the server closes an idle connection', async () => {
    await using api = await startFakeApi({ handle: (_request, response) => sendJson(response, {}) });
    using kube = client(api.connection);
    await kube.get('/');
    api.cut();
    await kube.get('/');
    expect(api.connections).toBe(2);
  });

  it('read all pages of a list, and start over when a page has expired', async () => {
    let expired = false;
    await using api = await startFakeApi({
      handle: (request, response) => {
        const query = new URL(request.url ?? '', 'http://x').searchParams;
        if (query.get('continue') === null && !expired) return sendJson(response, { items: [1, 2], metadata: { continue: 'c', resourceVersion: '5' } });
        if (!expired) {
          expired = true;
          return sendJson(response, failure(410, 'expired', 'Expired'), 410);
        }
        expect(query.get('limit')).toBe(null);
        return sendJson(response, { items: [1, 2, 3], metadata: { resourceVersion: '6' } });
      },
    });
    using kube = client(api.connection);
    expect(await kube.list('/api/v1/pods')).toEqual({ items: [1, 2, 3], resourceVersion: '6' });
  });

  it('wait as long as Retry-After says', async () => {
    let tries = 0;
    await using api = await startFakeApi({
      handle: (_request, response) => {
        if (tries++ > 0) return sendJson(response, { ok: true });
        response.setHeader('retry-after', '0');
        return sendJson(response, failure(429, 'slow down'), 429);
      },
    });
    using kube = client(api.connection);
    expect(await kube.get('/')).toEqual({ ok: true });
  });

  it('take 429 of an eviction for the answer', async () => {
    await using api = await startFakeApi({
      handle: (_request, response) => {
        response.setHeader('retry-after', '10');
        sendJson(response, failure(429, "Cannot evict pod as it would violate the pod's disruption budget."), 429);
      },
    });
    using kube = client(api.connection);
    expect(await kube.evict('shop', 'web')).toBe(false);
  });

  it('apply by a path from the table or from discovery', async () => {
    await using api = await startFakeApi({
      handle: (request, response) =>
        sendJson(
          response,
          request.url === '/apis/telepresence.io/v1'
            ? {
                resources: [
                  { name: 'sessions', kind: 'Session', namespaced: true },
                  { name: 'sessions/status', kind: 'Session', namespaced: true },
                ],
              }
            : {},
        ),
    });
    using kube = client(api.connection);
    const session = { apiVersion: 'telepresence.io/v1', kind: 'Session', metadata: { name: 's', namespace: 'n' } };
    await kube.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'x' } }, { fieldManager: 'me', force: true });
    await kube.apply(session, { fieldManager: 'me', subresource: 'status' });
    await kube.create(session);
    expect(api.seen).toEqual([
      'PATCH /api/v1/namespaces/x?fieldManager=me&force=true',
      'GET /apis/telepresence.io/v1',
      'PATCH /apis/telepresence.io/v1/namespaces/n/sessions/s/status?fieldManager=me',
      'POST /apis/telepresence.io/v1/namespaces/n/sessions',
    ]);
  });
});

describe('errors', () => {
  it.each([
    [401, 'TP-KUBE-UNAUTHORIZED'],
    [403, 'TP-KUBE-FORBIDDEN'],
    [404, 'TP-KUBE-NOT-FOUND'],
    [409, 'TP-KUBE-CONFLICT'],
    [422, 'TP-KUBE-API'],
  ])('of status %i are %s with the Status as cause', async (status, code) => {
    await using api = await startFakeApi({ handle: (_request, response) => sendJson(response, failure(status, 'because'), status) });
    using kube = client(api.connection);
    const error = await errorOf(kube.get('/x'));
    expect(error.code).toBe(code);
    expect(statusOf(error)).toMatchObject({ code: status, message: 'because' });
  });

  it('name the right that is missing, and for whom', async () => {
    await using api = await startFakeApi({
      handle: (_request, response) =>
        sendJson(
          response,
          failure(403, 'pods is forbidden: User "jane" cannot list resource "pods" in API group "" in the namespace "shop"', 'Forbidden'),
          403,
        ),
    });
    using kube = client(api.connection);
    const error = await errorOf(kube.get('/x'));
    expect(error.message).toBe('The user jane may not list pods in the namespace shop.');
    expect(error.help).toContain('list on pods in the namespace shop, for jane');
  });

  it('pass the sentence of an admission policy on', async () => {
    await using api = await startFakeApi({
      handle: (_request, response) => sendJson(response, failure(403, 'admission webhook "x" denied the request: no'), 403),
    });
    using kube = client(api.connection);
    expect((await errorOf(kube.get('/x'))).message).toContain('admission webhook "x" denied the request: no');
  });

  it('say that the server is not trusted', async () => {
    await using api = await startFakeApi({});
    using kube = client({ ...api.connection, certificateAuthority: (await createTestAuthority('CN=another')).ca });
    const error = await errorOf(kube.get('/'));
    expect(error).toMatchObject({ code: 'TP-KUBE-CERTIFICATE', message: expect.stringContaining('does not trust') as unknown });
  });

  it("say that the server's certificate has expired", async () => {
    await using api = await startFakeApi({ notAfter: new Date(Date.now() - 1000) });
    using kube = client(api.connection);
    expect(await errorOf(kube.get('/'))).toMatchObject({ code: 'TP-KUBE-CERTIFICATE', message: expect.stringContaining('has expired') as unknown });
  });

  it("say that the server's certificate is for another name, unless tls-server-name says which", async () => {
    await using api = await startFakeApi({ names: ['api.test'], handle: (_request, response) => sendJson(response, { ok: true }) });
    using other = client({ ...api.connection, tlsServerName: 'other.test' });
    expect(await errorOf(other.get('/'))).toMatchObject({ code: 'TP-KUBE-CERTIFICATE', message: expect.stringContaining('another name') as unknown });
    using named = client({ ...api.connection, tlsServerName: 'api.test' });
    expect(await named.get('/')).toEqual({ ok: true });
  });

  it('do not come where verification is off', async () => {
    await using api = await startFakeApi({ notAfter: new Date(Date.now() - 1000), handle: (_request, response) => sendJson(response, { ok: true }) });
    using kube = client({ server: api.connection.server, user: {}, insecureSkipTlsVerify: true });
    expect(await kube.get('/')).toEqual({ ok: true });
  });

  it('tell of an expired client certificate without asking the server', async () => {
    await using api = await startFakeApi({});
    const own = await api.authority.issue({ subject: 'CN=jane', notAfter: new Date(Date.now() - 1000) });
    using kube = client({ ...api.connection, userName: 'jane', user: { clientCertificate: own.cert, clientKey: own.key } });
    expect(await errorOf(kube.get('/'))).toMatchObject({
      code: 'TP-KUBE-CERTIFICATE',
      message: expect.stringContaining('client certificate of the user jane expired') as unknown,
    });
    expect(api.connections).toBe(0);
  });

  it('tell of a server that does not speak TLS', async () => {
    const server = net.createServer((socket) => {
      socket.on('error', () => socket.destroy());
      socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    using kube = client({ server: `https://127.0.0.1:${(server.address() as net.AddressInfo).port}`, user: {}, insecureSkipTlsVerify: false });
    expect(await errorOf(kube.get('/'))).toMatchObject({ code: 'TP-KUBE-CERTIFICATE', message: expect.stringContaining('does not speak TLS') as unknown });
    server.close();
  });

  it('tell of a port where nothing listens', async () => {
    const server = net.createServer();
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as net.AddressInfo;
    server.close();
    await once(server, 'close');
    using kube = client({ server: `https://127.0.0.1:${port}`, user: {}, insecureSkipTlsVerify: false });
    expect(await errorOf(kube.get('/'))).toMatchObject({ code: 'TP-KUBE-UNREACHABLE', message: expect.stringContaining('nothing listens there') as unknown });
  });

  it('tell of a server that does not answer in time', async () => {
    await using api = await startFakeApi({});
    using kube = client(api.connection, { timeoutMs: 50 });
    expect((await errorOf(kube.get('/slow'))).code).toBe('TP-KUBE-TIMEOUT');
  });

  it("are the abort's reason at once, also while the connection is still being made", async () => {
    const server = net.createServer();
    const accepted = once(server, 'connection');
    await once(server.listen(0, '127.0.0.1'), 'listening');
    using kube = client({ server: `https://127.0.0.1:${(server.address() as net.AddressInfo).port}`, user: {}, insecureSkipTlsVerify: false });
    const stop = new AbortController();
    const failed = errorOf(kube.get('/', { signal: stop.signal }));
    // no TLS from this server
    const [socket] = (await accepted) as [net.Socket];
    const reason = new CodedError('TP-CANCELLED', 'enough');
    stop.abort(reason);
    expect(await failed).toBe(reason);
    socket.destroy();
    server.close();
  }, 2_000);

  it("are the abort's reason where the caller aborts", async () => {
    await using api = await startFakeApi({});
    using kube = client(api.connection);
    const reason = new CodedError('TP-CANCELLED', 'enough');
    const controller = new AbortController();
    const waiting = errorOf(kube.get('/slow', { signal: controller.signal }));
    controller.abort(reason);
    expect(await waiting).toBe(reason);
  });
});

describe('upgrade', () => {
  it('gives the raw stream, with the bytes that came with the 101', async () => {
    await using api = await startFakeApi({
      upgrade: (request, socket) => {
        socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: ${request.headers.upgrade}\r\nConnection: Upgrade\r\nX-Nonce: n\r\n\r\nfirst`);
        socket.pipe(socket);
      },
    });
    using kube = client(api.connection);
    const { socket, headers } = await kube.upgrade('/tunnel', { protocol: 'telepresence.v1' });
    expect(headers).toMatchObject({ 'x-nonce': 'n', upgrade: 'telepresence.v1' });
    socket.end(' second');
    let text = '';
    for await (const chunk of socket as AsyncIterable<Buffer>) text += chunk.toString();
    expect(text).toBe('first second');
  });

  it('maps refusals as requests do', async () => {
    await using api = await startFakeApi({
      upgrade: (_request, socket) => socket.end(`HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n${JSON.stringify(failure(403, 'no'))}`),
    });
    using kube = client(api.connection);
    const error = await errorOf(kube.upgrade('/tunnel', { protocol: 'x' }));
    expect(error.code).toBe('TP-KUBE-FORBIDDEN');
    expect(statusOf(error)?.message).toBe('no');
  });

  it('closes the connection of a refusal that would keep it alive', async () => {
    const closed = Promise.withResolvers<void>();
    await using api = await startFakeApi({
      upgrade: (_request, socket) => {
        socket.on('close', () => closed.resolve());
        socket.resume();
        const body = JSON.stringify(failure(503, 'no endpoints'));
        socket.write(`HTTP/1.1 503 Service Unavailable\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
      },
    });
    using kube = client(api.connection);
    expect(statusOf(await errorOf(kube.upgrade('/tunnel', { protocol: 'x' })))?.code).toBe(503);
    await closed.promise;
  });

  it('tells when the server answers without switching', async () => {
    await using api = await startFakeApi({ upgrade: (_request, socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi') });
    using kube = client(api.connection);
    expect((await errorOf(kube.upgrade('/tunnel', { protocol: 'x' }))).message).toContain('was not upgraded');
  });

  it('keeps the stream when the signal of the opening is aborted later', async () => {
    await using api = await startFakeApi({
      upgrade: (_request, socket) => {
        socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n');
        socket.pipe(socket);
      },
    });
    using kube = client(api.connection);
    const controller = new AbortController();
    const { socket } = await kube.upgrade('/tunnel', { protocol: 'x', signal: controller.signal });
    controller.abort();
    socket.write('still');
    expect(String((await once(socket, 'data'))[0])).toBe('still');
    socket.destroy();
  });
});
