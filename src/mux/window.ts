import { RTT_FLOOR_MS, SMALL_WINDOW } from './limits.ts';

/** What the windows of one session share: the round trip and what is left of the budget to grow. */
export interface WindowPool {
  growthLeft: number;
  /** As last measured, with what our own flows add to it. */
  rtt: number | undefined;
  /** Of the bare line, as far as it is known. */
  bareRtt: number | undefined;
}

/** The receive window of one stream: what the peer may still send, and how much credit to return when. */
export class ReceiveWindow {
  /** Bytes the peer may still send. */
  credit: number;
  #size: number;
  #initial: number;
  #max: number;
  #owed = 0;
  #returnedAt: number;

  constructor(initial: number, max: number, now: number) {
    this.credit = initial;
    this.#size = initial;
    this.#initial = initial;
    this.#max = max;
    this.#returnedAt = now;
  }

  get size(): number {
    return this.#size;
  }

  /**
   * `bytes` were read by their reader. Returns the credit to send now, 0 while less than half a window is owed.
   * The window doubles when one window takes less than two round trips to read: then it is, or may soon be, the limit. A large window
   * is measured by the bare line, since the round trip under load grows with the queue that the window itself makes, and by three
   * round trips, since programs that wait for a CPU add to each.
   */
  consumed(bytes: number, now: number, pool: WindowPool): number {
    this.#owed += bytes;
    if (this.#owed < this.#size / 2) return 0;
    let delta = this.#owed;
    const grow = Math.min(this.#size, this.#max - this.#size, pool.growthLeft);
    if (grow > 0 && pool.rtt !== undefined && (now - this.#returnedAt) * this.#size < this.#owed * this.#patience(pool.rtt, pool.bareRtt ?? pool.rtt)) {
      this.#size += grow;
      pool.growthLeft -= grow;
      delta += grow;
    }
    this.#owed = 0;
    this.#returnedAt = now;
    this.credit += delta;
    return delta;
  }

  /** A window that takes longer than this, in ms, to be read is large enough. */
  #patience(rtt: number, bareRtt: number): number {
    return this.#size < SMALL_WINDOW ? 2 * Math.max(rtt, RTT_FLOOR_MS) : Math.max(3 * bareRtt, 2 * RTT_FLOOR_MS);
  }

  /** Gives what it had grown back to the pool. */
  release(pool: WindowPool): void {
    pool.growthLeft += this.#size - this.#initial;
    this.#size = this.#initial;
    this.#max = this.#initial;
  }
}
