import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HttpFilter } from '../../protocol/resources.ts';
import { type Claim, decideClaims, overlap } from './claims.ts';

const headers = (...names: string[]): HttpFilter => ({ headers: names.map((name) => ({ name, value: { exact: '1' } })), paths: [] });
const claim = (uid: string, more: Partial<Claim> = {}): Claim => ({
  uid,
  created: '2026-01-01T00:00:00Z',
  port: 'TCP 8080',
  filter: undefined,
  granted: false,
  expired: false,
  ...more,
});
const winners = (...claims: Claim[]) =>
  [...decideClaims(claims)]
    .filter(([, verdict]) => verdict.granted)
    .map(([uid]) => uid)
    .toSorted();

describe('overlap', () => {
  it.each([
    ['everything and everything', undefined, undefined, true],
    ['everything and a header', undefined, headers('a'), true],
    ['no condition and a header', headers(), headers('a'), true],
    ['the same header in another case', headers('A'), headers('a'), true],
    ['a header and the same with one more', headers('a'), headers('b', 'a'), true],
    ['two headers', headers('a'), headers('b'), false],
    ['sets of which neither holds the other', headers('a', 'b'), headers('b', 'c'), false],
    ['another value', headers('a'), { headers: [{ name: 'a', value: { exact: '2' } }], paths: [] }, false],
    ['a path and a header', { headers: [], paths: [{ prefix: '/a' }] }, headers('a'), false],
  ] as const)('%s', (_, a, b, expected) => {
    expect(overlap(a as HttpFilter | undefined, b as HttpFilter | undefined)).toBe(expected);
    expect(overlap(b as HttpFilter | undefined, a as HttpFilter | undefined)).toBe(expected);
  });
});

describe('who gets a port', () => {
  it('is the oldest, the uid settling ties', () => {
    expect(winners(claim('b'), claim('a'), claim('0', { created: '2026-01-01T00:00:01Z' }))).toEqual(['a']);
  });
  it('names the holder to those who do not', () => {
    expect(decideClaims([claim('b'), claim('a')]).get('b')).toMatchObject({ granted: false, holder: { uid: 'a' } });
  });
  it('is not the older one that comes back while somebody works there', () => {
    expect(winners(claim('old', { created: '2025-01-01T00:00:00Z' }), claim('now', { granted: true }))).toEqual(['now']);
  });
  it('is another one when the holder has been lost for too long', () => {
    expect(winners(claim('lost', { created: '2025-01-01T00:00:00Z', granted: true, expired: true }), claim('new'))).toEqual(['new']);
  });
  it('stays the lost one while nobody else asks', () => {
    expect(winners(claim('lost', { granted: true, expired: true }))).toEqual(['lost']);
  });
  it('are several with filters apart, and on other ports', () => {
    expect(winners(claim('a', { filter: headers('x') }), claim('b', { filter: headers('y') }), claim('c', { port: 'UDP 8080' }))).toEqual(['a', 'b', 'c']);
  });
  it('never are two that overlap, in whatever order they come', () => {
    const filters = fc.option(
      fc.uniqueArray(fc.constantFrom('a', 'b', 'c')).map((names) => headers(...names)),
      { nil: undefined },
    );
    const claims = fc.uniqueArray(
      fc.record({
        uid: fc.uuid(),
        created: fc.constantFrom('2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z'),
        port: fc.constantFrom('TCP 1', 'TCP 2'),
        filter: filters,
        granted: fc.boolean(),
        expired: fc.boolean(),
      }),
      { selector: ({ uid }) => uid, maxLength: 12 },
    );
    fc.assert(
      fc.property(claims, (all) => {
        const granted = all.filter(({ uid }) => decideClaims(all).get(uid)?.granted);
        for (const a of granted) for (const b of granted) if (a !== b && a.port === b.port) expect(overlap(a.filter, b.filter)).toBe(false);
        expect(winners(...all)).toEqual(winners(...all.toReversed()));
        if (all.length > 0) expect(granted.length).toBeGreaterThan(0);
      }),
    );
  });
});
