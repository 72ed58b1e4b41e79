/** The two listeners, HTTP/1.1 and TLS with HTTP/1.1 or HTTP/2: each request finds its rule, its Service, its pods. */
import type { IncomingMessage } from 'node:http';
import { createSecureServer, type ServerHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { SecureContext } from 'node:tls';
import { messageOf } from '../base/errors.ts';
import { listen } from '../base/listen.ts';
import type { Log } from '../base/log.ts';
import { createServer } from '../base/node-http.ts';
import { responseFor } from '../base/response-for.ts';
import type { AnyRequest, AnyResponse } from '../http/any-message.ts';
import { type Refusal, refusals, refuse } from './answers.ts';
import { ConnectTimeout, createBackendAgent } from './backends.ts';
import { exchange, type Passage } from './exchange.ts';
import { requestHeaders } from './headers.ts';
import { INGRESS_HEAD_LIMIT, INGRESS_HEAD_TIMEOUT_MS, INGRESS_IDLE_MS } from './limits.ts';
import { isUpgrade, upgrade } from './upgrade.ts';
import type { View } from './view.ts';

export interface ServerOptions {
  view: Pick<View, 'route' | 'endpoints' | 'certificate'>;
  defaultCertificate: { cert: string; key: string };
  /** 0: any that is free. */
  ports: { http: number; https: number };
  /** The address to listen at. */
  host: string;
  /** The controller's own name, told to the pods. */
  name: string;
  log: Log;
}

export interface IngressServer {
  readonly ports: { http: number; https: number };
  /** Takes nothing new; resolves when the requests under way are answered, or `signal` aborts. Then all connections end. */
  close(signal: AbortSignal): Promise<void>;
}

export async function startIngressServer({ view, defaultCertificate, ports, host: address, name, log }: ServerOptions): Promise<IngressServer> {
  const agent = createBackendAgent();
  const ending = new AbortController();
  let underWay = 0;
  let quiet: () => void = () => {};

  /** How the request goes on, or why it doesn't. */
  function find(req: AnyRequest, res: AnyResponse, secure: boolean): Passage | Refusal {
    const target = targetOf(req);
    if (target === undefined) return refusals.noHost();
    const { host, path } = target;
    const route = view.route(host, path.split('?')[0] ?? '');
    if (route === undefined) return refusals.noRule();
    if (route === 'unsupported') return refusals.unsupported();
    const service = `${route.service}.${route.namespace}`;
    const endpoints = view.endpoints(route);
    if (typeof endpoints === 'string') return refusals.nobody(service, endpoints);
    const fail = (error: unknown): void => {
      log.debug('a request failed', { service, error: messageOf(error) });
      refuse(res, error instanceof ConnectTimeout ? refusals.slow(service) : refusals.noConnection(service));
    };
    return { endpoints, path, headers: requestHeaders(req, { secure, host, server: name }), fail };
  }

  const onRequest =
    (secure: boolean) =>
    (req: AnyRequest, res: AnyResponse): void => {
      underWay++;
      res.once('close', () => {
        underWay--;
        if (underWay === 0) quiet();
      });
      const passage = find(req, res, secure);
      if ('status' in passage) refuse(res, passage);
      else exchange(req, res, passage, agent);
    };
  const onUpgrade =
    (secure: boolean) =>
    (req: IncomingMessage, stream: Duplex, head: Buffer): void => {
      const socket = stream as Socket;
      socket.on('error', (error) => log.debug('a connection failed', { error: messageOf(error) }));
      const res = responseFor(req, socket);
      const passage = find(req, res, secure);
      if ('status' in passage) refuse(res, passage);
      else void upgrade(req, res, socket, head, passage, ending.signal);
    };

  const bounds = {
    maxHeaderSize: INGRESS_HEAD_LIMIT,
    headersTimeout: INGRESS_HEAD_TIMEOUT_MS,
    keepAliveTimeout: INGRESS_IDLE_MS,
    // an upload takes as long as it takes
    requestTimeout: 0,
    shouldUpgradeCallback: isUpgrade,
  };
  const plain = createServer(bounds, onRequest(false));
  const SNICallback = (serverName: string, done: (error: Error | null, context?: SecureContext) => void): void => done(null, view.certificate(serverName));
  const secured = createSecureServer(
    { ...bounds, ...defaultCertificate, minVersion: 'TLSv1.2', allowHTTP1: true, SNICallback, allowHalfOpen: true },
    onRequest(true),
  );
  // said as an option only the plain one hears it
  Object.assign(secured, { shouldUpgradeCallback: isUpgrade });
  const sessions = new Set<ServerHttp2Session>();
  secured.on('session', (session) => {
    sessions.add(session);
    session.once('close', () => sessions.delete(session));
    session.on('error', (error) => log.debug('an HTTP/2 session failed', { error: messageOf(error) }));
    session.setTimeout(INGRESS_IDLE_MS, () => session.close());
  });
  secured.on('tlsClientError', (error) => log.debug('a TLS handshake failed', { error: messageOf(error) }));
  const sockets = new Set<Socket>();
  for (const [server, secure] of [
    [plain, false],
    [secured, true],
  ] as const) {
    server.on('upgrade', onUpgrade(secure));
    server.on('clientError', (_error: Error, socket: Duplex) => {
      if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
      else socket.destroy();
    });
    server.on('connection', (socket: Socket) => {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
    });
  }
  const failed = (error: Error): void => log.error('the listener failed', { error: messageOf(error) });
  const [http, https] = await Promise.all([
    listen(plain, { port: ports.http, host: address }, failed),
    listen(secured, { port: ports.https, host: address }, failed),
  ]);

  return {
    ports: { http, https },
    async close(signal) {
      for (const server of [plain, secured]) {
        server.close();
        if ('closeIdleConnections' in server) server.closeIdleConnections();
      }
      for (const session of sessions) session.close();
      await new Promise<void>((resolve) => {
        quiet = resolve;
        if (underWay === 0 || signal.aborted) resolve();
        else signal.addEventListener('abort', () => resolve(), { once: true });
      });
      ending.abort();
      agent.destroy();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** What is asked of whom; also of the form with a whole address, whose host wins (RFC 9112 3.2.2). Undefined for what is neither. */
function targetOf({ url = '', headers }: AnyRequest): { host: string; path: string } | undefined {
  const said = headers[':authority'] ?? headers.host ?? '';
  if (url.startsWith('/') || url === '*') return { host: String(said), path: url };
  const [, host, rest = ''] = /^https?:\/\/([^/?#]+)([^#]*)$/i.exec(url) ?? [];
  return host === undefined ? undefined : { host, path: rest.startsWith('/') ? rest : `/${rest}` };
}
