/** The API on sockets: HTTPS on TCP, the same without TLS on sockets that only the owner can reach. */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Log } from '../../../base/log.ts';
import { createServer as createHttpServer } from '../../../base/node-http.ts';
import { type ApiServerParts, type RequestAttributes, StatusError } from '../../contract.ts';
import { authorize, type Core, type Resolved, resolveRequest } from '../core.ts';
import { noSuchResource } from '../errors.ts';
import { SERVER_IDLE_MS } from '../limits.ts';
import { internalError, statusObject } from '../request/status.ts';
import { type Audit, auditedCall } from './audit.ts';
import { readRequestBody } from './body.ts';
import { mediaType, negotiate } from './negotiate.ts';
import { servePlain } from './plain-paths.ts';
import { sendAnswer, sendFailure } from './respond.ts';

export interface ListenOptions {
  /** PEM. */
  certificate: string;
  key: string;
  /** That client certificates are signed by. */
  clientAuthority: string;
  host: string;
  port: number;
}

export interface HttpApi {
  listen(options: ListenOptions): Promise<{ host: string; port: number }>;
  /** Without TLS, on a unix socket of that path. Authentication is as everywhere. */
  listenUnix(path: string): Promise<void>;
  close(): Promise<void>;
}

const STREAMS = new Set(['log', 'exec', 'attach', 'portforward', 'proxy']);

export interface HttpApiOptions {
  log: Log;
  /** Served as they are: path → body. */
  documents: Record<string, unknown>;
  audit: Audit;
}

export function createHttpApi(core: Core, parts: ApiServerParts, { log, documents, audit }: HttpApiOptions): HttpApi {
  const servers: Server[] = [];
  const upgraded = new Set<Duplex>();

  /** @throws 401, 403 */
  async function enter(request: IncomingMessage): Promise<{ resolved: Resolved; query: URLSearchParams; path: string; rest: string | undefined }> {
    const url = request.url ?? '/';
    const cut = url.indexOf('?');
    const path = cut === -1 ? url : url.slice(0, cut);
    const query = new URLSearchParams(cut === -1 ? '' : url.slice(cut + 1));
    const user = await parts.authenticator.authenticate(request);
    if (user === undefined) throw new StatusError(401, 'Unauthorized', 'Unauthorized');
    const resolved = resolveRequest(request.method ?? 'GET', path, query, user);
    const stream = isStream(resolved.attributes, core);
    authorize(parts, resolved.attributes);
    return { resolved, query, path, rest: stream ? `${resolved.path?.rest ?? ''}${cut === -1 ? '' : url.slice(cut)}` : undefined };
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.setHeader('audit-id', randomUUID());
    response.setHeader('cache-control', 'no-cache, private');
    const { resolved, query, path, rest } = await enter(request);
    const { user } = resolved.attributes;
    if (rest !== undefined || resolved.path === undefined) {
      audit(auditedCall(request, user));
      if (rest !== undefined) return parts.streams.request(resolved.attributes, request, response, rest);
      return servePlain({ core, more: documents }, request, response, path, query);
    }
    const wanted = negotiate(request.headers.accept);
    const body = request.method === 'GET' || request.method === 'HEAD' ? undefined : await readRequestBody(request);
    audit(auditedCall(request, user, body));
    const answer = await core.dispatch(
      {
        user,
        method: request.method ?? 'GET',
        path,
        query,
        contentType: mediaType(request.headers['content-type'] ?? 'application/json').type,
        body,
        manager: (request.headers['user-agent'] ?? 'unknown').split('/')[0] ?? 'unknown',
        warn: (text) => response.appendHeader('warning', `299 - ${JSON.stringify(text)}`),
      },
      resolved,
    );
    sendAnswer(response, answer, wanted, query);
  }

  const onRequest = (request: IncomingMessage, response: ServerResponse) => {
    serve(request, response).catch((error: unknown) => {
      if (!(error instanceof StatusError)) log.error('a request failed', { path: request.url, error });
      if (!response.writableEnded) sendFailure(response, error);
      // What was not read of a refused body would be taken for the next request.
      if (!request.complete) response.once('finish', () => request.destroy());
    });
  };

  const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    upgraded.add(socket);
    socket.on('error', (error) => log.debug('an upgraded connection broke', { path: request.url, error }));
    socket.once('close', () => upgraded.delete(socket));
    enter(request)
      .then(({ resolved, rest }) => {
        if (rest === undefined) throw noSuchResource();
        audit(auditedCall(request, resolved.attributes.user));
        return parts.streams.upgrade(resolved.attributes, request, socket, head, rest);
      })
      .catch((error: unknown) => refuse(socket, error));
  };

  async function start(server: Server, listen: (ready: () => void) => void): Promise<void> {
    server.on('request', onRequest);
    server.on('upgrade', onUpgrade);
    // `kubectl` keeps connections: longer than it keeps them itself, so that none closes under a request.
    server.keepAliveTimeout = SERVER_IDLE_MS;
    server.requestTimeout = 0;
    server.timeout = 0;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      listen(() => {
        server.off('error', reject);
        server.on('error', (error) => log.error('the API server’s socket failed', { error }));
        resolve();
      });
    });
    servers.push(server);
  }

  return {
    async listen({ certificate, key, clientAuthority, host, port }) {
      // Who shows no certificate, or one that is not ours, may still have a token: the authenticator decides.
      const server = createHttpsServer({
        cert: certificate,
        key,
        ca: clientAuthority,
        requestCert: true,
        rejectUnauthorized: false,
        ALPNProtocols: ['http/1.1'],
      });
      server.on('tlsClientError', (error) => log.debug('a TLS handshake failed', { error }));
      await start(server, (ready) => server.listen(port, host, ready));
      const address = server.address() as AddressInfo;
      return { host: address.address, port: address.port };
    },
    async listenUnix(path) {
      const server = createHttpServer();
      await start(server, (ready) => server.listen(path, ready));
    },
    async close() {
      const all = servers.splice(0);
      for (const socket of upgraded) socket.destroy();
      await Promise.all(
        all.map((server) => {
          const closed = new Promise<void>((resolve) => server.close(() => resolve()));
          server.closeAllConnections();
          return closed;
        }),
      );
    },
  };
}

function isStream({ resource, subresource, name, group, version }: RequestAttributes, core: Core): boolean {
  if (resource === undefined || subresource === undefined || name === undefined || !STREAMS.has(subresource)) return false;
  return core.registry.find(group ?? '', version ?? '', resource)?.type.subresources.includes(subresource) === true;
}

function refuse(socket: Duplex, thrown: unknown): void {
  if (socket.destroyed) return;
  const error = thrown instanceof StatusError ? thrown : internalError(thrown);
  const body = JSON.stringify(statusObject(error));
  socket.end(
    `HTTP/1.1 ${error.code} ${error.reason}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}
