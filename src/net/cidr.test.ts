import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Cidr,
  cidrCovers,
  cidrHasIp,
  cidrsOverlap,
  createIpMatcher,
  formatCidr,
  mergeCidrs,
  parseCidr,
  parseInterfaceAddress,
  parseSubnet,
  subtractCidrs,
} from './cidr.ts';
import { formatIp } from './ip.ts';

const read = (text: string): Cidr => {
  const cidr = parseCidr(text);
  if (cidr === undefined) throw new Error(`not a CIDR: ${text}`);
  return cidr;
};

/** Blocks of a 256-address world, so that every property can be checked address by address. */
const small = fc.tuple(fc.integer({ min: 24, max: 32 }), fc.integer({ min: 0, max: 255 })).map(([prefix, low]) => {
  const shift = BigInt(32 - prefix);
  return { version: 4, base: (((10n << 24n) | BigInt(low)) >> shift) << shift, prefix } as const;
});
const smalls = fc.array(small, { maxLength: 8 });
const world = Array.from({ length: 256 }, (_, low) => ({ version: 4, value: (10n << 24n) | BigInt(low) }) as const);
const held = (cidrs: Cidr[]) => world.map((ip) => cidrs.some((cidr) => cidrHasIp(cidr, ip)));

describe('parseCidr', () => {
  it.each([
    '10.0.0.1/8',
    '10.0.0.0/33',
    '10.0.0.0/08',
    '10.0.0.0/',
    '10.0.0.0',
    '10/8',
    'fd00::1/64',
    'fd00::/129',
    '10.0.0.0/8/8',
    '10.0.0.0/-1',
    '10.0.0.0/+8',
  ])('refuses %j', (text) => {
    expect(parseCidr(text)).toBeUndefined();
  });

  it('reads back what formatCidr writes', () => {
    fc.assert(
      fc.property(small, (cidr) => {
        expect(parseCidr(formatCidr(cidr))).toEqual(cidr);
      }),
    );
    expect(formatCidr(read('::/0'))).toBe('::/0');
    expect(formatCidr(read('fd00:1::/32'))).toBe('fd00:1::/32');
  });

  it('a bare address is the block of itself only where a subnet is asked for', () => {
    expect(parseSubnet('10.0.0.1')).toEqual(read('10.0.0.1/32'));
    expect(parseSubnet('10.0.0.1/8')).toBeUndefined();
    expect(parseInterfaceAddress('10.0.0.1/8')?.cidr).toEqual(read('10.0.0.0/8'));
  });
});

describe('block arithmetic', () => {
  it('merging keeps exactly the addresses and is the same whatever the order', () => {
    fc.assert(
      fc.property(smalls, (cidrs) => {
        const merged = mergeCidrs(cidrs);
        expect(held(merged)).toEqual(held(cidrs));
        expect(mergeCidrs([...cidrs].reverse())).toEqual(merged);
        expect(mergeCidrs(merged)).toEqual(merged);
        for (const a of merged) for (const b of merged) if (a !== b) expect(cidrsOverlap(a, b)).toBe(false);
      }),
    );
  });

  it('subtracting leaves exactly the addresses that are in no hole', () => {
    fc.assert(
      fc.property(smalls, smalls, (from, holes) => {
        const inHole = held(holes);
        expect(held(subtractCidrs(from, holes))).toEqual(held(from).map((has, index) => has && !inHole[index]));
      }),
    );
  });

  it('overlap is having an address in common, covering is having them all', () => {
    fc.assert(
      fc.property(small, small, (a, b) => {
        const both = held([a]).map((has, index) => has && held([b])[index]);
        expect(cidrsOverlap(a, b)).toBe(both.includes(true));
        expect(cidrCovers(a, b)).toBe(held([b]).every((has, index) => !has || held([a])[index]));
      }),
      { numRuns: 50 },
    );
  });

  it('never mixes the versions', () => {
    expect(cidrsOverlap(read('0.0.0.0/0'), read('::/0'))).toBe(false);
    expect(mergeCidrs([read('::/1'), read('8000::/1'), read('0.0.0.0/1'), read('128.0.0.0/1')]).map(formatCidr)).toEqual(['0.0.0.0/0', '::/0']);
    expect(subtractCidrs([read('fd00::/126')], [read('fd00::1/128')]).map(formatCidr)).toEqual(['fd00::/128', 'fd00::2/127']);
  });
});

it('the matcher agrees with the blocks, by text, mapped or not', () => {
  fc.assert(
    fc.property(smalls, fc.integer({ min: 0, max: 255 }), (cidrs, low) => {
      const ip = world[low];
      if (ip === undefined) return;
      const matches = createIpMatcher(cidrs);
      expect(matches(formatIp(ip))).toBe(held(cidrs)[low]);
      expect(matches(`::ffff:${formatIp(ip)}`)).toBe(held(cidrs)[low]);
      expect(matches(`${formatIp(ip)} `)).toBe(false);
    }),
  );
});
