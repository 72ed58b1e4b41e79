import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { TAKEN_EVERY_MS } from './limits.ts';
import { Taken, type TakenTotals } from './taken.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

it('tells totals once in a while, of those that changed', () => {
  const told: TakenTotals[] = [];
  const taken = new Taken((totals) => told.push(totals));
  for (let i = 0; i < 1000; i += 1) taken.add('a');
  taken.add('b');
  expect(told).toEqual([]);
  vi.advanceTimersByTime(TAKEN_EVERY_MS);
  expect(told).toEqual([{ a: 1000, b: 1 }]);
  vi.advanceTimersByTime(10 * TAKEN_EVERY_MS);
  taken.add('b');
  vi.advanceTimersByTime(TAKEN_EVERY_MS);
  expect(told).toEqual([{ a: 1000, b: 1 }, { b: 2 }]);
  expect(taken.all()).toEqual({ a: 1000, b: 2 });
});

it('forgets what is over', () => {
  const told: TakenTotals[] = [];
  const taken = new Taken((totals) => told.push(totals));
  taken.add('a');
  taken.add('b');
  taken.keep(new Set(['b']));
  vi.advanceTimersByTime(TAKEN_EVERY_MS);
  expect(told).toEqual([{ b: 1 }]);
  expect(taken.all()).toEqual({ b: 1 });
});
