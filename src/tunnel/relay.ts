import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { join } from './join.ts';
import { RELAY_BOUND, RELAY_GATHER_BELOW } from './limits.ts';

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
export async function relay(a: Duplex, b: Duplex, options: { signal?: AbortSignal } = {}): Promise<RelayResult> {
  const result: RelayResult = { aToB: 0, bToA: 0 };
  const over = join(a, b, options);
  flow(a, b, (bytes) => {
    result.aToB += bytes;
  });
  flow(b, a, (bytes) => {
    result.bToA += bytes;
  });
  const error = await over;
  if (error !== undefined) result.error = error;
  return result;
}

function flow(from: Duplex, to: Duplex, count: (bytes: number) => void): void {
  if (from.readableEnded) {
    to.end();
    return;
  }
  // A mux stream gathers by itself; a socket makes a system call of each write.
  const gather = to instanceof Socket;
  let corked = false;
  const uncork = () => {
    corked = false;
    to.uncork();
  };
  const resume = () => from.resume();
  from.on('data', (chunk: Buffer) => {
    count(chunk.length);
    if (gather && !corked && chunk.length < RELAY_GATHER_BELOW) {
      corked = true;
      to.cork();
      setImmediate(uncork);
    }
    if (!to.write(chunk) && to.writableLength >= RELAY_BOUND) {
      from.pause();
      to.once('drain', resume);
    }
  });
  from.on('end', () => to.end());
  from.resume();
}
