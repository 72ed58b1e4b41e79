import type { Db } from '../database/index.ts';

/** What every part of the store works with. `db` may be a transaction. */
export interface StoreContext {
  readonly db: Db;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

export type Role = 'owner' | 'member';

/** A new array of JSON that this process wrote: what is read back has the shape that was put in. */
export const toJson = (value: unknown): string => JSON.stringify(value);
