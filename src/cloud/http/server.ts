/**
 * The listener: sends each request to its site by Host, each upgrade to the links or the previews, answers the kubelet, and ends
 * without cutting what is under way.
 */
import { readFileSync } from 'node:fs';
import type { IncomingMessage, Server } from 'node:http';
import { createSecureServer, type Http2SecureServer, type ServerHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { getRequestListener, type HttpBindings } from '@hono/node-server';
import type { Hono } from 'hono';
import { messageOf } from '../../base/errors.ts';
import { listen } from '../../base/listen.ts';
import type { Log } from '../../base/log.ts';
import { createServer } from '../../base/node-http.ts';
import { LINK_PATH } from '../../protocol/cloud.ts';
import type { CloudConfig, Listen } from '../config.ts';
import type { AnyRequest, AnyResponse, PreviewProxy } from '../context.ts';
import { HEADERS_TIMEOUT_MS, HTTP_HEAD_LIMIT } from '../limits.ts';
import { refuseUpgrade } from '../link/upgrade.ts';
import type { CloudEnv } from './environment.ts';
import { siteOf } from './hosts.ts';

export interface ServerParts {
  config: CloudConfig;
  log: Log;
  app: Pick<Hono<CloudEnv & { Bindings: HttpBindings }>, 'fetch'>;
  preview: PreviewProxy;
  link: (request: IncomingMessage, socket: Duplex, head: Buffer) => Promise<void>;
  /** Streams from the other replicas; undefined: there are none. */
  forward: ((request: IncomingMessage, socket: Duplex, head: Buffer) => void) | undefined;
  /** undefined when requests can be served, else what is missing. */
  ready: () => Promise<string | undefined>;
}

export interface RunningServer {
  readonly port: number;
  /** Takes nothing new; resolves when the requests under way are answered, or `signal` aborts. Upgraded connections stay. */
  drain(signal: AbortSignal): Promise<void>;
  /** Ends every connection. */
  end(): void;
}
type FetchCallback = Parameters<typeof getRequestListener>[0];

/** Path below which other replicas ask, with the shared secret. */
export const FORWARD_PATH = '/replica/';

export async function startServer(parts: ServerParts): Promise<RunningServer> {
  const { config, log, app, preview } = parts;
  const listener = getRequestListener(app.fetch as FetchCallback, { overrideGlobalObjects: false });
  const hostOf = (request: AnyRequest) => (request.headers[':authority'] ?? request.headers.host)?.toString();

  let underWay = 0;
  let drained: () => void = () => {};
  const onRequest = (request: AnyRequest, response: AnyResponse): void => {
    underWay++;
    response.once('close', () => {
      underWay--;
      if (underWay === 0) drained();
    });
    const to = siteOf(hostOf(request), config);
    if (to.site === 'preview') return preview.request(request, response, to.label);
    if (to.site === 'none') return answerOther(request, response, parts.ready);
    listener(request as IncomingMessage, response as never).catch((error: unknown) => {
      log.error('a request could not be answered', { error: messageOf(error) });
      response.destroy();
    });
  };
  const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    socket.on('error', (error) => log.debug('a connection failed', { error: messageOf(error) }));
    const path = request.url?.split('?')[0] ?? '';
    if (path.startsWith(FORWARD_PATH) && parts.forward !== undefined) return parts.forward(request, socket, head);
    const to = siteOf(request.headers.host, config);
    if (to.site === 'preview') return preview.upgrade(request, socket, head, to.label);
    if (to.site === 'dashboard' && path === LINK_PATH && request.method === 'GET') return void parts.link(request, socket, head);
    return refuseUpgrade(socket, 404);
  };

  const bounds = { maxHeaderSize: HTTP_HEAD_LIMIT, headersTimeout: HEADERS_TIMEOUT_MS, requestTimeout: 0 };
  const server: Server | Http2SecureServer =
    config.tls === undefined
      ? createServer(bounds, onRequest)
      : createSecureServer(
          { ...bounds, allowHTTP1: true, minVersion: 'TLSv1.2', cert: readFileSync(config.tls.cert), key: readFileSync(config.tls.key) },
          onRequest,
        );
  server.on('upgrade', onUpgrade);
  server.on('clientError', (_error: Error, socket: Duplex) => {
    if (socket.writable) refuseUpgrade(socket, 400);
    else socket.destroy();
  });
  server.on('tlsClientError', (error: Error) => log.debug('a TLS handshake failed', { error: messageOf(error) }));
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  const sessions = new Set<ServerHttp2Session>();
  server.on('session', (session: ServerHttp2Session) => {
    sessions.add(session);
    session.once('close', () => sessions.delete(session));
    session.on('error', (error) => log.debug('an HTTP/2 session failed', { error: messageOf(error) }));
  });
  const port = await listen(server, config.listen, (error) => log.error('the listener failed', { error: messageOf(error) }));

  return {
    port,
    drain: (signal) =>
      new Promise((resolve) => {
        server.close();
        if ('closeIdleConnections' in server) server.closeIdleConnections();
        for (const session of sessions) session.close();
        drained = resolve;
        if (underWay === 0 || signal.aborted) resolve();
        else signal.addEventListener('abort', () => resolve(), { once: true });
      }),
    end: () => {
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** The kubelet and load balancers ask by address. */
function answerOther(request: AnyRequest, response: AnyResponse, ready: ServerParts['ready']): void {
  const answer = (status: number, text: string) => {
    response.statusCode = status;
    response.setHeader('content-type', 'text/plain; charset=utf-8');
    response.end(text);
  };
  const path = request.method === 'GET' ? request.url?.split('?')[0] : undefined;
  if (path === '/healthz') return answer(200, 'ok\n');
  if (path === '/readyz') {
    ready().then(
      (waiting) => answer(waiting === undefined ? 200 : 503, `${waiting ?? 'ok'}\n`),
      () => answer(503, 'not ready\n'),
    );
    return undefined;
  }
  return answer(404, 'not found\n');
}

/** A plain listener for `/healthz`, `/readyz`, `/metrics`, which a network policy can keep to the cluster. */
export async function startMetricsServer(at: Listen, options: { render: () => string; ready: ServerParts['ready']; log: Log }): Promise<RunningServer> {
  const server = createServer({ headersTimeout: HEADERS_TIMEOUT_MS, requestTimeout: HEADERS_TIMEOUT_MS }, (request, response) => {
    if (request.method === 'GET' && request.url?.split('?')[0] === '/metrics') {
      response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }).end(options.render());
    } else answerOther(request, response, options.ready);
  });
  server.on('clientError', (_error, socket) => socket.destroy());
  const port = await listen(server, at, (error) => options.log.error('the listener failed', { error: messageOf(error) }));
  return {
    port,
    drain: async () => {
      server.close();
    },
    end: () => server.closeAllConnections(),
  };
}
