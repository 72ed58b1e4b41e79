import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cidrSet } from '../outbound/policy.ts';
import { aggregate, cover, rangesInMessage } from './subnets.ts';

describe('aggregating CIDRs', () => {
  it('joins siblings, drops what is contained and keeps strangers', () => {
    expect(
      aggregate(['10.244.1.0/24', '10.244.0.0/24', '10.244.2.0/24', '10.244.2.128/25', '10.96.0.0/16', 'fd00::/65', 'fd00::8000:0:0:0/65', 'nonsense']),
    ).toEqual(['10.96.0.0/16', '10.244.0.0/23', '10.244.2.0/24', 'fd00::/64']);
  });
  it('never changes which addresses are inside', () => {
    const cidr = fc.tuple(fc.ipV4(), fc.integer({ min: 1, max: 32 })).map(([address, bits]) => `${address}/${bits}`);
    fc.assert(
      fc.property(fc.array(cidr, { maxLength: 20 }), fc.array(fc.ipV4(), { maxLength: 50 }), (cidrs, probes) => {
        const [before, after] = [cidrSet(cidrs), cidrSet(aggregate(cidrs))];
        for (const probe of [...probes, ...cidrs.map((text) => text.split('/')[0] ?? '')]) expect(after.has(probe)).toBe(before.has(probe));
      }),
    );
  });
});

describe('covering addresses', () => {
  it('contains every one of them', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.ipV4(), fc.ipV6()), { maxLength: 50 }), (addresses) => {
        const set = cidrSet(cover(addresses));
        for (const address of addresses) expect(set.has(address) || /^::ffff:|^0+:/i.test(address)).toBe(true);
      }),
    );
  });
  it('joins within a /16 and not across', () => {
    expect(cover(['10.1.0.5', '10.1.3.9', '10.2.0.1'])).toEqual(['10.1.0.0/22', '10.2.0.0/24']);
  });
});

it("reads the ranges from the API server's refusal", () => {
  expect(rangesInMessage('failed to allocate IP 1.1.1.1: the provided IP (1.1.1.1) is not in the valid range. The range of valid IPs is 10.96.0.0/16')).toEqual(
    ['10.96.0.0/16'],
  );
  expect(rangesInMessage('something else')).toEqual([]);
});
