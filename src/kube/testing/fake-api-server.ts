/** An HTTPS server on a free port whose answers the test writes. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { KubeConnection } from '../connection.ts';
import { createTestAuthority, type TestAuthority } from './certificates.ts';

export interface FakeApiServer extends AsyncDisposable {
  authority: TestAuthority;
  port: number;
  connection: KubeConnection;
  /** All requests, `METHOD path`. */
  seen: string[];
  connections: number;
  /** Ends all connections at once. */
  cut(): void;
}

export interface FakeApiOptions {
  handle?: (request: IncomingMessage, response: ServerResponse, body: string) => void;
  upgrade?: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
  names?: string[];
  notAfter?: Date;
  authority?: TestAuthority;
}

export async function startFakeApi(options: FakeApiOptions): Promise<FakeApiServer> {
  const authority = options.authority ?? (await createTestAuthority());
  const own = await authority.issue({
    subject: 'CN=api',
    ...(options.names === undefined ? {} : { names: options.names }),
    ...(options.notAfter === undefined ? {} : { notAfter: options.notAfter }),
  });
  const sockets = new Set<TLSSocket>();
  const server = https.createServer({ ...own, ca: authority.ca, requestCert: true, rejectUnauthorized: false }, (request, response) => {
    fake.seen.push(`${request.method} ${request.url}`);
    let body = '';
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString();
    });
    request.on('error', () => response.destroy());
    request.on('end', () => options.handle?.(request, response, body));
  });
  server.on('secureConnection', (socket) => {
    fake.connections++;
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
  });
  server.on('tlsClientError', () => {});
  server.on('upgrade', (request, socket, head) => {
    fake.seen.push(`${request.method} ${request.url}`);
    socket.on('error', () => socket.destroy());
    options.upgrade?.(request, socket, head);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  const fake: FakeApiServer = {
    authority,
    port,
    connection: { server: `https://127.0.0.1:${port}`, certificateAuthority: authority.ca, insecureSkipTlsVerify: false, user: { token: 'secret' } },
    seen: [],
    connections: 0,
    cut,
    async [Symbol.asyncDispose]() {
      cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return fake;
}

export function sendJson(response: ServerResponse, value: unknown, code = 200): void {
  response.writeHead(code, { 'content-type': 'application/json' });
  response.end(JSON.stringify(value));
}

export const failure = (code: number, message: string, reason = 'Failure') => ({ kind: 'Status', apiVersion: 'v1', status: 'Failure', code, message, reason });
