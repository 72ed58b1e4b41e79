/** IPv4, IPv6, UDP and ICMP as bytes: reading what the TUN gives, and building what goes back. Pure. */

export const PROTOCOL = { icmp: 1, tcp: 6, udp: 17, icmp6: 58 } as const;
export const UDP_HEADER = 8;
const V4_HEADER = 20;
const V6_HEADER = 40;
const V6_PSEUDO_FROM = 8;
const HOP_LIMIT = 64;
const PACKET_LIMIT = 65_535;

export interface ParsedPacket {
  version: 4 | 6;
  protocol: number;
  source: Buffer;
  destination: Buffer;
  /** What follows the IP header. */
  payload: Buffer;
}

/** The addresses and ports of a datagram, as bytes and as numbers. */
export interface ParsedUdp extends ParsedPacket {
  sourcePort: number;
  destinationPort: number;
  data: Buffer;
}

/** Undefined for what is cut short, inconsistent, or a fragment: the kernel puts fragments together before they come here. */
export function parsePacket(packet: Buffer): ParsedPacket | undefined {
  const first = packet[0] ?? 0;
  if (first >> 4 === 4) {
    const header = (first & 15) * 4;
    if (packet.length < V4_HEADER || header < V4_HEADER) return undefined;
    const total = packet.readUInt16BE(2);
    const fragment = (packet.readUInt16BE(6) & 0x3fff) !== 0;
    if (total < header || total > packet.length || fragment) return undefined;
    return {
      version: 4,
      protocol: packet[9] ?? 0,
      source: packet.subarray(12, 16),
      destination: packet.subarray(16, 20),
      payload: packet.subarray(header, total),
    };
  }
  if (first >> 4 === 6) {
    if (packet.length < V6_HEADER) return undefined;
    const end = V6_HEADER + packet.readUInt16BE(4);
    if (end > packet.length) return undefined;
    // Extension headers are left as the protocol: nothing that is forwarded has any.
    return {
      version: 6,
      protocol: packet[6] ?? 0,
      source: packet.subarray(8, 24),
      destination: packet.subarray(24, 40),
      payload: packet.subarray(V6_HEADER, end),
    };
  }
  return undefined;
}

/** The UDP part of a packet of protocol UDP; undefined when its length is wrong. */
export function parseUdp(packet: ParsedPacket): ParsedUdp | undefined {
  const { payload } = packet;
  if (payload.length < UDP_HEADER) return undefined;
  const length = payload.readUInt16BE(4);
  if (length < UDP_HEADER || length > payload.length) return undefined;
  return { ...packet, sourcePort: payload.readUInt16BE(0), destinationPort: payload.readUInt16BE(2), data: payload.subarray(UDP_HEADER, length) };
}

/** Sum of 16-bit big-endian words, not yet folded (RFC 1071). Exact: 64 KiB of them stay far below 2^53. */
export function sumWords(bytes: Uint8Array, from = 0, to = bytes.length, start = 0): number {
  let sum = start;
  const even = from + ((to - from) & ~1);
  for (let at = from; at < even; at += 2) sum += ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
  if (even < to) sum += (bytes[even] as number) << 8;
  return sum;
}

export function foldChecksum(sum: number): number {
  let folded = sum;
  while (folded > 0xffff) folded = (folded % 0x10000) + Math.floor(folded / 0x10000);
  return ~folded & 0xffff;
}

/** Writes an IP header into `packet`, whose length is the packet's; returns where the payload begins. */
function writeIpHeader(packet: Buffer, source: Buffer, destination: Buffer, protocol: number): number {
  if (source.length === 4) {
    packet.fill(0, 0, V4_HEADER);
    packet[0] = 0x45;
    packet.writeUInt16BE(packet.length, 2);
    packet[8] = HOP_LIMIT;
    packet[9] = protocol;
    source.copy(packet, 12);
    destination.copy(packet, 16);
    packet.writeUInt16BE(foldChecksum(sumWords(packet, 0, V4_HEADER)), 10);
    return V4_HEADER;
  }
  packet.fill(0, 0, V6_PSEUDO_FROM);
  packet[0] = 0x60;
  packet.writeUInt16BE(packet.length - V6_HEADER, 4);
  packet[6] = protocol;
  packet[7] = HOP_LIMIT;
  source.copy(packet, 8);
  destination.copy(packet, 24);
  return V6_HEADER;
}

function pseudoSum(source: Buffer, destination: Buffer, protocol: number, length: number): number {
  return sumWords(source) + sumWords(destination) + protocol + length;
}

/** Largest payload that fits a packet: 65,507 bytes over IPv4, 65,487 over IPv6. */
export function udpRoom(version: 4 | 6): number {
  return PACKET_LIMIT - UDP_HEADER - (version === 4 ? V4_HEADER : V6_HEADER);
}

/** Builds a datagram's packet behind `prefix` free bytes. The caller keeps to {@link udpRoom}. */
export function buildUdp(source: Buffer, sourcePort: number, destination: Buffer, destinationPort: number, data: Uint8Array, prefix = 0): Buffer {
  const length = UDP_HEADER + data.length;
  const whole = Buffer.allocUnsafe(prefix + (source.length === 4 ? V4_HEADER : V6_HEADER) + length);
  const packet = prefix === 0 ? whole : whole.subarray(prefix);
  const at = writeIpHeader(packet, source, destination, PROTOCOL.udp);
  packet.writeUInt16BE(sourcePort, at);
  packet.writeUInt16BE(destinationPort, at + 2);
  packet.writeUInt16BE(length, at + 4);
  packet.writeUInt16BE(0, at + 6);
  packet.set(data, at + UDP_HEADER);
  const checksum = foldChecksum(sumWords(packet, at, packet.length, pseudoSum(source, destination, PROTOCOL.udp, length)));
  // Zero would say that there is none (RFC 768).
  packet.writeUInt16BE(checksum === 0 ? 0xffff : checksum, at + 6);
  return whole;
}

/** ICMP type and code for each version (RFC 792, RFC 4443). */
const UNREACHABLE = {
  port: { 4: [3, 3], 6: [1, 4] },
  prohibited: { 4: [3, 13], 6: [1, 1] },
} as const;
export type UnreachableReason = keyof typeof UNREACHABLE;
/** How much of the packet that it is about an ICMP error carries: the least that all hosts take as a whole. */
const QUOTE_LIMIT = { 4: 548, 6: 1_232 } as const;

/** Whether an error about this packet may be sent (RFC 1122 3.2.2): not about errors, and not to or from many. */
export function mayAnswerWithError({ version, protocol, source, destination, payload }: ParsedPacket): boolean {
  if (version === 4) {
    if ((destination[0] as number) >= 224 || (source[0] as number) === 0) return false;
    // Echo, timestamp and address mask are questions; the rest are errors or answers.
    return protocol !== PROTOCOL.icmp || [8, 13, 17].includes(payload[0] ?? 0);
  }
  if (destination[0] === 0xff || source.every((byte) => byte === 0)) return false;
  return protocol !== PROTOCOL.icmp6 || payload[0] === 128;
}

/** The ICMP error about `about`, a packet's leading bytes, as if its destination had sent it; behind `prefix` free bytes. */
export function buildUnreachable(
  about: Buffer,
  parsed: Pick<ParsedPacket, 'version' | 'source' | 'destination'>,
  reason: UnreachableReason,
  prefix = 0,
): Buffer {
  const { version, source, destination } = parsed;
  const quote = about.subarray(0, QUOTE_LIMIT[version]);
  const length = 8 + quote.length;
  const whole = Buffer.alloc(prefix + (version === 4 ? V4_HEADER : V6_HEADER) + length);
  const packet = whole.subarray(prefix);
  const protocol = version === 4 ? PROTOCOL.icmp : PROTOCOL.icmp6;
  const at = writeIpHeader(packet, destination, source, protocol);
  const [type, code] = UNREACHABLE[reason][version];
  packet[at] = type;
  packet[at + 1] = code;
  quote.copy(packet, at + 8);
  const start = version === 4 ? 0 : pseudoSum(destination, source, protocol, length);
  packet.writeUInt16BE(foldChecksum(sumWords(packet, at, packet.length, start)), at + 2);
  return whole;
}
