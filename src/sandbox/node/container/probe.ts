/** Asks a container again and again, and tells when its answer has changed. */
import type { Probe } from 'kubernetes-types/core/v1.js';
import { sleep } from '../../../base/retry.ts';
import { type Asked, ask } from './ask.ts';

export interface ProbeEvents {
  /** After so many of the same answer as the probe wants. */
  onResult(ok: boolean): void;
  /** Each failure. */
  onFailure(message: string): void;
}

/** Runs until `signal` aborts, or until it is `onResult`'s wish that it ends: it does with the first success if `once`. */
export async function runProbe(probe: Probe, asked: Asked, events: ProbeEvents, signal: AbortSignal, once: boolean): Promise<void> {
  const { initialDelaySeconds = 0, periodSeconds = 10, timeoutSeconds = 1, successThreshold = 1, failureThreshold = 3 } = probe;
  let said: boolean | undefined;
  let last: boolean | undefined;
  let row = 0;
  try {
    if (initialDelaySeconds > 0) await sleep(initialDelaySeconds * 1000, signal);
    while (!signal.aborted) {
      const { ok, message } = await ask(probe, asked, timeoutSeconds * 1000);
      if (signal.aborted) return;
      row = ok === last ? row + 1 : 1;
      last = ok;
      if (!ok) events.onFailure(message);
      if (row >= (ok ? successThreshold : failureThreshold) && said !== ok) {
        said = ok;
        events.onResult(ok);
        if (once && ok) return;
      }
      await sleep(periodSeconds * 1000, signal);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
