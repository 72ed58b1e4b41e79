/** Where the manager dials for workstations, and where it never does. Pure. */
import { BlockList, isIP } from 'node:net';

/** Refused whatever the settings say: this host, link-local (metadata services), multicast, broadcast, unspecified. */
const NEVER = ['0.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/4', '240.0.0.0/4', '::/128', '::1/128', 'fe80::/10', 'fec0::/10', 'ff00::/8'] as const;

/** An immutable set of CIDRs. Text that is not one is left out and named in `invalid`. */
export interface CidrSet {
  has(address: string): boolean;
  readonly invalid: readonly string[];
}

export function cidrSet(cidrs: Iterable<string>): CidrSet {
  const list = new BlockList();
  const invalid: string[] = [];
  for (const cidr of cidrs) {
    const slash = cidr.indexOf('/');
    const address = slash < 0 ? cidr : cidr.slice(0, slash);
    const family = isIP(address);
    const bits = slash < 0 ? (family === 6 ? 128 : 32) : Number(cidr.slice(slash + 1));
    if (family === 0 || cidr.slice(slash + 1) === '' || !Number.isInteger(bits) || bits < 0 || bits > (family === 6 ? 128 : 32)) {
      invalid.push(cidr);
      continue;
    }
    list.addSubnet(address, bits, family === 6 ? 'ipv6' : 'ipv4');
  }
  return { has: (address) => isIP(address) !== 0 && list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4'), invalid };
}

/**
 * The address as the kernel would dial it: IPv4-mapped IPv6 becomes IPv4, zones are refused.
 * Undefined for what is not an IP literal.
 */
export function canonicalAddress(host: string): string | undefined {
  const family = isIP(host);
  if (family === 0 || host.includes('%')) return undefined;
  if (family === 4) return host;
  // The URL parser writes every spelling of an IPv6 address the one canonical way, so that no spelling slips past a comparison.
  const canonical = new URL(`http://[${host}]/`).hostname.slice(1, -1);
  const mapped = /^::ffff:([\da-f]{1,4}):([\da-f]{1,4})$/.exec(canonical);
  if (mapped === null) return canonical;
  const high = Number.parseInt(mapped[1] ?? '', 16);
  const low = Number.parseInt(mapped[2] ?? '', 16);
  return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
}

export interface DialPolicy {
  /** The address to dial; undefined when it is refused. */
  permit(host: string): string | undefined;
}

const never = cidrSet(NEVER);

/** @param options.own asked at each dial: the replicas' addresses, which change. */
export function createDialPolicy(options: { announced: Iterable<string>; allow: Iterable<string>; own: () => ReadonlySet<string> }): DialPolicy {
  const inside = cidrSet([...options.announced, ...options.allow]);
  return {
    permit(host) {
      const address = canonicalAddress(host);
      if (address === undefined || never.has(address) || options.own().has(address) || !inside.has(address)) return undefined;
      return address;
    },
  };
}
