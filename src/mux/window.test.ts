import { describe, expect, it } from 'vitest';
import { INITIAL_WINDOW, MAX_WINDOW, WINDOW_GROWTH_BUDGET } from './limits.ts';
import { ReceiveWindow, type WindowPool } from './window.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
const PIECE = 16 * KIB;

const poolOf = (rtt: number): WindowPool => ({ growthLeft: WINDOW_GROWTH_BUDGET, rtt, bareRtt: rtt });

/**
 * A sender that always has more, behind a line of `rtt` ms that carries `rate` bytes a ms, and a reader that takes all at once; in
 * simulated time. Returns the sizes that the window had, one after the other.
 */
function sizesOf(flow: { rtt: number; rate: number; bytes: number; pool: WindowPool }): number[] {
  const { rtt, rate, bytes, pool } = flow;
  const window = new ReceiveWindow(INITIAL_WINDOW, MAX_WINDOW, 0);
  const sizes = [window.size];
  const credits = [{ at: 0, bytes: INITIAL_WINDOW }];
  let credit = 0;
  let now = 0;
  for (let sent = 0; sent < bytes; sent += PIECE) {
    while (credit < PIECE) {
      const next = credits.shift();
      if (next === undefined) throw new Error('the sender waits for ever');
      now = Math.max(now, next.at);
      credit += next.bytes;
    }
    credit -= PIECE;
    window.credit -= PIECE;
    expect(window.credit).toBeGreaterThanOrEqual(0);
    now += PIECE / rate;
    // `now` is the sender's clock; the piece arrives half a round trip later, and credit is back after another half
    const delta = window.consumed(PIECE, now + rtt / 2, pool);
    if (delta > 0) credits.push({ at: now + rtt, bytes: delta });
    if (window.size !== sizes.at(-1)) sizes.push(window.size);
  }
  window.release(pool);
  return sizes;
}

describe('a receive window', () => {
  it('grows by four where bursts and silence show that it is far too small', () => {
    expect(sizesOf({ rtt: 50, rate: 250 * KIB, bytes: 64 * MIB, pool: poolOf(50) }).map((size) => size / MIB)).toEqual([0.25, 1, 4, 15.0625, 16]);
  });

  it('grows to no more than by doublings alone', () => {
    // 20 MiB/s with 50 ms: 1 MiB is on the line; three round trips hold 3
    expect(sizesOf({ rtt: 50, rate: 20.48 * KIB, bytes: 64 * MIB, pool: poolOf(50) }).at(-1)).toBe(4 * MIB);
    // a line that its initial window fills
    expect(sizesOf({ rtt: 50, rate: KIB, bytes: 8 * MIB, pool: poolOf(50) })).toEqual([INITIAL_WINDOW]);
  });

  it('doubles where nobody waits for credit', () => {
    const sizes = sizesOf({ rtt: 0.5, rate: 250 * KIB, bytes: 64 * MIB, pool: poolOf(0.5) });
    expect(sizes.map((size) => size / MIB)).toEqual([0.25, 0.5, 1, 2]);
  });

  it('leaves something of the budget to the streams that come after it, and gives back what it took', () => {
    const pool = poolOf(50);
    const windows = Array.from({ length: 8 }, () => new ReceiveWindow(INITIAL_WINDOW, MAX_WINDOW, 0));
    for (let now = 50; now < 500; now += 50) {
      for (const window of windows) {
        const { size } = window;
        for (let read = 0; read < size; read += PIECE) window.consumed(PIECE, now, pool);
      }
    }
    const sizes = windows.map(({ size }) => size);
    expect(sizes.reduce((sum, size) => sum + size - INITIAL_WINDOW, 0) + pool.growthLeft).toBe(WINDOW_GROWTH_BUDGET);
    expect(pool.growthLeft).toBeGreaterThanOrEqual(0);
    expect(Math.min(...sizes)).toBeGreaterThanOrEqual(2 * MIB);
    for (const window of windows) window.release(pool);
    expect(pool.growthLeft).toBe(WINDOW_GROWTH_BUDGET);
  });
});
