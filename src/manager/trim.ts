/**
 * Gives back memory that a manager keeps though nothing uses it. Linking thousands of peers makes garbage, and what V8 has of it afterwards stays
 * resident: with a thousand agents a fifth of the process (docs/performance.md). A collection that gives all back stops everything for a moment,
 * so it is made only when the process has grown and does little.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Log } from '../base/log.ts';
import type { ManagerContext, Part } from './context.ts';

export const TRIM_LOOK_MS = 5_000;
/** Between two: what a pause takes of all the time stays below a hundredth. */
export const TRIM_PAUSE_MS = 60_000;
/** A small manager is left alone. */
export const TRIM_FROM_BYTES = 128 * 1024 * 1024;
/** Growth since the last one, of the whole, from which on it pays. */
export const TRIM_GROWTH = 0.05;
/** Share of a processor since the last look: a flow takes more, the heartbeats of a thousand workstations and ten thousand agents take less. */
export const TRIM_BUSY = 0.6;
/** So much growth is no flow's: peers link by thousands, and the pause is worth it while they do. */
export const TRIM_MASS_BYTES = 128 * 1024 * 1024;

export interface TrimOptions {
  log: Log;
  /** Resident bytes. */
  resident(): number;
  /** Share of a processor that the process took since the last call. */
  busy(): number;
  /** `performance.now()` */
  now(): number;
  collect(): void;
  pauseMs: number;
}

/** Call `look` every {@link TRIM_LOOK_MS}. */
export function createTrim({ log, resident, busy, now, collect, pauseMs }: TrimOptions): { look(): void } {
  let after = 0;
  let at = Number.NEGATIVE_INFINITY;
  return {
    look() {
      const share = busy();
      const before = resident();
      // what others gave back, or V8 by itself, does not have to be reached again
      after = Math.min(after, before);
      const begun = now();
      const pays = share > TRIM_BUSY ? before > after + TRIM_MASS_BYTES : before > after * (1 + TRIM_GROWTH);
      if (before < TRIM_FROM_BYTES || !pays || begun - at < pauseMs) return;
      collect();
      after = resident();
      at = now();
      const mib = (bytes: number): number => Math.round(bytes / 1024 / 1024);
      log.info('gave memory back', { beforeMiB: mib(before), afterMiB: mib(after), tookMs: Math.round(at - begun) });
    },
  };
}

/** A part of the manager. @param pauseMs between two */
export async function startTrim({ log }: Pick<ManagerContext, 'log'>, pauseMs = TRIM_PAUSE_MS): Promise<Part> {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as NonNullable<typeof globalThis.gc>;
  let last = { cpu: process.cpuUsage(), at: performance.now() };
  const trim = createTrim({
    log,
    resident: process.memoryUsage.rss,
    busy() {
      const before = last;
      last = { cpu: process.cpuUsage(), at: performance.now() };
      const microseconds = last.cpu.user - before.cpu.user + last.cpu.system - before.cpu.system;
      return microseconds / 1_000 / (last.at - before.at);
    },
    now: () => performance.now(),
    collect: () => void gc({ type: 'major', execution: 'sync', flavor: 'last-resort' }),
    pauseMs,
  });
  const timer = setInterval(() => trim.look(), TRIM_LOOK_MS).unref();
  return { close: async () => clearInterval(timer) };
}
