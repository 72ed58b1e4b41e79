import { expect, it } from 'vitest';
import { intercept, session } from './fixtures.ts';
import { claimsExpired, sessionExpired, sweep } from './lifetimes.ts';

const now = Date.parse('2026-01-02T00:00:00Z');
const ago = (ms: number) => new Date(now - ms).toISOString();
const minute = 60_000;

it.each([
  ['with a tunnel', session('a'), false, false],
  ['just lost', session('a', { lostAt: ago(1000) }), false, false],
  ['lost for over a minute', session('a', { replicas: [], lostAt: ago(minute + 1) }), true, false],
  ['lost for over a day', session('a', { lostAt: ago(24 * 60 * minute + 1) }), true, true],
  ['lost and back', session('a', { lostAt: ago(9 * minute), replicas: [{ name: 'm', since: '' }] }), false, false],
] as const)('a session %s', (_, one, claims, whole) => {
  expect([claimsExpired(one, now), sessionExpired(one, now)]).toEqual([claims, whole]);
});

it('one that never had a tunnel counts from when it was made', () => {
  const one = session('a', {});
  one.metadata.creationTimestamp = ago(2 * minute);
  expect(claimsExpired(one, now)).toBe(true);
});

it('ends intercepts whose session is gone or another of that name, and leaves those of another manager', () => {
  const foreign = intercept('f', 'x', { session: { name: 'x', namespace: 'other', uid: 'x' } });
  const reborn = intercept('r', 'a', { session: { name: 'a', namespace: 'ambassador', uid: 'earlier' } });
  const due = sweep([intercept('i', 'a'), intercept('g', 'gone'), foreign, reborn], [session('a')], { namespace: 'ambassador', now });
  expect(due.intercepts.map(({ metadata }) => metadata.uid)).toEqual(['g', 'r']);
});
