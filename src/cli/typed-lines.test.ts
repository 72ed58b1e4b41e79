import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { readLines } from './typed-lines.ts';

it('gives line after line, and undefined at the end', async () => {
  const input = new PassThrough();
  const lines = readLines(input);
  input.end('one\r\ntwo\nthree');
  expect([await lines.next(), await lines.next(), await lines.next(), await lines.next()]).toEqual(['one', 'two', 'three', undefined]);
});

it('ends a wait when it is closed', async () => {
  const lines = readLines(new PassThrough());
  const waiting = lines.next();
  lines.close();
  expect(await waiting).toBeUndefined();
});
