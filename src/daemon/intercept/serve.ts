/** The workstation's end of intercepted connections: a stream comes through the tunnel, the user's process is dialled. */
import dgram from 'node:dgram';
import net from 'node:net';
import { codeOf, messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { MuxStream } from '../../mux/index.ts';
import type { ResetReason } from '../../protocol/tunnel.ts';
import { UDP_IDLE_MS } from '../../protocol/tunnel.ts';
import { createDatagramStream, readStreamHeader, relay } from '../../tunnel/index.ts';

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
  signal: AbortSignal;
}

/** Takes one stream that the manager opened. Never throws: a stream that can't be served is reset with a reason. */
export async function serveInterceptStream(stream: MuxStream, { log, target, signal }: ServeOptions): Promise<void> {
  stream.on('error', (error) => log.debug('an intercepted stream failed', { error }));
  try {
    const header = await readStreamHeader(stream, { signal, timeoutMs: STREAM_HEADER_TIMEOUT_MS });
    if (header.t !== 'intercept') return stream.reset('protocol');
    const to = target(header.intercept);
    if (to === undefined) return stream.reset('gone');
    if (header.protocol === 'UDP') serveDatagrams(stream, to, log);
    else await serveConnection(stream, to, { log, signal });
  } catch (error) {
    log.debug('an intercepted stream could not be served', { error });
    stream.reset('aborted');
  }
}

function dialFailure(error: unknown): ResetReason {
  const code = codeOf(error);
  if (code === 'ECONNREFUSED') return 'refused';
  return code === 'ETIMEDOUT' ? 'timeout' : 'unreachable';
}

async function serveConnection(stream: MuxStream, to: InterceptTarget, { log, signal }: { log: Log; signal: AbortSignal }): Promise<void> {
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
    stream.reset(dialFailure(error));
    return;
  } finally {
    clearTimeout(late);
  }
  await relay(stream, socket, { signal }).catch((error: unknown) => log.debug('an intercepted connection ended early', { error }));
}

function serveDatagrams(stream: MuxStream, to: InterceptTarget, log: Log): void {
  const socket = dgram.createSocket(net.isIPv6(to.host) ? 'udp6' : 'udp4');
  const flow = createDatagramStream(stream);
  const end = (): void => {
    clearTimeout(idle);
    flow.close();
    stream.destroy();
    socket.close();
  };
  const idle = setTimeout(end, UDP_IDLE_MS);
  socket.on('error', (error) => {
    log.debug('a UDP flow of an intercept failed', { error });
    stream.reset('unreachable');
  });
  socket.on('message', (message) => {
    idle.refresh();
    flow.send(message);
  });
  stream.once('close', () => {
    clearTimeout(idle);
    socket.removeAllListeners('message');
    try {
      socket.close();
    } catch (error) {
      log.trace('socket was closed already', { error });
    }
  });
  socket.connect(to.port, to.host, () => {
    flow.onDatagram((datagram) => {
      idle.refresh();
      socket.send(datagram);
    });
  });
}
