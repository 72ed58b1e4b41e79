/** docs/features/known-failures.md names tests: they exist. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';

const root = path.join(import.meta.dirname, '..');
const page = readFileSync(path.join(root, 'docs/features/known-failures.md'), 'utf8');

/** A file in backquotes, and the names in quotes that follow it. */
const named = [...page.matchAll(/`((?:src|test)\/[^`]+)`((?:,? "[^"]+")*)/g)].map(([, file = '', names = '']) => ({
  file,
  names: [...names.matchAll(/"([^"]+)"/g)].map(([, name = '']) => name),
}));

it('names tests', () => {
  expect(named.length).toBeGreaterThan(30);
});

it.each(named)('$file $names', ({ file, names }) => {
  expect(existsSync(path.join(root, file))).toBe(true);
  const text = readFileSync(path.join(root, file), 'utf8');
  for (const name of names) expect(text).toContain(name);
});
