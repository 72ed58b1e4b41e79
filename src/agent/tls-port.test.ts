import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer as createHttpServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { type ClientHttp2Session, connect as connectHttp2, createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2';
import { request } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { connect as connectTls, createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { byHeader, type HttpAgent, startHttpAgent } from '../../test/helpers/http-agent.ts';
import { createTestAuthority } from '../kube/testing/certificates.ts';

let ca: string;
let app: { cert: string; key: string };
let laptop: { cert: string; key: string };
let client: { cert: string; key: string };
let folder: string;
const cleanups: (() => unknown)[] = [];

beforeAll(async () => {
  const authority = await createTestAuthority('CN=shop');
  ({ ca } = authority);
  app = await authority.issue({ subject: 'CN=app', names: ['web.shop'] });
  laptop = await authority.issue({ subject: 'CN=laptop', names: ['web.shop'] });
  client = await authority.issue({ subject: 'CN=caller' });
  folder = await mkdtemp(path.join(tmpdir(), 'tls-port-'));
});
afterAll(() => rm(folder, { recursive: true }));
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A folder as a Secret is mounted. */
async function secret(keys: { cert: string; key: string }, authority?: string): Promise<string> {
  const at = await mkdtemp(path.join(folder, 's-'));
  await writeFile(path.join(at, 'tls.crt'), keys.cert);
  await writeFile(path.join(at, 'tls.key'), keys.key);
  if (authority !== undefined) await writeFile(path.join(at, 'ca.crt'), authority);
  return at;
}
async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(() => server.close());
  return (server.address() as AddressInfo).port;
}
type Handler = (req: IncomingMessage | Http2ServerRequest, res: ServerResponse | Http2ServerResponse) => void;
const says =
  (name: string): Handler =>
  (req, res) => {
    req.resume();
    (res as ServerResponse).end(`${name} ${req.httpVersion} ${'authorized' in req.socket && req.socket.authorized === true ? 'knows its client' : ''}`.trim());
  };
const secureServer = (name: string, keys: TlsOptions, handler: Handler = says(name)): Promise<number> =>
  listen(createSecureServer({ ...keys, allowHTTP1: true }, handler) as unknown as Server);

async function agentOf(appPort: number, tls: Parameters<typeof startHttpAgent>[1], workstation: number, more = {}): Promise<HttpAgent> {
  const agent = await startHttpAgent(appPort, tls);
  cleanups.push(() => agent.close());
  agent.set([{ port: workstation, http: byHeader('x-who', 'me'), ...more }]);
  return agent;
}

/** Over one connection that is kept, HTTP/1.1. */
function get(port: number, headers: Record<string, string> = {}, options: TlsOptions = {}): Promise<{ status: number; body: string; proof: unknown }> {
  return new Promise((resolve, reject) => {
    const sent = request(
      { host: '127.0.0.1', port, servername: 'web.shop', ca, headers: { host: 'web.shop', ...headers }, agent: false, ...options },
      (response) =>
        void text(response).then(
          (body) => resolve({ status: response.statusCode ?? 0, body, proof: response.headers['x-telepresence-intercepted-by'] }),
          reject,
        ),
    );
    sent.on('error', reject);
    sent.end();
  });
}
async function get2(session: ClientHttp2Session, headers: Record<string, string> = {}): Promise<string> {
  const stream = session.request({ ':path': '/', ...headers });
  return text(stream);
}

describe('a port whose pods speak TLS', () => {
  it('gives each request its place, with the pod’s own certificate', async () => {
    const agent = await agentOf(await secureServer('app', app), { certificate: await secret(app) }, await secureServer('mine', laptop));
    expect(await get(agent.port)).toEqual({ status: 200, body: 'app 1.1', proof: undefined });
    expect(await get(agent.port, { 'x-who': 'me' })).toEqual({ status: 200, body: 'mine 1.1', proof: 'mine' });
    expect(agent.taken.get('i0')).toBe(1);
  });

  it('speaks HTTP/2 where the app does, each stream on its own way', async () => {
    const agent = await agentOf(await secureServer('app', app), { certificate: await secret(app) }, await secureServer('mine', laptop));
    const session = connectHttp2(`https://127.0.0.1:${agent.port}`, { ca, servername: 'web.shop' });
    cleanups.push(() => session.destroy());
    expect(await Promise.all([get2(session), get2(session, { 'x-who': 'me' }), get2(session)])).toEqual(['app 2.0', 'mine 2.0', 'app 2.0']);
  });

  it('offers HTTP/1.1 only where the app knows no other', async () => {
    const plain = createTlsServer(app);
    const http = createHttpServer(says('app') as RequestListener);
    plain.on('secureConnection', (socket) => http.emit('connection', socket));
    const agent = await agentOf(await listen(plain), { certificate: await secret(app) }, await secureServer('mine', laptop));
    const socket = connectTls({ host: '127.0.0.1', port: agent.port, ca, servername: 'web.shop', ALPNProtocols: ['h2', 'http/1.1'] });
    await once(socket, 'secureConnect');
    expect(socket.alpnProtocol).toBe('http/1.1');
    socket.destroy();
  });

  it('sends cleartext to a workstation that asked for it, and tells of one that speaks no TLS', async () => {
    const plain = await listen(createHttpServer(says('cleartext') as RequestListener));
    const tls = { certificate: await secret(app) };
    const appPort = await secureServer('app', app);
    const asked = await agentOf(appPort, tls, plain, { plaintext: true });
    expect((await get(asked.port, { 'x-who': 'me' })).body).toBe('cleartext 1.1');
    const session = connectHttp2(`https://127.0.0.1:${asked.port}`, { ca, servername: 'web.shop' });
    cleanups.push(() => session.destroy());
    expect(await Promise.all([get2(session, { 'x-who': 'me' }), get2(session), get2(session, { 'x-who': 'me' })])).toEqual([
      'cleartext 1.1',
      'app 2.0',
      'cleartext 1.1',
    ]);
    const unasked = await agentOf(appPort, tls, plain);
    expect(await get(unasked.port, { 'x-who': 'me' })).toMatchObject({ status: 502, body: expect.stringContaining('does not speak TLS') });
  });

  it('asks clients for certificates as the app does, and shows the app the one that it is given', async () => {
    const asking = { ...app, ca, requestCert: true, rejectUnauthorized: true };
    const agent = await agentOf(
      await secureServer('app', asking),
      { certificate: await secret(app, ca), client: await secret(client) },
      await secureServer('mine', { ...laptop, ca, requestCert: true, rejectUnauthorized: true }),
    );
    await expect(get(agent.port)).rejects.toThrow();
    const stranger = await (await createTestAuthority('CN=elsewhere')).issue({ subject: 'CN=caller' });
    await expect(get(agent.port, {}, stranger)).rejects.toThrow();
    expect((await get(agent.port, {}, client)).body).toBe('app 1.1 knows its client');
    expect((await get(agent.port, { 'x-who': 'me' }, client)).body).toBe('mine 1.1 knows its client');
  });

  it('says why it can’t end the TLS, and leaves it to the app then', async () => {
    const agent = await agentOf(await secureServer('app', app), { certificate: path.join(folder, 'none') }, await secureServer('mine', laptop));
    expect(agent.taker.fault).toMatch(/can't be ended by the agent: .*tls\.crt/);
    const unchecked = { certificate: await secret(app), client: await secret(client) };
    const other = await agentOf(await secureServer('app', app), unchecked, await secureServer('mine', laptop));
    expect(other.taker.fault).toMatch(/ca\.crt is missing/);
  });

  it('passes on what is not HTTP within its TLS', async () => {
    const echo = createTlsServer(app, (socket) => {
      socket.on('error', () => {});
      socket.pipe(socket);
    });
    const agent = await agentOf(await listen(echo), { certificate: await secret(app) }, await secureServer('mine', laptop));
    const socket = connectTls({ host: '127.0.0.1', port: agent.port, ca, servername: 'web.shop' });
    await once(socket, 'secureConnect');
    socket.write(Buffer.from([0, 1, 2, 3]));
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect([...answer]).toEqual([0, 1, 2, 3]);
    socket.destroy();
  });
});
