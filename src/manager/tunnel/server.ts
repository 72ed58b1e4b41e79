/**
 * The tunnel port (TLS): `GET /tunnel` with an Upgrade (or as a WebSocket) and nothing else. Behind the 101 the connection is a tunnel's:
 * hello, mux, streams. Everything a workstation may ask for in the cluster passes here.
 */
import { createServer, type Server } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { CodedError, messageOf } from '../../base/errors.ts';
import { listen } from '../../base/listen.ts';
import { acceptWebSocket } from '../../kube/index.ts';
import type { Mux, MuxStream } from '../../mux/index.ts';
import type { Session } from '../../protocol/resources.ts';
import { CLUSTER_TLS, type Hello, TUNNEL_PATH, UPGRADE_PROTOCOL } from '../../protocol/tunnel.ts';
import type { RpcPeer } from '../../rpc/index.ts';
import { acceptTunnel, createUnproven, switchProtocols, tunnelOffer } from '../../tunnel/index.ts';
import type { Cloud } from '../cloud/index.ts';
import type { DnsPart, ManagerContext, Part } from '../context.ts';
import type { Outbound } from '../outbound/index.ts';
import type { UserQuota } from '../outbound/quota.ts';
import type { LinkedSessions } from '../sessions/registry.ts';
import { serveTunnelStream } from './streams.ts';

import { verifyHello } from './verify.ts';

/** Connections that have not proved who they are, in all and from one address (an API server's serves many). Beyond, the oldest is ended. */
export const UNVERIFIED_LIMIT = 1_024;
export const UNVERIFIED_EACH = 256;
/** Time from the 101 to the proof. */
export const VERIFY_TIMEOUT_MS = 10_000;
/** Time for a request's head. */
export const REQUEST_TIMEOUT_MS = 10_000;
/** Connections to the port, tunnels among them. */
export const TUNNEL_CONNECTION_LIMIT = 16_384;
/** TCP keep-alive towards the API server. */
export const TUNNEL_KEEPALIVE_MS = 30_000;

export interface TunnelServer extends Part {
  readonly port: number;
  /** Tells every workstation to open another tunnel elsewhere and to use this one until then; takes no new ones. */
  announce(reason: string): void;
  /** Takes no new streams. */
  goAway(reason: string): void;
}

export interface TunnelServerOptions {
  context: ManagerContext;
  sessions: LinkedSessions;
  outbound: Outbound;
  dns: DnsPart;
  cloud: Cloud;
}

export async function startTunnelServer(options: TunnelServerOptions): Promise<TunnelServer> {
  const { context, sessions } = options;
  const { tls } = context;
  const log = context.log.child('tunnel');
  const controls = new Set<RpcPeer>();
  const refused = context.metrics.counter('tunnels_refused_total', 'Tunnels refused, by cause.');
  const unproven = createUnproven({ each: UNVERIFIED_EACH, all: UNVERIFIED_LIMIT });
  /** By the far end's address and port: a TLS connection is another object than the TCP connection under it. */
  const proofs = new Map<string, () => void>();
  const farEnd = ({ remoteAddress = '', remotePort = 0 }: Socket) => `${remoteAddress} ${remotePort}`;
  let going: string | undefined;

  const { certificate, key } = tls.leaf();
  const server: Server = createServer(
    {
      cert: certificate,
      key,
      ...CLUSTER_TLS,
      handshakeTimeout: REQUEST_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      headersTimeout: REQUEST_TIMEOUT_MS,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: TUNNEL_KEEPALIVE_MS,
    },
    (_request, response) => {
      response.writeHead(404, { 'content-type': 'text/plain', connection: 'close' }).end('not found\n');
    },
  );
  server.maxConnections = TUNNEL_CONNECTION_LIMIT;
  const stopRenew = tls.onRenew(() => {
    const leaf = tls.leaf();
    server.setSecureContext({ cert: leaf.certificate, key: leaf.key, ...CLUSTER_TLS });
  });

  server.on('connection', (socket: Socket) => {
    const key = farEnd(socket);
    const admitted = unproven.admit(socket.remoteAddress ?? '', () => {
      refused.add(1, { cause: 'overload' });
      socket.destroy();
    });
    const settle = () => {
      admitted();
      if (proofs.get(key) === settle) proofs.delete(key);
    };
    proofs.set(key, settle);
    socket.once('close', settle);
  });
  server.on('tlsClientError', (error) => log.debug('a TLS handshake failed', { error: messageOf(error) }));
  server.on('clientError', (error, socket) => {
    log.debug('not a request', { error: messageOf(error) });
    socket.destroy();
  });
  server.on('upgrade', (request, socket: Duplex, head) => {
    socket.on('error', (error) => log.debug('a connection failed', { error: messageOf(error) }));
    const path = (request.url ?? '').split('?')[0];
    const protocol = request.headers.upgrade?.toLowerCase();
    if (request.method !== 'GET' || path !== TUNNEL_PATH || (protocol !== UPGRADE_PROTOCOL && protocol !== 'websocket')) {
      socket.end('HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n');
      return;
    }
    if (going !== undefined) {
      refused.add(1, { cause: 'going-away' });
      // No Retry-After: the next try may well reach another replica.
      socket.end('HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n');
      return;
    }
    const { nonce, headers } = tunnelOffer(context.pod);
    let stream: Duplex | undefined = socket;
    if (protocol === 'websocket') stream = acceptWebSocket(request, socket, head, { headers });
    else {
      if (head.length > 0) socket.unshift(head);
      switchProtocols(socket, headers);
    }
    if (stream === undefined) return;
    const key = farEnd(request.socket);
    serve(stream, nonce, () => proofs.get(key)?.()).catch((error: unknown) => {
      refused.add(1, { cause: error instanceof CodedError ? error.code : 'failed' });
      // Whoever refused ends the connection, after saying why.
      log.info('a tunnel was refused', { error: messageOf(error) });
    });
  });

  /** The beginning of a tunnel: its hello holds, or it rejects. Apart from {@link serve}, since what only this needs must not live as long as a tunnel. */
  async function greet(socket: Duplex, nonce: string, onStream: (stream: MuxStream) => void): Promise<{ mux: Mux; hello: Hello; session: Session }> {
    const signal = AbortSignal.any([context.signal, AbortSignal.timeout(VERIFY_TIMEOUT_MS)]);
    const late = () => socket.destroy(new Error('the workstation did not prove itself in time'));
    signal.addEventListener('abort', late, { once: true });
    let session: Session | undefined;
    const { mux, hello } = await acceptTunnel(socket, {
      nonce,
      log,
      verify: async (received) => {
        session = await verifyHello(received, nonce, { kube: context.kube, sessionObjects: context.sessionObjects, namespace: context.namespace, signal });
      },
      onStream,
    }).finally(() => signal.removeEventListener('abort', late));
    if (session === undefined) throw new CodedError('TP-INTERNAL', 'A tunnel was accepted without a session.');
    return { mux, hello, session };
  }

  /** Resolves when the connection is verified and served, or rejects. */
  async function serve(socket: Duplex, nonce: string, proved: () => void): Promise<void> {
    let serveStream: ((stream: MuxStream) => void) | undefined;
    const early: MuxStream[] = [];
    // Streams come with the hello in one packet, perhaps before it was judged.
    const onStream = (stream: MuxStream) => (serveStream === undefined ? void early.push(stream) : serveStream(stream));
    const { mux, hello, session: verified } = await greet(socket, nonce, onStream);
    proved();

    let heardAt = performance.now();
    socket.on('data', (chunk: Buffer) => {
      heardAt = performance.now();
      context.waiting.arrived(chunk.length);
    });
    let control: RpcPeer | undefined;
    let quota: UserQuota;
    const connection = {
      kind: hello.kind,
      mux,
      heardAt: () => heardAt,
      notify: (method: string, params: unknown) => control?.notify(method, params),
    };
    try {
      quota = sessions.attach(verified, connection);
    } catch (error) {
      mux.goAway(messageOf(error));
      void mux.close({ signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) });
      throw error;
    }
    log.debug('a tunnel is open', { session: verified.metadata.name, kind: hello.kind, version: hello.version });
    serveStream = (stream) => {
      serveTunnelStream(stream, {
        ...options,
        session: verified,
        quota,
        log,
        onControl: (rpc) => {
          if (control !== undefined) return false;
          control = rpc;
          controls.add(rpc);
          if (going !== undefined) rpc.notify('going-away', { reason: going });
          void rpc.closed.then(() => controls.delete(rpc));
          return true;
        },
      });
    };
    for (const stream of early) serveStream(stream);
  }

  const port = await listen(server, { port: context.ports.tunnel }, (error) => log.error('the tunnel port failed', { error: messageOf(error) }));

  return {
    port,
    announce(reason) {
      going = reason;
      for (const rpc of controls) rpc.notify('going-away', { reason });
    },
    goAway(reason) {
      for (const { mux } of sessions.connections()) mux.goAway(reason);
    },
    async close() {
      stopRenew();
      server.closeIdleConnections();
      for (const { mux } of sessions.connections()) mux.abort(new Error('the manager ends'));
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    },
  };
}
