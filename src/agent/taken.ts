import { TAKEN_EVERY_MS } from './limits.ts';

/** How many requests (or connections, or UDP flows) each intercept has taken since the agent began, by the intercept's uid. */
export type TakenTotals = Record<string, number>;

/** Counts for the managers, and tells of it at most every {@link TAKEN_EVERY_MS}, and only what changed. */
export class Taken {
  readonly #totals = new Map<string, number>();
  readonly #changed = new Set<string>();
  readonly #tell: (totals: TakenTotals) => void;
  #timer: NodeJS.Timeout | undefined;

  /** @param tell is given the totals of those intercepts whose total changed */
  constructor(tell: (totals: TakenTotals) => void) {
    this.#tell = tell;
  }

  add(intercept: string): void {
    this.#totals.set(intercept, (this.#totals.get(intercept) ?? 0) + 1);
    this.#changed.add(intercept);
    this.#timer ??= setTimeout(() => this.#report(), TAKEN_EVERY_MS).unref();
  }

  /** Forgets all other intercepts. */
  keep(intercepts: ReadonlySet<string>): void {
    for (const uid of this.#totals.keys()) {
      if (intercepts.has(uid)) continue;
      this.#totals.delete(uid);
      this.#changed.delete(uid);
    }
  }

  /** Every total, for a manager that knows none. */
  all(): TakenTotals {
    return Object.fromEntries(this.#totals);
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #report(): void {
    this.#timer = undefined;
    const changed = [...this.#changed].map((uid) => [uid, this.#totals.get(uid) ?? 0] as const);
    this.#changed.clear();
    this.#tell(Object.fromEntries(changed));
  }
}
