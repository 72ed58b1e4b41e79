import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { join } from './join.ts';
import { RELAY_BOUND, RELAY_GATHER_BELOW } from './limits.ts';

export interface RelayOptions {
  signal?: AbortSignal;
  /** Sees each chunk before it is passed on. */
  onAToB?: (chunk: Buffer) => void;
  onBToA?: (chunk: Buffer) => void;
  /** When it aborts, both are given back as they are, paused: it resolves at once. What was read by then is passed on. */
  release?: AbortSignal;
}

export interface RelayResult {
  aToB: number;
  bToA: number;
  /** Why it did not end in order; both sides were reset then. */
  error?: Error;
}

/**
 * Joins two connections until both are closed: back-pressure and half-close pass in both directions, and when one side fails the
 * other is reset with the reason that fits. Takes both over; never rejects.
 */
export async function relay(a: Duplex, b: Duplex, options: RelayOptions = {}): Promise<RelayResult> {
  const result: RelayResult = { aToB: 0, bToA: 0 };
  const over = join(a, b, options);
  const { onAToB, onBToA, release } = options;
  const stops = [
    flow(a, b, (chunk) => {
      result.aToB += chunk.length;
      onAToB?.(chunk);
    }),
    flow(b, a, (chunk) => {
      result.bToA += chunk.length;
      onBToA?.(chunk);
    }),
  ];
  const stopAll = (): void => {
    for (const stop of stops) stop();
  };
  release?.addEventListener('abort', stopAll, { once: true });
  const error = await over;
  if (error !== undefined) result.error = error;
  return result;
}

/** @returns stops it */
function flow(from: Duplex, to: Duplex, onChunk: (chunk: Buffer) => void): () => void {
  if (from.readableEnded) {
    to.end();
    return () => undefined;
  }
  // A mux stream gathers by itself; a socket makes a system call of each write.
  const gather = to instanceof Socket;
  let corked = false;
  const uncork = () => {
    corked = false;
    to.uncork();
  };
  const resume = () => from.resume();
  const pass = (chunk: Buffer) => {
    onChunk(chunk);
    if (gather && !corked && chunk.length < RELAY_GATHER_BELOW) {
      corked = true;
      to.cork();
      setImmediate(uncork);
    }
    if (!to.write(chunk) && to.writableLength >= RELAY_BOUND) {
      from.pause();
      to.once('drain', resume);
    }
  };
  const end = () => to.end();
  from.on('data', pass);
  from.on('end', end);
  from.resume();
  return () => {
    from.pause();
    from.off('data', pass).off('end', end);
    to.off('drain', resume);
  };
}
