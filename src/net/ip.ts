/**
 * IP addresses as numbers. Strict: only dotted decimal of four parts without leading zeros, and RFC 4291 text
 * without a zone. Whatever `inet_aton` would also take (`10.1`, `0x7f000001`, `010.0.0.1`) is not an address here,
 * because two programs that read one text differently is how filters are passed.
 */

export interface Ip {
  readonly version: 4 | 6;
  readonly value: bigint;
}

export const IP_BITS = { 4: 32, 6: 128 } as const;

function parseV4(text: string): number | undefined {
  let value = 0;
  let parts = 0;
  let at = 0;
  while (at <= text.length) {
    let part = 0;
    const start = at;
    for (; at < text.length; at++) {
      const digit = text.charCodeAt(at) - 48;
      if (digit < 0 || digit > 9) break;
      part = part * 10 + digit;
    }
    const digits = at - start;
    if (digits === 0 || digits > 3 || part > 255 || (digits > 1 && text.charCodeAt(start) === 48)) return undefined;
    value = value * 256 + part;
    parts++;
    if (at === text.length) break;
    if (text[at] !== '.' || parts === 4) return undefined;
    at++;
  }
  return parts === 4 ? value : undefined;
}

/** The 16-bit groups of one side of `::`; a dotted tail counts as two. */
function parseGroups(text: string, mayEndDotted: boolean): number[] | undefined {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [index, part] of parts.entries()) {
    if (mayEndDotted && index === parts.length - 1 && part.includes('.')) {
      const dotted = parseV4(part);
      if (dotted === undefined) return undefined;
      groups.push(Math.floor(dotted / 65_536), dotted % 65_536);
    } else {
      if (!/^[0-9a-f]{1,4}$/i.test(part)) return undefined;
      groups.push(Number.parseInt(part, 16));
    }
  }
  return groups;
}

function parseV6(text: string): bigint | undefined {
  const gap = text.indexOf('::');
  let groups: number[] | undefined;
  if (gap < 0) {
    groups = parseGroups(text, true);
  } else {
    const head = parseGroups(text.slice(0, gap), false);
    const tail = parseGroups(text.slice(gap + 2), true);
    if (head === undefined || tail === undefined) return undefined;
    const missing = 8 - head.length - tail.length;
    // `::` stands for at least one group; a second `::` fails as an empty group.
    if (missing < 1) return undefined;
    groups = [...head, ...new Array<number>(missing).fill(0), ...tail];
  }
  if (groups?.length !== 8) return undefined;
  return groups.reduce((value, group) => (value << 16n) | BigInt(group), 0n);
}

/** The address, or undefined when the text is not one in strict form. */
export function parseIp(text: string): Ip | undefined {
  if (text.includes(':')) {
    const value = parseV6(text);
    return value === undefined ? undefined : { version: 6, value };
  }
  const value = parseV4(text);
  return value === undefined ? undefined : { version: 4, value: BigInt(value) };
}

/** Canonical text: dotted decimal, or RFC 5952 (IPv4-mapped addresses with a dotted tail). */
export function formatIp(ip: Ip): string {
  if (ip.version === 4) {
    const value = Number(ip.value);
    return `${value >>> 24}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`;
  }
  if (ip.value >> 32n === 0xffffn) return `::ffff:${formatIp({ version: 4, value: ip.value & 0xffffffffn })}`;
  const groups: number[] = [];
  for (let shift = 112n; shift >= 0n; shift -= 16n) groups.push(Number((ip.value >> shift) & 0xffffn));
  let best = { at: -1, length: 1 };
  for (let at = 0; at < 8; at++) {
    let length = 0;
    while (at + length < 8 && groups[at + length] === 0) length++;
    if (length > best.length) best = { at, length };
    if (length > 0) at += length - 1;
  }
  const hex = (part: number[]) => part.map((group) => group.toString(16)).join(':');
  if (best.at < 0) return hex(groups);
  return `${hex(groups.slice(0, best.at))}::${hex(groups.slice(best.at + best.length))}`;
}

/** `::ffff:10.0.0.1` as `10.0.0.1`; every other address as it is. */
export function unmapIp(ip: Ip): Ip {
  return ip.version === 6 && ip.value >> 32n === 0xffffn ? { version: 4, value: ip.value & 0xffffffffn } : ip;
}

/** The address in network byte order: 4 or 16 bytes. */
export function ipToBytes(ip: Ip): Buffer {
  return Buffer.from(ip.value.toString(16).padStart(IP_BITS[ip.version] / 4, '0'), 'hex');
}

/** The address of 4 or 16 bytes in network byte order. Any other length is a bug of the caller. */
export function ipFromBytes(bytes: Uint8Array): Ip {
  if (bytes.length !== 4 && bytes.length !== 16) throw new RangeError(`an IP address has 4 or 16 bytes, not ${bytes.length}`);
  return { version: bytes.length === 4 ? 4 : 6, value: BigInt(`0x${Buffer.from(bytes).toString('hex')}`) };
}
