/** One task at a time for each key, and so many at once of all; what is asked for while it runs is run once more behind it. */
import { messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { backoff } from '../../base/retry.ts';

export interface KeyedQueue {
  /** Runs the task for `key` soon, or in `afterMs` unless it is asked for earlier; behind those that are due already. */
  add(key: string, afterMs?: number): void;
  /** No task is begun after this; resolves when those that run have ended. */
  close(): Promise<void>;
}

export interface KeyedQueueOptions {
  log: Log;
  /** Tasks that run at once. */
  atOnce: number;
  retryFirstMs: number;
  retryMaxMs: number;
}

export function createKeyedQueue(run: (key: string) => Promise<void>, options: KeyedQueueOptions): KeyedQueue {
  const waiting = new Map<string, { timer: NodeJS.Timeout; at: number }>();
  /** Their time has come; in that order. */
  const due = new Set<string>();
  const running = new Map<string, Promise<void>>();
  const again = new Set<string>();
  const failures = new Map<string, number>();
  let closed = false;

  const start = (key: string) => {
    waiting.delete(key);
    if (running.has(key)) {
      again.add(key);
      return;
    }
    due.add(key);
    startNext();
  };
  const startNext = () => {
    if (running.size >= options.atOnce) return;
    const [key] = due;
    if (key === undefined) return;
    due.delete(key);
    const task = run(key)
      .then(
        () => {
          failures.delete(key);
        },
        (error: unknown) => {
          const failed = failures.get(key) ?? 0;
          failures.set(key, failed + 1);
          options.log.warn('a step failed and is tried again', { key, reason: messageOf(error) });
          add(key, backoff(failed, options.retryFirstMs, options.retryMaxMs));
        },
      )
      .finally(() => {
        running.delete(key);
        if (again.delete(key)) add(key);
        startNext();
      });
    running.set(key, task);
  };
  const add = (key: string, afterMs = 0) => {
    if (closed || due.has(key)) return;
    const at = Date.now() + afterMs;
    const there = waiting.get(key);
    if (there !== undefined) {
      if (there.at <= at) return;
      clearTimeout(there.timer);
    }
    const timer = setTimeout(() => start(key), afterMs);
    timer.unref();
    waiting.set(key, { timer, at });
  };
  return {
    add,
    async close() {
      closed = true;
      for (const { timer } of waiting.values()) clearTimeout(timer);
      waiting.clear();
      due.clear();
      again.clear();
      await Promise.all(running.values());
    },
  };
}
