import { backoff } from '../../base/retry.ts';
import { RECONNECT_FIRST_MS, RECONNECT_MOST_MS, TRY_BESIDE_MS } from './limits.ts';

export interface TriesOptions {
  /** One try. Its signal is aborted when another one has succeeded. */
  attempt: (signal: AbortSignal) => Promise<void>;
  signal: AbortSignal;
  /** Called with each failure; returns true when there is no sense in going on. */
  onFailed: (error: unknown, attempt: number) => boolean;
  /** Hands over a function that starts a try at once: the network has changed. */
  onWake: (wake: () => void) => void;
}

/**
 * Tries until one succeeds: a failure is followed by back-off, a try that hangs gets another one beside it. Resolves true then, and false
 * when it was given up; never rejects.
 */
export async function tryUntilOne({ attempt, signal, onFailed, onWake }: TriesOptions): Promise<boolean> {
  const settled = new AbortController();
  const either = AbortSignal.any([signal, settled.signal]);
  let outcome: boolean | undefined;
  let bell = Promise.withResolvers<void>();
  const ring = (): void => {
    bell.resolve();
    bell = Promise.withResolvers<void>();
  };
  let nextAt = 0;
  const soon = (ms: number): void => {
    nextAt = Math.min(nextAt, performance.now() + ms);
    ring();
  };
  let failures = 0;
  const one = async (number: number): Promise<void> => {
    try {
      await attempt(either);
      outcome ??= true;
      ring();
    } catch (error) {
      if (either.aborted || outcome !== undefined) return;
      if (onFailed(error, number)) {
        outcome = false;
        ring();
      } else soon(backoff(failures++, RECONNECT_FIRST_MS, RECONNECT_MOST_MS));
    }
  };
  const stop = (): void => {
    outcome ??= false;
    ring();
  };
  signal.addEventListener('abort', stop, { once: true });
  onWake(() => soon(0));
  for (let number = 0; outcome === undefined && !signal.aborted; number++) {
    nextAt = performance.now() + TRY_BESIDE_MS * (0.75 + Math.random() / 2);
    void one(number);
    while (outcome === undefined && performance.now() < nextAt) {
      const timer = setTimeout(ring, nextAt - performance.now() + 1);
      await bell.promise;
      clearTimeout(timer);
    }
  }
  signal.removeEventListener('abort', stop);
  settled.abort(new Error('another try succeeded'));
  return outcome ?? false;
}
