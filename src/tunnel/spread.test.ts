import { describe, expect, it } from 'vitest';
import { Spread } from './spread.ts';

describe('the data connection of a new stream', () => {
  const a = { name: 'a', moved: 0 };
  const b = { name: 'b', moved: 0 };
  const first = (spread: Spread, now: number) => spread.order([a, b], [], now)[0]?.name;

  it('is the next in turn while all are quiet', () => {
    const spread = new Spread(0);
    expect([0, 10, 20, 30].map((now) => first(spread, now))).toEqual(['b', 'a', 'b', 'a']);
  });

  it('is one without a bulk flow, until that ends, and the turns go on', () => {
    const spread = new Spread(0);
    first(spread, 200);
    a.moved += 50_000_000;
    expect([1_200, 1_210, 1_220].map((now) => first(spread, now))).toEqual(['b', 'b', 'b']);
    expect(spread.order([a, b], [], 1_230)).toHaveLength(2);
    expect(new Set([2_300, 2_310].map((now) => first(spread, now)))).toEqual(new Set(['a', 'b']));
  });

  it('is the next in turn when all are as busy', () => {
    const spread = new Spread(0);
    first(spread, 200);
    a.moved += 50_000_000;
    b.moved += 40_000_000;
    expect(new Set([1_200, 1_210].map((now) => first(spread, now)))).toEqual(new Set(['a', 'b']));
  });

  it('is one of those that serve as well only where the better ones are busy', () => {
    const spread = new Spread(0);
    const [c, d] = [
      { name: 'c', moved: 0 },
      { name: 'd', moved: 0 },
    ];
    const names = (now: number) => spread.order([c], [d], now).map(({ name }) => name);
    expect([names(200), names(210)]).toEqual([
      ['c', 'd'],
      ['c', 'd'],
    ]);
    c.moved += 50_000_000;
    expect(names(1_200)).toEqual(['d', 'c']);
    expect(spread.order([], [d], 1_210)).toEqual([d]);
  });
});
