/** Dials a TCP connection of a workstation and joins it to its stream. */
import type { Socket } from 'node:net';
import type { MuxStream } from '../../mux/index.ts';
import type { ResetReason } from '../../protocol/tunnel.ts';
import { connectShared, type RelayResult, relay, resetReasonOf } from '../../tunnel/index.ts';
import type { UserQuota } from './quota.ts';

export const DIAL_TIMEOUT_MS = 10_000;
/** TCP keep-alive of dialled connections: a vanished peer must not hold a socket for ever. */
export const DIAL_KEEPALIVE_MS = 60_000;

class DialTimeout extends Error {
  readonly code = 'ETIMEDOUT';
}

/** Resolves with the connected socket; rejects with what Node or the time-out said, and leaves no socket behind. */
export function dial(host: string, port: number, options: { signal: AbortSignal; timeoutMs?: number }): Promise<Socket> {
  return new Promise((resolve, reject) => {
    if (options.signal.aborted) return reject(options.signal.reason);
    const socket = connectShared({
      host,
      port,
      autoSelectFamily: false,
      noDelay: true,
      allowHalfOpen: true,
      keepAlive: true,
      keepAliveInitialDelay: DIAL_KEEPALIVE_MS,
    });
    const settle = () => {
      clearTimeout(timer);
      options.signal.removeEventListener('abort', stop);
    };
    const fail = (error: unknown) => {
      settle();
      socket.destroy();
      reject(error);
    };
    const stop = () => fail(options.signal.reason);
    const timer = setTimeout(() => fail(new DialTimeout(`no answer from ${host}:${port}`)), options.timeoutMs ?? DIAL_TIMEOUT_MS);
    options.signal.addEventListener('abort', stop, { once: true });
    // Stays for the socket's life: a late error after the failure is handled elsewhere must not end the process.
    socket.on('error', fail);
    socket.once('connect', () => {
      settle();
      resolve(socket);
    });
  });
}

/**
 * Serves one `tcp` stream until it ends. First bytes already in the stream are sent as soon as the dial is through.
 * Never rejects: the stream is reset with the reason. Returns the outcome for the metrics.
 */
export async function serveTcp(
  stream: MuxStream,
  target: { address: string; port: number },
  options: Pick<UserQuota, 'user' | 'dials' | 'waiting'> & { timeoutMs?: number },
): Promise<{ outcome: 'done' | ResetReason; up: number; down: number }> {
  const gone = new AbortController();
  const stop = () => gone.abort(new Error('the stream ended'));
  stream.once('close', stop);
  let release: (() => void) | undefined;
  let socket: Socket;
  try {
    release = await options.dials.take(gone.signal);
    socket = await dial(target.address, target.port, { signal: gone.signal, ...(options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs }) });
  } catch (error) {
    const reason = resetReasonOf(error);
    if (!stream.destroyed) stream.reset(reason);
    return { outcome: reason, up: 0, down: 0 };
  } finally {
    release?.();
    stream.removeListener('close', stop);
  }
  if (stream.destroyed) {
    socket.destroy();
    return { outcome: 'aborted', up: 0, down: 0 };
  }
  const forget = options.waiting.add(`user ${options.user}`, {
    get waiting() {
      return socket.writableLength + socket.readableLength;
    },
    shed: () => {
      stream.reset('overload');
      socket.destroy();
    },
  });
  const onBToA = (chunk: Buffer) => options.waiting.arrived(chunk.length);
  const { aToB, bToA, error }: RelayResult = await relay(stream, socket, { onBToA });
  forget();
  return { outcome: error === undefined ? 'done' : 'aborted', up: aToB, down: bToA };
}
