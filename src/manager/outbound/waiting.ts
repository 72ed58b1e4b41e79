/**
 * How many bytes may wait in the manager's memory for peers that do not read. Windows bound each stream, but a peer may open thousands: so
 * what all of one owner's hold is bounded, and what all owners' hold. Who goes beyond loses the stream in which most waits, then the next.
 */
import type { Log } from '../../base/log.ts';

/** For one user's sessions, or one agent. */
export const OWNER_WAITING_LIMIT = 64 * 1024 * 1024;
/** For all of them; then the owner who holds most loses first. */
export const ALL_WAITING_LIMIT = 256 * 1024 * 1024;
/** It is looked at whenever so many bytes have come since the last look: the bounds are passed by no more. */
export const WAITING_LOOK_BYTES = 8 * 1024 * 1024;

/** A connection in which bytes may wait. */
export interface Holder {
  readonly waiting: number;
  /** Gives up that part of it in which most waits. */
  shed(): void;
}

export interface WaitingBytes {
  /** Counts the holder as the owner's; returns what ends that. */
  add(owner: string, holder: Holder): () => void;
  /** So many bytes have come in. */
  arrived(bytes: number): void;
}

export interface WaitingLimits {
  owner?: number;
  all?: number;
  lookBytes?: number;
}

export function createWaitingBytes({
  log,
  owner: ownerLimit = OWNER_WAITING_LIMIT,
  all = ALL_WAITING_LIMIT,
  lookBytes = WAITING_LOOK_BYTES,
}: WaitingLimits & { log: Log }): WaitingBytes {
  const owners = new Map<string, Set<Holder>>();
  let unseen = 0;

  /** Sheds one owner's holders, the fullest first, until no more than `limit` waits. Returns what waits then. */
  function relieve(owner: string, holders: Iterable<Holder>, limit: number): number {
    const sizes = [...holders].map((holder) => ({ holder, waiting: holder.waiting }));
    let sum = sizes.reduce((total, { waiting }) => total + waiting, 0);
    let shed = 0;
    while (sum > limit) {
      const fullest = sizes.reduce((most, one) => (one.waiting > most.waiting ? one : most));
      const before = fullest.waiting;
      fullest.holder.shed();
      fullest.waiting = fullest.holder.waiting;
      // A holder that holds on to what it has is passed over.
      if (fullest.waiting >= before) sizes.splice(sizes.indexOf(fullest), 1);
      sum += fullest.waiting - before;
      shed++;
      if (sizes.length === 0) break;
    }
    if (shed > 0) log.warn('too much waits for a peer that does not read', { owner, shed, waiting: sum });
    return sum;
  }

  function look(): void {
    const sums = [...owners].map(([owner, holders]) => ({ owner, holders, sum: relieve(owner, holders, ownerLimit) }));
    let total = sums.reduce((bytes, { sum }) => bytes + sum, 0);
    sums.sort((a, b) => b.sum - a.sum);
    for (const { owner, holders, sum } of sums) {
      if (total <= all) return;
      total += relieve(owner, holders, Math.max(0, sum - (total - all))) - sum;
    }
  }

  return {
    add(owner, holder) {
      const holders = owners.get(owner) ?? new Set();
      owners.set(owner, holders.add(holder));
      return () => {
        holders.delete(holder);
        if (holders.size === 0 && owners.get(owner) === holders) owners.delete(owner);
      };
    },
    arrived(bytes) {
      unseen += bytes;
      if (unseen < lookBytes) return;
      unseen = 0;
      look();
    },
  };
}
