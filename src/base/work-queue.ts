/** Keys to be worked on: each once however often it is added, never twice at the same time, again after a while when its work fails. */
import { backoff } from './retry.ts';

export interface WorkQueueOptions {
  /** Must be idempotent. A key that is added while it is worked on is worked on once more afterwards. */
  work(key: string): Promise<void>;
  /** Keys that are worked on at the same time; the others wait in the order in which they came due. */
  atOnce: number;
  /** Waits before a key whose work has failed is due again. */
  retryFirstMs: number;
  retryMostMs: number;
  /** What is said of a failure; `failures` of this key came before it in a row. */
  onFailure(key: string, error: unknown, failures: number): void;
}

export interface WorkQueue {
  add(key: string): void;
  /** Not before `ms` milliseconds; an earlier wish for the same key wins. */
  addAfter(key: string, ms: number): void;
  /** Begins to work; before that keys are only collected. */
  start(): void;
  /** Nothing is begun after this; resolves when what is worked on has ended. */
  close(): Promise<void>;
}

/** A timer can't wait longer. */
const TIMER_MAX_MS = 2 ** 31 - 1;

export function createWorkQueue({ work, atOnce, retryFirstMs, retryMostMs, onFailure }: WorkQueueOptions): WorkQueue {
  const due = new Set<string>();
  const active = new Map<string, Promise<void>>();
  const failures = new Map<string, number>();
  const timers = new Map<string, { at: number; timer: NodeJS.Timeout }>();
  let started = false;
  let closed = false;

  function pump(): void {
    if (!started || closed) return;
    for (const key of due) {
      if (active.size >= atOnce) return;
      if (active.has(key)) continue;
      due.delete(key);
      active.set(key, workOn(key));
    }
  }

  async function workOn(key: string): Promise<void> {
    try {
      await work(key);
      failures.delete(key);
    } catch (error) {
      if (closed) return;
      const before = failures.get(key) ?? 0;
      failures.set(key, before + 1);
      onFailure(key, error, before);
      queue.addAfter(key, backoff(before, retryFirstMs, retryMostMs));
    } finally {
      active.delete(key);
      pump();
    }
  }

  const queue: WorkQueue = {
    add(key) {
      if (closed) return;
      due.add(key);
      // in a microtask, so that a burst of events is one piece of work
      queueMicrotask(pump);
    },
    addAfter(key, ms) {
      if (closed) return;
      const at = Date.now() + ms;
      const before = timers.get(key);
      if (before !== undefined && before.at <= at) return;
      clearTimeout(before?.timer);
      const timer = setTimeout(
        () => {
          timers.delete(key);
          queue.add(key);
        },
        Math.min(Math.max(ms, 0), TIMER_MAX_MS),
      );
      timer.unref();
      timers.set(key, { at, timer });
    },
    start() {
      started = true;
      pump();
    },
    async close() {
      closed = true;
      for (const { timer } of timers.values()) clearTimeout(timer);
      timers.clear();
      due.clear();
      await Promise.all(active.values());
    },
  };
  return queue;
}
