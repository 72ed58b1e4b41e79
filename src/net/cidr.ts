/** CIDR blocks: strict parsing, and the set arithmetic that routes and capture sets are made with. */
import { formatIp, IP_BITS, type Ip, parseIp, unmapIp } from './ip.ts';

export interface Cidr {
  readonly version: 4 | 6;
  /** First address; the bits behind the prefix are zero. */
  readonly base: bigint;
  readonly prefix: number;
}

function sizeOf(cidr: Cidr): bigint {
  return 1n << BigInt(IP_BITS[cidr.version] - cidr.prefix);
}

function lastOf(cidr: Cidr): bigint {
  return cidr.base + sizeOf(cidr) - 1n;
}

/** `10.0.0.0/8`, `fd00::/8`. Undefined for anything else, also for `10.0.0.1/8` (bits set behind the prefix). */
export function parseCidr(text: string): Cidr | undefined {
  const whole = parseInterfaceAddress(text);
  if (whole === undefined || whole.cidr.base !== whole.ip.value) return undefined;
  return whole.cidr;
}

/** A CIDR, or a bare address, which is the block of only itself. */
export function parseSubnet(text: string): Cidr | undefined {
  if (text.includes('/')) return parseCidr(text);
  const ip = parseIp(text);
  return ip === undefined ? undefined : hostCidr(ip);
}

/** An interface's address with its prefix, `10.0.0.1/8`: the address and the block it is in. */
export function parseInterfaceAddress(text: string): { ip: Ip; cidr: Cidr } | undefined {
  const match = /^([^/]+)\/(0|[1-9][0-9]{0,2})$/.exec(text);
  const ip = parseIp(match?.[1] ?? '');
  const prefix = Number(match?.[2]);
  if (ip === undefined || prefix > IP_BITS[ip.version]) return undefined;
  const shift = BigInt(IP_BITS[ip.version] - prefix);
  return { ip, cidr: { version: ip.version, base: (ip.value >> shift) << shift, prefix } };
}

export function hostCidr(ip: Ip): Cidr {
  return { version: ip.version, base: ip.value, prefix: IP_BITS[ip.version] };
}

export function formatCidr(cidr: Cidr): string {
  return `${formatIp({ version: cidr.version, value: cidr.base })}/${cidr.prefix}`;
}

export function cidrHasIp(cidr: Cidr, ip: Ip): boolean {
  return cidr.version === ip.version && ip.value >= cidr.base && ip.value <= lastOf(cidr);
}

export function cidrCovers(outer: Cidr, inner: Cidr): boolean {
  return outer.version === inner.version && outer.prefix <= inner.prefix && inner.base >= outer.base && inner.base <= lastOf(outer);
}

/** Blocks either nest or are apart, so overlap is nesting one way or the other. */
export function cidrsOverlap(a: Cidr, b: Cidr): boolean {
  return cidrCovers(a, b) || cidrCovers(b, a);
}

/** The two halves of a block; undefined for a single address. */
export function cidrHalves(cidr: Cidr): [Cidr, Cidr] | undefined {
  if (cidr.prefix === IP_BITS[cidr.version]) return undefined;
  const prefix = cidr.prefix + 1;
  const low = { version: cidr.version, base: cidr.base, prefix };
  return [low, { ...low, base: cidr.base + sizeOf(low) }];
}

function compare(a: Cidr, b: Cidr): number {
  if (a.version !== b.version) return a.version - b.version;
  if (a.base !== b.base) return a.base < b.base ? -1 : 1;
  return a.prefix - b.prefix;
}

/** The fewest blocks that hold exactly the addresses of the given ones, in order, IPv4 first. */
export function mergeCidrs(cidrs: Iterable<Cidr>): Cidr[] {
  const merged: Cidr[] = [];
  for (const cidr of [...cidrs].sort(compare)) {
    const before = merged.at(-1);
    if (before !== undefined && cidrCovers(before, cidr)) continue;
    merged.push(cidr);
    // Two neighbours that are the halves of one block become it, and that may again be a half.
    for (let low = merged.at(-2), high = merged.at(-1); low !== undefined && high !== undefined; low = merged.at(-2), high = merged.at(-1)) {
      const apart = low.version !== high.version || low.prefix !== high.prefix || lastOf(low) + 1n !== high.base;
      if (apart || low.base % (2n * sizeOf(low)) !== 0n) break;
      merged.splice(-2, 2, { version: low.version, base: low.base, prefix: low.prefix - 1 });
    }
  }
  return merged;
}

function without(cidr: Cidr, hole: Cidr): Cidr[] {
  if (cidrCovers(hole, cidr)) return [];
  const halves = cidrCovers(cidr, hole) ? cidrHalves(cidr) : undefined;
  return halves === undefined ? [cidr] : halves.flatMap((half) => without(half, hole));
}

/** The addresses of `from` that are in none of `holes`, as the fewest blocks. */
export function subtractCidrs(from: Iterable<Cidr>, holes: Iterable<Cidr>): Cidr[] {
  let rest = mergeCidrs(from);
  for (const hole of mergeCidrs(holes)) rest = rest.flatMap((cidr) => without(cidr, hole));
  return mergeCidrs(rest);
}

/**
 * A test whether an address, given as text, is in one of the blocks. IPv4-mapped addresses count as IPv4.
 * Text that is no address is in none.
 */
export function createIpMatcher(cidrs: Iterable<Cidr>): (address: string) => boolean {
  const ranges = { 4: [] as { first: bigint; last: bigint }[], 6: [] as { first: bigint; last: bigint }[] };
  for (const cidr of mergeCidrs(cidrs)) ranges[cidr.version].push({ first: cidr.base, last: lastOf(cidr) });
  return (address) => {
    const parsed = parseIp(address);
    if (parsed === undefined) return false;
    const ip = unmapIp(parsed);
    return ranges[ip.version].some(({ first, last }) => ip.value >= first && ip.value <= last);
  };
}
