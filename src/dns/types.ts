/** Record types that are treated by name somewhere; all others travel as their numbers. */
export const TYPE = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  DNAME: 39,
  OPT: 41,
  HTTPS: 65,
  IXFR: 251,
  AXFR: 252,
  ANY: 255,
} as const;
export const CLASS = { IN: 1, ANY: 255 } as const;
export const RCODE = { NOERROR: 0, FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5 } as const;
export const OPCODE = { QUERY: 0 } as const;

/** Largest DNS message: its length on TCP has two bytes. */
export const DNS_MESSAGE_LIMIT = 65_535;
/** Largest answer over UDP to a client that did not say what it takes (RFC 1035 4.2.1). */
export const DNS_UDP_DEFAULT_SIZE = 512;
/** UDP payload that we offer and never exceed (DNS flag day 2020: no fragments). */
export const DNS_UDP_SIZE = 1232;

export interface DnsQuestion {
  name: string;
  type: number;
  class: number;
}

/** RDATA in order: bytes, and domain names as strings (so that they survive compression). */
export type RdataPart = Buffer | string;

export interface DnsRecord {
  /** Owner in presentation form (RFC 1035 5.1 escapes), no dot at the end; the root is ''. */
  name: string;
  type: number;
  class: number;
  ttl: number;
  data: readonly RdataPart[];
}

export interface DnsMessage {
  id: number;
  response: boolean;
  opcode: number;
  authoritative: boolean;
  truncated: boolean;
  recursionDesired: boolean;
  recursionAvailable: boolean;
  authenticData: boolean;
  checkingDisabled: boolean;
  /** The four bits of the header; the upper bits stand in the OPT record. */
  rcode: number;
  questions: DnsQuestion[];
  answers: DnsRecord[];
  authorities: DnsRecord[];
  additionals: DnsRecord[];
}
