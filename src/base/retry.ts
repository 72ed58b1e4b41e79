/** Waiting: abortable sleep and exponential back-off with full jitter. */

/** Resolves after `ms` milliseconds; rejects with the signal's reason when it is aborted first. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const done = () => {
      signal?.removeEventListener('abort', stop);
      resolve();
    };
    const timer = setTimeout(done, ms);
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    signal?.addEventListener('abort', stop, { once: true });
  });
}

/** The wait before try number `attempt` (0, 1, …): doubles from `first` to `most`, half of it random. */
export function backoff(attempt: number, first: number, most: number, random: () => number = Math.random): number {
  const whole = Math.min(most, first * 2 ** Math.min(attempt, 30));
  return whole / 2 + (random() * whole) / 2;
}
