/** The nft table as a value, and the one transaction that leads from one value to the next. Pure. */
import { type Cidr, formatCidr, formatIp } from '../net/index.ts';
import { INSIDE_KINDS } from './local-network.ts';
import type { Wanted } from './wanted.ts';

interface NftSet {
  spec: string;
  elements: string[];
}

interface NftChain {
  hook: string;
  rules: string[];
}

export interface Ruleset {
  sets: Record<string, NftSet>;
  chains: Record<string, NftChain>;
}

const blocks = (cidrs: Cidr[], version: 4 | 6): string[] => cidrs.filter((cidr) => cidr.version === version).map(formatCidr);

function dnsRules(dns: Wanted['dns'], local: boolean): string[] {
  if (dns.mode !== 'redirect') return [];
  const { first, last } = dns.exemptPorts;
  // A packet from a bridge has no socket: there the uid matches nothing, and the rule would never hold.
  const uids = local && dns.exemptUids.length > 0 ? ` meta skuid != { ${dns.exemptUids.join(', ')} }` : '';
  return dns.servers.flatMap(({ server, port }) =>
    ['udp', 'tcp'].map((protocol) => {
      const family = server.version === 4 ? 'ip' : 'ip6';
      // The daemon's own questions to that server leave from the exempt ports, a local resolver's by its uid.
      return `${family} daddr ${formatIp(server)} ${protocol} dport 53 ${protocol} sport != ${first}-${last}${uids} redirect to :${port}`;
    }),
  );
}

/** The whole table for a wanted state. `outside`: devices through which nothing is let into the cluster. */
export function planRuleset(wanted: Wanted, device: string, outside: string[]): Ruleset {
  const captured6 = blocks(wanted.captured, 6);
  const never6 = blocks(wanted.neverFrom, 6);
  const kinds = `{ ${INSIDE_KINDS.map((kind) => `"${kind}"`).join(', ')} }`;
  // What is addressed to the workstation itself stays there, also inside a captured block.
  const capture = [`ip daddr @captured4 meta l4proto tcp fib daddr type != local redirect to :${wanted.capturePort}`];
  if (captured6.length > 0) capture.push(`ip6 daddr @captured6 meta l4proto tcp fib daddr type != local redirect to :${wanted.capturePort}`);
  const never = (verdict: string, to = ''): string[] => [
    `${to}iifname @outside ${verdict}`,
    `${to}meta iifkind != ${kinds} ${verdict}`,
    `${to}ip saddr @never4 ${verdict}`,
    ...(never6.length > 0 ? [`${to}ip6 saddr @never6 ${verdict}`] : []),
  ];
  const listeners = [wanted.capturePort, ...(wanted.dns.mode === 'redirect' ? wanted.dns.servers.map(({ port }) => port) : [])];
  const ports = [...new Set(listeners)].sort((a, b) => a - b).join(', ');
  const family = wanted.address.ip.version === 4 ? 'ip' : 'ip6';

  return {
    sets: {
      captured4: { spec: 'type ipv4_addr; flags interval;', elements: blocks(wanted.captured, 4) },
      captured6: { spec: 'type ipv6_addr; flags interval;', elements: captured6 },
      never4: { spec: 'type ipv4_addr; flags interval;', elements: blocks(wanted.neverFrom, 4) },
      never6: { spec: 'type ipv6_addr; flags interval;', elements: never6 },
      outside: { spec: 'type ifname;', elements: outside.map((name) => `"${name}"`) },
    },
    chains: {
      output: { hook: 'type nat hook output priority -100; policy accept;', rules: [...dnsRules(wanted.dns, true), ...capture] },
      prerouting: { hook: 'type nat hook prerouting priority -100; policy accept;', rules: [...never('return'), ...dnsRules(wanted.dns, false), ...capture] },
      // The daemon's ports are for redirected connections; nobody reaches them, or the TUN's address, from another machine.
      input: {
        hook: 'type filter hook input priority 0; policy accept;',
        rules: [
          `iifname != "lo" meta l4proto { tcp, udp } th dport { ${ports} } ct status & dnat == 0 drop`,
          `iifname != { "lo", "${device}" } ${family} daddr ${formatIp(wanted.address.ip)} drop`,
        ],
      },
      // With forwarding on, the TUN is a route like any other: the same sources are kept out of it.
      forward: { hook: 'type filter hook forward priority 0; policy accept;', rules: never('drop', `oifname "${device}" `) },
    },
  };
}

/**
 * One line of nft commands that makes `next` out of `previous` (undefined: out of nothing); undefined when they are equal.
 * A line given to `nft -i` is one transaction: packets see the old table or the new one.
 */
export function nftTransaction(table: string, previous: Ruleset | undefined, next: Ruleset): string | undefined {
  const commands: string[] = [];
  // `owner`: the kernel deletes the table when the process that made it is gone, and lets nobody else change it.
  if (previous === undefined) commands.push(`add table inet ${table} { flags owner; }`);
  for (const [name, { spec, elements }] of Object.entries(next.sets)) {
    const before = previous?.sets[name];
    if (before === undefined) commands.push(`add set inet ${table} ${name} { ${spec} }`);
    const had = new Set(before?.elements);
    const gone = [...had].filter((element) => !elements.includes(element));
    const added = elements.filter((element) => !had.has(element));
    if (gone.length > 0) commands.push(`delete element inet ${table} ${name} { ${gone.join(', ')} }`);
    if (added.length > 0) commands.push(`add element inet ${table} ${name} { ${added.join(', ')} }`);
  }
  for (const [name, { hook, rules }] of Object.entries(next.chains)) {
    const before = previous?.chains[name];
    if (before === undefined) commands.push(`add chain inet ${table} ${name} { ${hook} }`);
    else if (before.rules.join('\n') === rules.join('\n')) continue;
    else commands.push(`flush chain inet ${table} ${name}`);
    for (const rule of rules) commands.push(`add rule inet ${table} ${name} ${rule}`);
  }
  return commands.length === 0 ? undefined : commands.join('; ');
}
