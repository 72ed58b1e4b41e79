/**
 * What one workstation may hold at once. One that is broken or means harm runs into its own quota and takes nothing from others. Since
 * whoever may make one session may make many, all sessions of one user have one quota.
 */
import type { WaitingBytes } from './waiting.ts';

/** Connections of one session's tunnel, and of all sessions of a user. */
export const SESSION_CONNECTION_LIMIT = 16;
export const USER_CONNECTION_LIMIT = 1_024;
export const USER_STREAM_LIMIT = 16_384;
/** TCP dials at once; more wait in line within {@link USER_STREAM_LIMIT}. */
export const USER_DIAL_LIMIT = 256;
export const USER_UDP_FLOW_LIMIT = 2_048;
/** DNS queries in work at once; more wait in line. */
export const USER_DNS_LIMIT = 256;
/** `dns` streams; a workstation has one. */
export const USER_DNS_STREAM_LIMIT = 1_024;

/** A counting semaphore whose waiters are served in order. */
export interface Slots {
  /** Resolves with what gives the slot back (idempotent); rejects with the signal's reason when it is aborted first. */
  take(signal: AbortSignal): Promise<() => void>;
  /** Takes a slot only if one is free. */
  tryTake(): (() => void) | undefined;
  readonly taken: number;
}

/** A class, since there are seven for each user. */
class Semaphore implements Slots {
  taken = 0;
  #limit: number;
  #waiting: Set<() => void> | undefined;

  constructor(limit: number) {
    this.#limit = limit;
  }

  tryTake(): (() => void) | undefined {
    if (this.taken >= this.#limit) return undefined;
    this.taken += 1;
    return this.#give();
  }

  take(signal: AbortSignal): Promise<() => void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const slot = this.tryTake();
      if (slot !== undefined) return resolve(slot);
      this.#waiting ??= new Set();
      const waiting = this.#waiting;
      const stop = () => {
        waiting.delete(serve);
        reject(signal.reason);
      };
      const serve = () => {
        waiting.delete(serve);
        signal.removeEventListener('abort', stop);
        this.taken += 1;
        resolve(this.#give());
      };
      waiting.add(serve);
      signal.addEventListener('abort', stop, { once: true });
    });
  }

  #give(): () => void {
    let given = false;
    return () => {
      if (given) return;
      given = true;
      this.taken -= 1;
      const [next] = this.#waiting ?? [];
      next?.();
    };
  }
}

export const createSlots = (limit: number): Slots => new Semaphore(limit);

/** The counters of one user, shared by all connections of all sessions. */
export interface UserQuota {
  readonly user: string;
  readonly connections: Slots;
  readonly streams: Slots;
  readonly dials: Slots;
  readonly udpFlows: Slots;
  readonly dnsQueries: Slots;
  readonly dnsStreams: Slots;
  readonly waiting: WaitingBytes;
}

/** @param waiting shared by all users. */
export function createUserQuota(user: string, waiting: WaitingBytes): UserQuota {
  return {
    user,
    connections: createSlots(USER_CONNECTION_LIMIT),
    streams: createSlots(USER_STREAM_LIMIT),
    dials: createSlots(USER_DIAL_LIMIT),
    udpFlows: createSlots(USER_UDP_FLOW_LIMIT),
    dnsQueries: createSlots(USER_DNS_LIMIT),
    dnsStreams: createSlots(USER_DNS_STREAM_LIMIT),
    waiting,
  };
}

/** Slots by key (an address), so that one holder of many takes none from others. Keys without a taken slot cost nothing. */
export function createKeyedSlots(options: { each: number; all: number }): { tryTake(key: string): (() => void) | undefined } {
  const byKey = new Map<string, Slots>();
  const all = createSlots(options.all);
  return {
    tryTake(key) {
      const slots = byKey.get(key) ?? createSlots(options.each);
      const release = slots.tryTake();
      const releaseAll = release === undefined ? undefined : all.tryTake();
      if (release === undefined || releaseAll === undefined) {
        release?.();
        return undefined;
      }
      byKey.set(key, slots);
      return () => {
        release();
        releaseAll();
        if (slots.taken === 0) byKey.delete(key);
      };
    },
  };
}
