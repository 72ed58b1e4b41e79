import { LEAP_SHARE, RTT_FLOOR_MS, SMALL_WINDOW } from './limits.ts';

/** What the windows of one session share: the round trip and what is left of the budget to grow. */
export interface WindowPool {
  growthLeft: number;
  /** As last measured, with what our own flows add to it. */
  rtt: number | undefined;
  /** Of the bare line, as far as it is known. */
  bareRtt: number | undefined;
}

/** A window of `size` that takes longer than this, in ms, to be read is large enough. */
function patience(size: number, rtt: number, bareRtt: number, isSilent: boolean): number {
  const long = 3 * bareRtt;
  if (size >= SMALL_WINDOW) return Math.max(long, 2 * RTT_FLOOR_MS);
  return Math.max(2 * Math.max(rtt, RTT_FLOOR_MS), isSilent ? long : 0);
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
  #readAt: number;
  /** Of the time since #returnedAt: what was spent in silences, in which the peer waited for credit. */
  #silent = 0;

  constructor(initial: number, max: number, now: number) {
    this.credit = initial;
    this.#size = initial;
    this.#initial = initial;
    this.#max = max;
    this.#returnedAt = now;
    this.#readAt = now;
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
    this.#hear(now, pool);
    this.#owed += bytes;
    if (this.#owed < this.#size / 2) return 0;
    let delta = this.#owed;
    const grow = Math.min(this.#wanted(now, pool) - this.#size, this.#max - this.#size, pool.growthLeft);
    if (grow > 0) {
      this.#size += grow;
      pool.growthLeft -= grow;
      delta += grow;
    }
    this.#owed = 0;
    this.#returnedAt = now;
    this.#silent = 0;
    this.credit += delta;
    return delta;
  }

  #hear(now: number, { bareRtt }: WindowPool): void {
    const silence = now - this.#readAt;
    this.#readAt = now;
    if (bareRtt !== undefined && silence > Math.max(bareRtt / 2, RTT_FLOOR_MS)) this.#silent += silence;
  }

  /**
   * The size that it shall have. It doubles if what was read since credit was last returned says so. A window that is far too small
   * shows as bursts with silence between. Then it doubles twice at once if at the pace of the burst it would double a third time: a
   * burst is faster than the flow that it becomes, and a window too large is a queue before small requests.
   */
  #wanted(now: number, { rtt, bareRtt = rtt, growthLeft }: WindowPool): number {
    if (rtt === undefined || bareRtt === undefined) return this.#size;
    const isRead = (size: number, took: number) => took * size < this.#owed * patience(size, rtt, bareRtt, this.#silent > 0);
    const took = now - this.#returnedAt;
    if (!isRead(this.#size, took)) return this.#size;
    const doubled = 2 * this.#size;
    if (this.#silent === 0 || !isRead(2 * doubled, took - this.#silent)) return doubled;
    // Of many streams at once, the first must not leave the others nothing.
    return Math.max(doubled, Math.min(2 * doubled, this.#size + Math.floor(growthLeft / LEAP_SHARE)));
  }

  /** Gives what it had grown back to the pool. */
  release(pool: WindowPool): void {
    pool.growthLeft += this.#size - this.#initial;
    this.#size = this.#initial;
    this.#max = this.#initial;
  }
}
