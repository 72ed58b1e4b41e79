import { expect, it } from 'vitest';
import { growthMiB } from './processes.ts';

const samples = (kib: (i: number) => number) => Array.from({ length: 40 }, (_, i) => ({ at: i, fds: 1, residentKiB: kib(i) }));

it('sees a leak, and none in what only warms up or swings', () => {
  expect(growthMiB(samples((i) => 50_000 + 1_024 * i))).toBe(20);
  expect(growthMiB(samples((i) => (i < 8 ? 30_000 : 60_000)))).toBe(0);
  expect(growthMiB(samples((i) => 50_000 + (i % 2) * 4_000))).toBe(0);
});
