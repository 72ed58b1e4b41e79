import { describe, expect, it } from 'vitest';
import { nftTransaction, planRuleset, type Ruleset } from './ruleset.ts';
import { readWanted } from './wanted.ts';

const state = { address: '246.246.246.1/32', subnets: ['10.96.0.0/16'], capturePort: 4000, dns: { mode: 'none' } };
const plan = (changes: object = {}, outside = ['eth0']): Ruleset => planRuleset(readWanted({ ...state, ...changes }), 'tel0', outside);

describe('the nft transaction', () => {
  it('makes the whole table, owned by its maker, out of nothing', () => {
    expect(nftTransaction('telepresence_7', undefined, plan())?.split('; add ').join('\nadd ')).toMatchInlineSnapshot(`
      "add table inet telepresence_7 { flags owner; }
      add set inet telepresence_7 captured4 { type ipv4_addr; flags interval; }
      add element inet telepresence_7 captured4 { 10.96.0.0/16 }
      add set inet telepresence_7 captured6 { type ipv6_addr; flags interval; }
      add set inet telepresence_7 never4 { type ipv4_addr; flags interval; }
      add set inet telepresence_7 never6 { type ipv6_addr; flags interval; }
      add set inet telepresence_7 outside { type ifname; }
      add element inet telepresence_7 outside { "eth0" }
      add chain inet telepresence_7 output { type nat hook output priority -100; policy accept; }
      add rule inet telepresence_7 output ip daddr @captured4 meta l4proto tcp fib daddr type != local redirect to :4000
      add chain inet telepresence_7 prerouting { type nat hook prerouting priority -100; policy accept; }
      add rule inet telepresence_7 prerouting iifname @outside return
      add rule inet telepresence_7 prerouting meta iifkind != { "bridge", "veth" } return
      add rule inet telepresence_7 prerouting ip saddr @never4 return
      add rule inet telepresence_7 prerouting ip daddr @captured4 meta l4proto tcp fib daddr type != local redirect to :4000
      add chain inet telepresence_7 input { type filter hook input priority 0; policy accept; }
      add rule inet telepresence_7 input iifname != "lo" meta l4proto { tcp, udp } th dport { 4000 } ct status & dnat == 0 drop
      add rule inet telepresence_7 input iifname != { "lo", "tel0" } ip daddr 246.246.246.1 drop
      add chain inet telepresence_7 forward { type filter hook forward priority 0; policy accept; }
      add rule inet telepresence_7 forward oifname "tel0" iifname @outside drop
      add rule inet telepresence_7 forward oifname "tel0" meta iifkind != { "bridge", "veth" } drop
      add rule inet telepresence_7 forward oifname "tel0" ip saddr @never4 drop"
    `);
  });

  it('is nothing when nothing changed', () => {
    expect(nftTransaction('t', plan(), plan())).toBeUndefined();
  });

  it('changes only the difference', () => {
    expect(nftTransaction('t', plan(), plan({ subnets: ['10.96.0.0/16', '10.244.0.0/16'] }))).toBe('add element inet t captured4 { 10.244.0.0/16 }');
    expect(nftTransaction('t', plan(), plan({}, ['br0']))).toBe('delete element inet t outside { "eth0" }; add element inet t outside { "br0" }');
  });

  it('exempts the daemon’s own source ports and a local resolver’s uid, the uid only where packets have one', () => {
    const dns = { mode: 'redirect', servers: [{ server: 'fd00::53', port: 5300 }], exemptPorts: { first: 1000, last: 1001 }, exemptUids: [101] };
    const { output, prerouting, input } = plan({ dns }).chains;
    expect(output?.rules.slice(0, 2)).toEqual([
      'ip6 daddr fd00::53 udp dport 53 udp sport != 1000-1001 meta skuid != { 101 } redirect to :5300',
      'ip6 daddr fd00::53 tcp dport 53 tcp sport != 1000-1001 meta skuid != { 101 } redirect to :5300',
    ]);
    expect(prerouting?.rules).toContain('ip6 daddr fd00::53 udp dport 53 udp sport != 1000-1001 redirect to :5300');
    expect(input?.rules[0]).toContain('{ 4000, 5300 }');
  });
});

describe('readWanted', () => {
  it('leaves out what is excluded and merges the rest', () => {
    const { sets } = plan({ subnets: ['10.0.0.0/24', '10.0.1.0/24', '10.0.1.128/25'], exclude: ['10.0.1.255'] });
    expect(sets['captured4']?.elements[0]).toBe('10.0.0.0/24');
    expect(sets['captured4']?.elements.at(-1)).toBe('10.0.1.254/32');
  });

  it.each([
    ['a subnet that carries a command', { subnets: ['10.0.0.0/8 }; flush ruleset #'] }],
    ['the whole address space', { subnets: ['0.0.0.0/0'] }],
    ['host bits', { subnets: ['10.0.0.1/8'] }],
    ['a device name with a command', { device: 'tel0;reboot' }],
    ['a path as device', { device: '../x' }],
    ['port 0', { capturePort: 0 }],
    ['a port that is no integer', { capturePort: 1.5 }],
    ['an address without a prefix', { address: '10.0.0.1' }],
    ['an option as a DNS domain', { dns: { mode: 'resolved', server: '10.0.0.1', domains: ['--help'] } }],
    ['a DNS server that is a name', { dns: { mode: 'redirect', servers: [{ server: 'dns.example', port: 53 }], exemptPorts: { first: 1, last: 2 } } }],
    ['exempt ports the wrong way round', { dns: { mode: 'redirect', servers: [], exemptPorts: { first: 2, last: 1 } } }],
    ['too many subnets', { subnets: new Array(5_000).fill('10.0.0.0/8') }],
    ['an unknown DNS mode', { dns: { mode: 'files' } }],
  ])('refuses %s', (_, changes) => {
    expect(() => readWanted({ ...state, ...changes })).toThrow(expect.objectContaining({ code: 'TP-NETD-FAILED' }));
  });
});
