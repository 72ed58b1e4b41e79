/** Keys to be worked on: each once however often it is added, never twice at the same time, again after a while when its work fails. */
import { CodedError, messageOf } from '../../../base/errors.ts';
import type { Log } from '../../../base/log.ts';
import { backoff } from '../../../base/retry.ts';
import { CONTROLLER_BACKOFF_FIRST_MS, CONTROLLER_BACKOFF_MAX_MS, CONTROLLER_CONCURRENCY } from './limits.ts';

export interface QueueOptions {
  name: string;
  log: Log;
  signal: AbortSignal;
  /** Must be idempotent. A key that is added while it is worked on is worked on once more afterwards. */
  work(key: string): Promise<void>;
  concurrency?: number;
}

export interface Queue {
  add(key: string): void;
  /** Not before `ms` milliseconds; an earlier wish for the same key wins. */
  addAfter(key: string, ms: number): void;
  /** Begins to work; before that keys are only collected. */
  start(): void;
}

/** A timer can't wait longer. */
const TIMER_MAX_MS = 2 ** 31 - 1;

export function createQueue(options: QueueOptions): Queue {
  const { log, signal, concurrency = CONTROLLER_CONCURRENCY } = options;
  const waiting = new Set<string>();
  const active = new Set<string>();
  const failures = new Map<string, number>();
  const timers = new Map<string, { at: number; timer: NodeJS.Timeout }>();
  let started = false;

  signal.addEventListener(
    'abort',
    () => {
      for (const { timer } of timers.values()) clearTimeout(timer);
      timers.clear();
      waiting.clear();
    },
    { once: true },
  );

  function pump(): void {
    if (!started || signal.aborted) return;
    for (const key of waiting) {
      if (active.size >= concurrency) return;
      if (active.has(key)) continue;
      waiting.delete(key);
      active.add(key);
      void work(key);
    }
  }

  async function work(key: string): Promise<void> {
    try {
      await options.work(key);
      failures.delete(key);
    } catch (error) {
      if (signal.aborted) return;
      const count = failures.get(key) ?? 0;
      failures.set(key, count + 1);
      // a write onto an object that has changed, or is gone, is part of the plan: the next round sees the newest
      const expected = error instanceof CodedError && (error.code === 'TP-KUBE-CONFLICT' || error.code === 'TP-KUBE-NOT-FOUND');
      const level = expected || count < 3 ? 'debug' : 'warn';
      log[level]('work failed, trying again', { controller: options.name, key, reason: messageOf(error) });
      queue.addAfter(key, backoff(count, CONTROLLER_BACKOFF_FIRST_MS, CONTROLLER_BACKOFF_MAX_MS));
    } finally {
      active.delete(key);
      pump();
    }
  }

  const queue: Queue = {
    add(key) {
      if (signal.aborted) return;
      waiting.add(key);
      // in a microtask, so that a burst of events is one piece of work
      queueMicrotask(pump);
    },
    addAfter(key, ms) {
      if (signal.aborted) return;
      const at = Date.now() + ms;
      const before = timers.get(key);
      if (before !== undefined && before.at <= at) return;
      if (before !== undefined) clearTimeout(before.timer);
      const timer = setTimeout(
        () => {
          timers.delete(key);
          queue.add(key);
        },
        Math.min(Math.max(ms, 0), TIMER_MAX_MS),
      );
      timers.set(key, { at, timer });
    },
    start() {
      started = true;
      pump();
    },
  };
  return queue;
}
