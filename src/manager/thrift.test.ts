import { expect, it, vi } from 'vitest';
import { MANY_PEERS, thriftyFrom } from './thrift.ts';

it('a manager favours memory once it has many peers, and says so once', () => {
  let peers = MANY_PEERS - 1;
  const favour = vi.fn();
  const look = thriftyFrom(() => peers, favour);
  expect(look()).toBe(false);
  expect(favour).not.toHaveBeenCalled();
  peers = MANY_PEERS;
  expect(look()).toBe(true);
  peers = 0;
  expect(look()).toBe(true);
  expect(favour).toHaveBeenCalledOnce();
});
