import type { Duplex } from 'node:stream';
import { resetReasonOf, resetStream } from './reset-reason.ts';

/**
 * Ties the lives of two connections together, without moving their bytes: when one fails, is closed too early, or `signal` aborts, both
 * are reset. Resolves when both are closed, with what went wrong, if anything. Takes both over; never rejects.
 */
export function join(a: Duplex, b: Duplex, options: { signal?: AbortSignal } = {}): Promise<Error | undefined> {
  const { signal } = options;
  return new Promise((resolve) => {
    let failure: Error | undefined;
    let open = 2;
    const fail = (error: Error) => {
      if (failure !== undefined) return;
      failure = error;
      const reason = resetReasonOf(error);
      resetStream(a, reason);
      resetStream(b, reason);
    };
    const onAbort = () => fail(signal?.reason instanceof Error ? signal.reason : new Error('aborted'));
    const closed = (side: Duplex) => {
      if (!side.readableEnded || !side.writableFinished) fail(side.errored ?? new Error('a side was closed before it ended'));
      if (--open > 0) return;
      signal?.removeEventListener('abort', onAbort);
      resolve(failure);
    };
    for (const side of [a, b]) {
      side.allowHalfOpen = true;
      side.on('error', fail);
      if (side.closed) closed(side);
      else side.once('close', () => closed(side));
    }
    signal?.addEventListener('abort', onAbort);
    if (signal?.aborted) onAbort();
  });
}
