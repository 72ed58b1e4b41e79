import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { RELAY_BOUND, RELAY_GATHER_BELOW } from './limits.ts';
import { resetReasonOf, resetStream } from './reset-reason.ts';

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
export function relay(a: Duplex, b: Duplex, options: { signal?: AbortSignal } = {}): Promise<RelayResult> {
  const { signal } = options;
  return new Promise((resolve) => {
    const result: RelayResult = { aToB: 0, bToA: 0 };
    let open = 2;
    const fail = (error: Error) => {
      if (result.error !== undefined) return;
      result.error = error;
      const reason = resetReasonOf(error);
      resetStream(a, reason);
      resetStream(b, reason);
    };
    const onAbort = () => fail(signal?.reason instanceof Error ? signal.reason : new Error('aborted'));
    const closed = (side: Duplex) => {
      if (!side.readableEnded || !side.writableFinished) fail(side.errored ?? new Error('a side was closed before it ended'));
      if (--open > 0) return;
      signal?.removeEventListener('abort', onAbort);
      resolve(result);
    };
    for (const side of [a, b]) {
      side.allowHalfOpen = true;
      side.on('error', fail);
      if (side.closed) closed(side);
      else side.once('close', () => closed(side));
    }
    signal?.addEventListener('abort', onAbort);
    if (signal?.aborted) onAbort();
    flow(a, b, (bytes) => {
      result.aToB += bytes;
    });
    flow(b, a, (bytes) => {
      result.bToA += bytes;
    });
  });
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
