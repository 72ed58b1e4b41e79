import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { ERROR_CODES } from '../src/base/error-codes.ts';

const page = readFileSync(path.join(import.meta.dirname, '../docs/errors.md'), 'utf8');

it('docs/errors.md has a row for each error code, and no other, in the same order', () => {
  const rows = [...page.matchAll(/^\| `?(TP-[A-Z0-9-]+)`? \|/gm)].map((match) => match[1]);
  expect(rows).toEqual(Object.keys(ERROR_CODES));
});

it('each code has a help sentence', () => {
  expect(Object.entries(ERROR_CODES).filter(([, help]) => !/^[A-Z`].*[.]$/s.test(help))).toEqual([]);
});
