/** The queue of one controller. */
import { CodedError, messageOf } from '../../../base/errors.ts';
import type { Log } from '../../../base/log.ts';
import { createWorkQueue, type WorkQueue } from '../../../base/work-queue.ts';
import { CONTROLLER_BACKOFF_FIRST_MS, CONTROLLER_BACKOFF_MAX_MS, CONTROLLER_CONCURRENCY } from './limits.ts';

export interface QueueOptions {
  name: string;
  log: Log;
  /** Ends the queue. */
  signal: AbortSignal;
  /** Must be idempotent. */
  work(key: string): Promise<void>;
  concurrency?: number;
}

/** Failures in a row of which nobody needs to hear. */
const QUIET_FAILURES = 3;

export function createQueue({ name, log, signal, work, concurrency = CONTROLLER_CONCURRENCY }: QueueOptions): WorkQueue {
  const queue = createWorkQueue({
    work,
    atOnce: concurrency,
    retryFirstMs: CONTROLLER_BACKOFF_FIRST_MS,
    retryMostMs: CONTROLLER_BACKOFF_MAX_MS,
    onFailure(key, error, failures) {
      // a write onto an object that has changed, or is gone, is part of the plan: the next round sees the newest
      const expected = error instanceof CodedError && (error.code === 'TP-KUBE-CONFLICT' || error.code === 'TP-KUBE-NOT-FOUND');
      const level = expected || failures < QUIET_FAILURES ? 'debug' : 'warn';
      log[level]('work failed, trying again', { controller: name, key, reason: messageOf(error) });
    },
  });
  const stop = (): void => void queue.close();
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  return queue;
}
