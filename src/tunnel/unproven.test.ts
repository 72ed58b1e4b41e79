import { expect, it } from 'vitest';
import { createUnproven } from './unproven.ts';

it('ends the oldest of an address that has too many', () => {
  const unproven = createUnproven({ each: 2, all: 10 });
  const ended: string[] = [];
  for (const name of ['a', 'b', 'c']) unproven.admit('1', () => ended.push(name));
  unproven.admit('2', () => ended.push('other'));
  expect(ended).toEqual(['a']);
  expect(unproven.count).toBe(3);
});

it('ends the oldest of the address that has most when there are too many at all', () => {
  const unproven = createUnproven({ each: 10, all: 3 });
  const ended: string[] = [];
  const admit = (address: string, name: string) => unproven.admit(address, () => ended.push(name));
  const proved = admit('1', 'a');
  admit('2', 'b');
  admit('2', 'c');
  admit('3', 'd');
  expect(ended).toEqual(['b']);
  proved();
  proved();
  admit('4', 'e');
  expect(ended).toEqual(['b']);
});
