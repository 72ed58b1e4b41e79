/** Layouts of RDATA that hold domain names, and typed access to the records that programs look into. */
import { formatIp, ipFromBytes, ipToBytes, parseIp } from '../net/index.ts';
import { CLASS, DNS_UDP_SIZE, type DnsMessage, type DnsRecord, TYPE } from './types.ts';

/** A field of RDATA: so many bytes, a domain name, a character string, or all that is left. */
export type RdataField = number | 'name' | 'string' | 'rest';

/** Types whose RDATA may come with compressed names (RFC 3597 4), so that their bytes mean nothing outside their message. */
export const RDATA_LAYOUTS: ReadonlyMap<number, readonly RdataField[]> = new Map<number, readonly RdataField[]>([
  [TYPE.NS, ['name']],
  [3, ['name']],
  [4, ['name']],
  [TYPE.CNAME, ['name']],
  [TYPE.SOA, ['name', 'name', 20]],
  [7, ['name']],
  [8, ['name']],
  [9, ['name']],
  [TYPE.PTR, ['name']],
  [14, ['name', 'name']],
  [TYPE.MX, [2, 'name']],
  [17, ['name', 'name']],
  [18, [2, 'name']],
  [21, [2, 'name']],
  [24, [18, 'name', 'rest']],
  [26, [2, 'name', 'name']],
  [30, ['name', 'rest']],
  [TYPE.SRV, [6, 'name']],
  [35, [4, 'string', 'string', 'string', 'name']],
  [36, [2, 'name']],
  [TYPE.DNAME, ['name']],
]);
/** Types whose names may be written compressed: only those of RFC 1035 (RFC 3597 4). */
export const COMPRESSED_TYPES: ReadonlySet<number> = new Set([TYPE.NS, 3, 4, TYPE.CNAME, TYPE.SOA, 7, 8, 9, TYPE.PTR, 14, TYPE.MX]);

/** Bytes of an address literal, 4 or 16; undefined when it is none. */
export function addressBytes(address: string): Buffer | undefined {
  const ip = parseIp(address);
  return ip && ipToBytes(ip);
}

/** An A or AAAA record; undefined when `address` is no address. */
export function addressRecord(name: string, address: string, ttl: number): DnsRecord | undefined {
  const bytes = addressBytes(address);
  return bytes && { name, type: bytes.length === 4 ? TYPE.A : TYPE.AAAA, class: CLASS.IN, ttl, data: [bytes] };
}

/** The address of an A or AAAA record; undefined for others. */
export function addressOf(record: DnsRecord): string | undefined {
  const part = record.data[0];
  if (!Buffer.isBuffer(part)) return undefined;
  if ((record.type === TYPE.A && part.length === 4) || (record.type === TYPE.AAAA && part.length === 16)) return formatIp(ipFromBytes(part));
  return undefined;
}

/** The name that a CNAME, PTR, NS, MX or SRV record points to. */
export function targetOf(record: DnsRecord): string | undefined {
  return record.type === TYPE.SOA ? undefined : record.data.find((part) => typeof part === 'string');
}

/** Seconds that a negative answer with this SOA may be kept (RFC 2308 5). */
export function negativeTtlOf(record: DnsRecord): number | undefined {
  const numbers = record.data[2];
  if (record.type !== TYPE.SOA || !Buffer.isBuffer(numbers) || numbers.length !== 20) return undefined;
  return Math.min(record.ttl, numbers.readUInt32BE(16));
}

/** The OPT record of a message (RFC 6891); undefined when it has none. */
export function optOf(message: DnsMessage): DnsRecord | undefined {
  return message.additionals.find((record) => record.type === TYPE.OPT);
}

/** An OPT record that offers {@link DNS_UDP_SIZE}, with the DO bit as asked. */
export function optRecord(dnssecOk = false): DnsRecord {
  return { name: '', type: TYPE.OPT, class: DNS_UDP_SIZE, ttl: dnssecOk ? 0x8000 : 0, data: [] };
}
