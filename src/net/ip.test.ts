import { isIP, SocketAddress } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatIp, ipFromBytes, ipToBytes, parseIp, unmapIp } from './ip.ts';

describe('parseIp', () => {
  it.each([
    '10.1',
    '010.0.0.1',
    '0x7f.0.0.1',
    '2130706433',
    '1.2.3.4.5',
    '1.2.3.',
    '.1.2.3.4',
    '1.2.3.256',
    '1.2.3.4 ',
    ' 1.2.3.4',
    '1.2.3.-4',
    '1.2.3.4/32',
    '',
    '1.2..4',
    '١.2.3.4',
  ])('refuses the lax IPv4 form %j', (text) => {
    expect(parseIp(text)).toBeUndefined();
  });

  it.each([
    ':',
    ':::',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1::2::3',
    '12345::',
    'fe80::1%eth0',
    '::1.2.3',
    '1.2.3.4::',
    '1:2:3:4:5:6:7::8',
    '[::1]',
    'g::',
    '::1:',
    ':1::',
    '::01.2.3.4',
  ])('refuses %j as IPv6', (text) => {
    expect(parseIp(text)).toBeUndefined();
  });

  it('reads what Node calls an address as the same address', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => {
        const ip = parseIp(text);
        expect(ip?.version).toBe(isIP(text));
        if (ip === undefined) return;
        const family = ip.version === 4 ? 'ipv4' : 'ipv6';
        expect(formatIp(ip)).toBe(formatIp(parseIp(new SocketAddress({ address: text, family }).address) ?? ip));
      }),
    );
  });

  it('takes nothing that Node does not call an address', () => {
    const piece = fc.constantFrom('0', '1', '255', '256', '00', 'ffff', 'g', '.', ':', '::', '%', '/');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 17 }), (pieces) => {
        const text = pieces.join('');
        if (isIP(text) === 0) expect(parseIp(text)).toBeUndefined();
      }),
      { numRuns: 2000 },
    );
  });
});

const anyIp = fc.oneof(
  fc.bigInt(0n, 2n ** 32n - 1n).map((value) => ({ version: 4, value }) as const),
  fc.bigInt(0n, 2n ** 128n - 1n).map((value) => ({ version: 6, value }) as const),
);

describe('formatIp', () => {
  it('writes what parseIp and the bytes read back', () => {
    fc.assert(
      fc.property(anyIp, (ip) => {
        expect(parseIp(formatIp(ip))).toEqual(ip);
        expect(ipFromBytes(ipToBytes(ip))).toEqual(ip);
      }),
    );
  });

  it.each([
    ['0:0:0:0:0:0:0:0', '::'],
    ['1:0:0:2:0:0:0:3', '1:0:0:2::3'],
    ['2001:DB8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['1:0:0:2:3:0:0:4', '1::2:3:0:0:4'],
    ['fe80::', 'fe80::'],
    ['::ffff:a00:1', '::ffff:10.0.0.1'],
  ])('writes %s as %s (RFC 5952)', (text, canonical) => {
    const ip = parseIp(text);
    expect(ip && formatIp(ip)).toBe(canonical);
  });
});

it('unmapIp turns only IPv4-mapped addresses into IPv4', () => {
  expect(unmapIp(ipFromBytes(ipToBytes(parseIp('::ffff:10.0.0.1') ?? { version: 4, value: 0n })))).toEqual(parseIp('10.0.0.1'));
  expect(unmapIp({ version: 6, value: 1n })).toEqual({ version: 6, value: 1n });
});
