import { expect, it } from 'vitest';
import { Gathered } from './gathered.ts';

it('gathers pieces, and begins anew after they were taken', () => {
  const gathered = new Gathered();
  for (let at = 0; at < 1_000; at++) gathered.append(Buffer.of(at & 255));
  const taken = gathered.take();
  expect([taken.length, taken[999], gathered.length]).toEqual([1_000, 999 & 255, 0]);
  gathered.append(Buffer.from('next'));
  expect(gathered.view().toString()).toBe('next');
  expect(taken[0]).toBe(0);
});

it('costs no more than twice what it holds', () => {
  const gathered = new Gathered();
  for (let at = 0; at < 100_000; at++) gathered.append(Buffer.of(1));
  expect(gathered.view().buffer.byteLength).toBeLessThanOrEqual(200_000);
});
