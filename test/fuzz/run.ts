/**
 * Runs a target's cases, each from a seed of its own, and watches what no case may do to the process: throw where nobody catches, or keep
 * memory or timers when it is over.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { caseSeed, createRandom, type Random } from './random.ts';

/** What a run's cases may leave behind all together, after a collection: heap and buffers. */
export const MEMORY_LEFT_LIMIT = 32 * 1024 * 1024;
/** Resident memory at any moment that is looked at. */
export const RESIDENT_LIMIT = 1024 * 1024 * 1024;
/** Timers that may be pending at once: those of the case that runs, and lingering ends. */
export const TIMERS_LIMIT = 4_096;
/** Bytes of each piece that are kept for the report; the seed gives all of them. */
const NOTE_LIMIT = 2_048;
const LOOK_EVERY_MS = 1_000;
const LOOK_TRIES = 10;
const LOOK_PAUSE_MS = 50;
const FIRST_LOOK_CASES = 200;

/** What a case sent, for the report of a failure. */
export interface Trail {
  note(what: string, bytes: Uint8Array): void;
}

export interface FuzzCases {
  /** One case. Throws when something is wrong. */
  one(random: Random, trail: Trail): Promise<void> | void;
  close(): Promise<void> | void;
}

export interface FuzzTarget {
  name: string;
  /** Who attacks whom. */
  about: string;
  start(random: Random): Promise<FuzzCases> | FuzzCases;
}

export interface FuzzOptions {
  seed: number;
  /** Ends after so many seconds or cases, whichever comes last. */
  seconds?: number;
  cases?: number;
  /** Only this one. */
  only?: number;
}

export interface FuzzReport {
  cases: number;
  seconds: number;
  /** MiB kept after the run, and the largest resident size that was seen. */
  keptMiB: number;
  residentMiB: number;
}

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const MIB = 1024 * 1024;

function used(): number {
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

export async function fuzz(target: FuzzTarget, options: FuzzOptions): Promise<FuzzReport> {
  const { seed, seconds = 0, cases = 0, only } = options;
  let index = only ?? 0;
  let notes: string[] = [];
  const trail: Trail = {
    note: (what, bytes) => void notes.push(`${what}: ${Buffer.from(bytes.subarray(0, NOTE_LIMIT)).toString('hex')}${bytes.length > NOTE_LIMIT ? '…' : ''}`),
  };
  let escaped = Promise.withResolvers<never>();
  /** Of each case its own: one promise that is raced again and again would keep a little of every case. */
  const watched = <T>(work: T): Promise<Awaited<T>> => {
    escaped = Promise.withResolvers<never>();
    return Promise.race([work, escaped.promise]);
  };
  const onEscape = (error: unknown) => escaped.reject(new Error('an error that nobody caught', { cause: error }));
  process.on('uncaughtException', onEscape).on('unhandledRejection', onEscape);
  const running = await target.start(createRandom(seed));
  const start = performance.now();
  let lookedAt = start;
  let baseline: number | undefined;
  let kept = 0;
  let resident = 0;
  const look = async () => {
    lookedAt = performance.now();
    resident = Math.max(resident, process.memoryUsage.rss());
    if (resident > RESIDENT_LIMIT) throw new Error(`${Math.round(resident / MIB)} MiB are resident`);
    const timers = process.getActiveResourcesInfo().filter((what) => what === 'Timeout').length;
    if (timers > TIMERS_LIMIT) throw new Error(`${timers} timers are pending`);
    for (let tries = 0; ; tries++) {
      const now = used();
      baseline ??= now;
      kept = now - baseline;
      // Buffers of what was just closed are freed some turns, and a sweep, later.
      if (kept <= MEMORY_LEFT_LIMIT || tries === LOOK_TRIES) break;
      await sleep(LOOK_PAUSE_MS);
    }
    if (kept > MEMORY_LEFT_LIMIT) throw new Error(`${Math.round(kept / MIB)} MiB are kept after ${index} cases`);
  };
  try {
    while (only === undefined ? index < cases || performance.now() - start < seconds * 1000 : index === only) {
      notes = [];
      await watched(running.one(createRandom(caseSeed(seed, index)), trail));
      index++;
      if (index === FIRST_LOOK_CASES || (baseline !== undefined && performance.now() - lookedAt > LOOK_EVERY_MS)) await look();
    }
    if (baseline !== undefined) await look();
    await watched(new Promise((resolve) => setImmediate(resolve)));
  } catch (error) {
    const again = `npm run fuzz -- ${target.name} --seed ${seed} --case ${index}`;
    throw new Error([`${target.name} failed in case ${index} of seed ${seed}; ${again} repeats it`, ...notes].join('\n'), { cause: error });
  } finally {
    await running.close();
    process.off('uncaughtException', onEscape).off('unhandledRejection', onEscape);
  }
  return {
    cases: only === undefined ? index : 1,
    seconds: (performance.now() - start) / 1000,
    keptMiB: kept / MIB,
    residentMiB: resident / MIB,
  };
}
