import { expect, it } from 'vitest';
import { createTakenBook } from './taken.ts';

it('adds up what the pods took, and keeps what those took that are gone', () => {
  const book = createTakenBook();
  expect(book.of('i1')).toBeUndefined();
  expect(book.heard('a', 'i1', 3)).toBe(true);
  expect(book.heard('b', 'i1', 4)).toBe(true);
  expect(book.heard('b', 'i2', 1)).toBe(true);
  expect(book.heard('b', 'i1', 4)).toBe(false);
  expect([book.of('i1'), book.of('i2')]).toEqual([7, 1]);
});

it('goes on where an agent that was started anew begins', () => {
  const book = createTakenBook();
  book.heard('a', 'i1', 10);
  book.heard('a', 'i1', 2);
  book.heard('a', 'i1', 5);
  expect(book.of('i1')).toBe(15);
});

it('forgets an intercept that is over', () => {
  const book = createTakenBook();
  book.heard('a', 'i1', 10);
  book.forget('i1');
  expect(book.of('i1')).toBeUndefined();
});
