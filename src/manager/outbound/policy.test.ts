import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalAddress, cidrSet, createDialPolicy } from './policy.ts';

const policy = createDialPolicy({
  announced: ['10.96.0.0/16', '10.244.0.0/16', 'fd00:1::/64'],
  allow: ['192.0.2.7/32', '198.51.100.0/24'],
  own: () => new Set(['10.244.0.9', 'fd00:1::9']),
});

describe('the dial policy', () => {
  it.each(['10.96.0.1', '10.244.3.4', 'fd00:1::1', '192.0.2.7', '198.51.100.1'])('permits %s', (host) => {
    expect(policy.permit(host)).toBe(host);
  });
  it.each([
    '127.0.0.1',
    '127.1.2.3',
    '0.0.0.0',
    '169.254.169.254',
    '224.0.0.1',
    '255.255.255.255',
    '::1',
    '::',
    'fe80::1',
    'fe80::1%eth0',
    'ff02::1',
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
    '::ffff:169.254.169.254',
    '10.244.0.9',
    '::ffff:10.244.0.9',
    'fd00:1::9',
    'fd00:0001:0:0::0009',
    '8.8.8.8',
    '10.97.0.1',
    '192.0.2.8',
    'fd00:2::1',
    'localhost',
    'kubernetes.default',
    '',
    '010.96.0.1',
    '10.96.1',
    '0x0a600001',
    '[::1]',
    '64:ff9b::7f00:1',
  ])('refuses %s', (host) => {
    expect(policy.permit(host)).toBeUndefined();
  });
  it('refuses loopback and link-local even where the settings allow everything', () => {
    const open = createDialPolicy({ announced: [], allow: ['0.0.0.0/0', '::/0'], own: () => new Set() });
    expect(open.permit('8.8.8.8')).toBe('8.8.8.8');
    for (const host of ['127.0.0.1', '169.254.169.254', '::1', '::ffff:127.0.0.1', 'fe80::1', 'ff02::1', '224.0.0.251'])
      expect(open.permit(host)).toBeUndefined();
  });
  it('dials IPv4-mapped addresses as IPv4', () => {
    expect(policy.permit('::ffff:10.96.0.1')).toBe('10.96.0.1');
  });
  it('treats every spelling of an IPv4-mapped address alike', () => {
    fc.assert(
      fc.property(fc.ipV4(), (address) => {
        expect(canonicalAddress(`::ffff:${address}`)).toBe(address);
        expect(policy.permit(`::ffff:${address}`)).toBe(policy.permit(address));
      }),
    );
  });
  it('names the CIDRs that are none', () => {
    expect(cidrSet(['10.0.0.0/8', '10.0.0.0/33', 'x/8', '10.0.0.0/', '10.0.0.1']).invalid).toEqual(['10.0.0.0/33', 'x/8', '10.0.0.0/']);
  });
});
