/**
 * Where workstations reach this agent without a manager between: a TLS port that serves `GET /tunnel` with an Upgrade and nothing else. Its
 * clients are API servers, which check no certificate; who stands behind them proves itself with the session's key.
 */
import type { Duplex } from 'node:stream';
import { createServer } from 'node:tls';
import { CodedError, messageOf } from '../base/errors.ts';
import { listen } from '../base/listen.ts';
import type { Log } from '../base/log.ts';
import { BadMessage, parseRequestHead, type RequestHead } from '../http/index.ts';
import type { Mux } from '../mux/index.ts';
import { type Hello, TUNNEL_PATH, UPGRADE_PROTOCOL } from '../protocol/tunnel.ts';
import { acceptTunnel, createUnproven, readHead, switchProtocols, TunnelProtocolError, tunnelOffer } from '../tunnel/index.ts';
import { DIRECT_CONNECTION_LIMIT, DIRECT_HANDSHAKE_MS, DIRECT_HEAD_LIMIT, DIRECT_UNPROVEN_EACH, DIRECT_UNPROVEN_LIMIT } from './limits.ts';

/** A workstation that has proved that it holds the session. */
export interface DirectConnection {
  readonly session: string;
  readonly mux: Mux;
  /** When the last byte came (`performance.now()`). */
  heardAt(): number;
}

export interface DirectPortOptions {
  /** PEM. */
  certificate: string;
  key: string;
  /** Name of this pod, for the answer. */
  pod: string;
  /** Throws to refuse. */
  verify: (hello: Hello, nonce: string) => void;
  onConnection: (connection: DirectConnection) => void;
  log: Log;
}

export interface DirectPort {
  readonly port: number;
  /** Takes no more; connections that stand go on. */
  close(): void;
}

/** Listens on a free port of the pod. */
export async function openDirectPort(options: DirectPortOptions): Promise<DirectPort> {
  const { certificate, key, log } = options;
  const unproven = createUnproven({ each: DIRECT_UNPROVEN_EACH, all: DIRECT_UNPROVEN_LIMIT });
  const server = createServer({ cert: certificate, key, minVersion: 'TLSv1.2', handshakeTimeout: DIRECT_HANDSHAKE_MS }, (socket) => {
    socket.on('error', (error) => log.debug('a direct connection failed', { error: messageOf(error) }));
    socket.setNoDelay(true);
    const proved = unproven.admit(socket.remoteAddress ?? '', () => socket.destroy());
    socket.once('close', proved);
    serveDirect(socket, options).then(proved, (error: unknown) => {
      // Whoever refused ends the connection, after saying why.
      log.info('a direct connection was refused', { error: messageOf(error) });
    });
  });
  server.maxConnections = DIRECT_CONNECTION_LIMIT;
  server.on('tlsClientError', (error) => log.debug('a TLS handshake failed', { error: messageOf(error) }));
  const port = await listen(server, { port: 0 }, (error) => log.error('the port for direct connections failed', { error: messageOf(error) }));
  return { port, close: () => void server.close() };
}

/** One connection, until it is proved to be a workstation's. @throws when it is refused; whoever it is was told then, and the connection ends */
export async function serveDirect(socket: Duplex, { pod, verify, onConnection, log }: Omit<DirectPortOptions, 'certificate' | 'key'>): Promise<void> {
  const head = await readHead(socket, parseHead, { timeoutMs: DIRECT_HANDSHAKE_MS, what: 'a request' }).catch((error: unknown) => {
    socket.destroy();
    throw error;
  });
  if (head.method !== 'GET' || head.target.split('?')[0] !== TUNNEL_PATH || head.upgrade !== UPGRADE_PROTOCOL) {
    socket.end('HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n');
    throw new CodedError('TP-SESSION-REFUSED', 'The request was not for a direct connection.');
  }
  const { nonce, headers } = tunnelOffer(pod);
  switchProtocols(socket, headers);
  const { mux, hello } = await acceptTunnel(socket, {
    nonce,
    log,
    timeoutMs: DIRECT_HANDSHAKE_MS,
    verify: async (received) => verify(received, nonce),
    // Workstations open none here.
    onStream: (stream) => stream.reset('protocol'),
  });
  let heardAt = performance.now();
  socket.on('data', () => {
    heardAt = performance.now();
  });
  onConnection({ session: hello.session.uid, mux, heardAt: () => heardAt });
}

function parseHead(bytes: Buffer): { value: RequestHead; used: number } | undefined {
  const end = bytes.indexOf('\r\n\r\n');
  if (end > DIRECT_HEAD_LIMIT || (end === -1 && bytes.length > DIRECT_HEAD_LIMIT)) throw new TunnelProtocolError('the head of the request is too long');
  if (end === -1) return undefined;
  const head = parseRequestHead(bytes, 0, end + 4);
  if (head instanceof BadMessage) throw new TunnelProtocolError(`a bad request: ${head.reason}`);
  return { value: head, used: end + 4 };
}
