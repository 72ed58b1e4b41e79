import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createTestAuthority } from '../../../kube/testing/certificates.ts';
import { type Asked, ask } from './ask.ts';

const TIMEOUT_MS = 30_000;
const HOST = '127.0.0.1';

let server: Server;
const open: Socket[] = [];
/** The client's ports of the connections that came, and of those that were dialled. */
const ports: { accepted: (number | undefined)[]; dialled: (number | undefined)[] } = { accepted: [], dialled: [] };

async function listening(made: Server): Promise<number> {
  server = made;
  server.on('connection', (socket: Socket) => {
    open.push(socket);
    ports.accepted.push(socket.remotePort);
    socket.on('error', () => {});
  });
  server.listen(0, HOST);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** The container is this process; its node dials as a node does, and does not listen for what becomes of the connection. */
const asked = {
  container: { name: 'main' },
  ip: HOST,
  node: {
    async dial(host: string, port: number) {
      const socket = connect({ host, port });
      open.push(socket);
      await once(socket, 'connect');
      ports.dialled.push(socket.localPort);
      return socket;
    },
  },
} as unknown as Asked;

afterEach(async () => {
  for (const socket of open.splice(0)) socket.destroy();
  await new Promise((done) => server.close(done));
});

describe('a container is asked', () => {
  it('over HTTP on the one connection that its node made', async () => {
    const port = await listening(createHttpServer((request, response) => response.writeHead(request.url === '/ready' ? 200 : 500).end()));
    expect(await ask({ httpGet: { path: 'ready', port } }, asked, TIMEOUT_MS)).toEqual({ ok: true, message: '' });
    expect(await ask({ httpGet: { path: '/', port } }, asked, TIMEOUT_MS)).toEqual({ ok: false, message: 'HTTP probe failed with statuscode: 500' });
    expect(ports.dialled.length).toBe(2);
    expect(ports.accepted).toEqual(ports.dialled);
  });

  it('over HTTPS, whoever signed its certificate', async () => {
    const authority = await createTestAuthority('CN=nobody knows it');
    const { cert, key } = await authority.issue({ subject: 'CN=pod', names: ['pod.test'] });
    const port = await listening(createHttpsServer({ cert, key }, (_, response) => response.end('ok')));
    expect(await ask({ httpGet: { path: '/', port, scheme: 'HTTPS' } }, asked, TIMEOUT_MS)).toEqual({ ok: true, message: '' });
  });

  it('and is not well when its connection is reset before it answers', async () => {
    const port = await listening(createServer((socket) => socket.resetAndDestroy()));
    const { ok, message } = await ask({ httpGet: { path: '/', port } }, asked, TIMEOUT_MS);
    expect(ok).toBe(false);
    expect(message).toContain(`Get "http://${HOST}:${port}/"`);
  });
});
