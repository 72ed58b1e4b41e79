import type { Duplex } from 'node:stream';
import { resetReasonOf, resetStream } from './reset-reason.ts';

/**
 * Ties the lives of two connections together, without moving their bytes: when one fails, is closed too early, or `signal` aborts, both
 * are reset. Resolves when both are closed, with what went wrong, if anything. Takes both over; never rejects.
 * @param options.release when it aborts, the two are untied as they are and given back: it resolves at once
 */
export function join(a: Duplex, b: Duplex, options: { signal?: AbortSignal; release?: AbortSignal } = {}): Promise<Error | undefined> {
  const { signal, release } = options;
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
      release?.removeEventListener('abort', untie);
      resolve(failure);
    };
    const onClose = [() => closed(a), () => closed(b)];
    const untie = () => {
      for (const [index, side] of [a, b].entries()) side.off('error', fail).off('close', onClose[index] as () => void);
      signal?.removeEventListener('abort', onAbort);
      resolve(failure);
    };
    for (const [index, side] of [a, b].entries()) {
      side.allowHalfOpen = true;
      side.on('error', fail);
      if (side.closed) closed(side);
      else side.once('close', onClose[index] as () => void);
    }
    release?.addEventListener('abort', untie, { once: true });
    signal?.addEventListener('abort', onAbort);
    if (signal?.aborted) onAbort();
  });
}
