/** The workstation's end of intercepted connections: a stream comes through the tunnel, the user's process is dialled. */
import dgram from 'node:dgram';
import net from 'node:net';
import { messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { MuxStream } from '../../mux/index.ts';
import { UDP_IDLE_MS } from '../../protocol/tunnel.ts';
import { createDatagramStream, readStreamHeader, relay, resetReasonOf } from '../../tunnel/index.ts';
import type { OpenConnections } from './open-connections.ts';

/** Dialling the user's process; it is on this machine or near it. */
export const TARGET_DIAL_TIMEOUT_MS = 5_000;
/** A stream whose header does not come is dropped. */
export const STREAM_HEADER_TIMEOUT_MS = 10_000;

export interface InterceptTarget {
  host: string;
  port: number;
}

export interface ServeOptions {
  log: Log;
  /** Where an intercept of this session goes, by its uid; undefined when there is none (any more). */
  target: (uid: string) => InterceptTarget | undefined;
  connections: OpenConnections;
  signal: AbortSignal;
}

/** Takes one stream that the manager opened. Never throws: a stream that can't be served is reset with a reason. */
export async function serveInterceptStream(stream: MuxStream, { log, target, connections, signal }: ServeOptions): Promise<void> {
  stream.on('error', (error) => log.debug('an intercepted stream failed', { error }));
  try {
    const header = await readStreamHeader(stream, { signal, timeoutMs: STREAM_HEADER_TIMEOUT_MS });
    if (header.t !== 'intercept') return stream.reset('protocol');
    const to = target(header.intercept);
    if (to === undefined) return stream.reset('gone');
    if (header.protocol === 'UDP') serveDatagrams(stream, to, log);
    else await serveConnection(stream, to, { log, signal, opened: (socket) => connections.add(header.intercept, stream, socket) });
  } catch (error) {
    log.debug('an intercepted stream could not be served', { error });
    stream.reset('aborted');
  }
}

async function serveConnection(
  stream: MuxStream,
  to: InterceptTarget,
  { log, signal, opened }: { log: Log; signal: AbortSignal; opened: (socket: net.Socket) => void },
): Promise<void> {
  const socket = net.connect({ host: to.host, port: to.port, noDelay: true, allowHalfOpen: true });
  const connected = Promise.withResolvers<void>();
  const late = setTimeout(() => socket.destroy(Object.assign(new Error('the process did not accept in time'), { code: 'ETIMEDOUT' })), TARGET_DIAL_TIMEOUT_MS);
  socket.once('connect', () => connected.resolve());
  socket.once('error', (error) => connected.reject(error));
  socket.once('close', () => connected.reject(new Error('closed')));
  try {
    await connected.promise;
  } catch (error) {
    log.debug('the process of an intercept can’t be reached', { host: to.host, port: to.port, error: messageOf(error) });
    stream.reset(resetReasonOf(error));
    return;
  } finally {
    clearTimeout(late);
  }
  opened(socket);
  const { error } = await relay(stream, socket, { signal });
  if (error !== undefined) log.debug('an intercepted connection ended early', { error });
}

/** One UDP flow: ends after {@link UDP_IDLE_MS} without a datagram, or with the stream. */
function serveDatagrams(stream: MuxStream, to: InterceptTarget, log: Log): void {
  const socket = dgram.createSocket(net.isIPv6(to.host) ? 'udp6' : 'udp4');
  const flow = createDatagramStream(stream);
  const idle = setTimeout(() => stream.destroy(), UDP_IDLE_MS);
  stream.once('end', () => stream.end());
  stream.once('close', () => {
    clearTimeout(idle);
    socket.close();
  });
  socket.on('error', (error) => {
    // a process that does not listen (yet) is no reason to end the flow: UDP loses datagrams
    log.debug('a UDP flow of an intercept failed', { error });
  });
  socket.on('message', (message) => {
    idle.refresh();
    flow.send(message);
  });
  socket.connect(to.port, to.host, () => {
    flow.onDatagram((datagram) => {
      idle.refresh();
      if (!stream.destroyed) socket.send(datagram);
    });
  });
}
