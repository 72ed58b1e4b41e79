/**
 * Resolvers that run on this workstation (dnsmasq, unbound) and stand in resolv.conf. What such a one asks of other servers is let pass:
 * it would keep the cluster's answers in its cache, where they outlive the session.
 */
import { readFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { codeOf } from '../../base/errors.ts';
import { formatIp, ipFromBytes, parseIp } from '../../net/index.ts';

const DNS_PORT = 53;
const ANY = new Set(['0.0.0.0', '::']);

interface UdpSocketRow {
  address: string;
  port: number;
  uid: number;
}

/** The kernel's words are in the byte order of the machine, and all machines of ours are little-endian. */
function addressOf(hex: string): string {
  const bytes = Buffer.from(hex, 'hex');
  for (let at = 0; at < bytes.length; at += 4) bytes.subarray(at, at + 4).reverse();
  return formatIp(ipFromBytes(bytes));
}

/** The text of /proc/net/udp or udp6. Pure. */
export function parseUdpTable(text: string): UdpSocketRow[] {
  return text.split('\n').slice(1).flatMap((line) => {
    const [, local = '', , , , , , uid = ''] = line.trim().split(/\s+/);
    const [address = '', port = ''] = local.split(':');
    return address === '' || port === '' ? [] : [{ address: addressOf(address), port: Number.parseInt(port, 16), uid: Number(uid) }];
  });
}

async function readTable(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (thrown) {
    // Without IPv6 there is no such file; where /proc is hidden nothing is known.
    if (codeOf(thrown) === 'ENOENT' || codeOf(thrown) === 'EACCES') return '';
    throw thrown;
  }
}

/**
 * Users whose DNS queries pass: those of resolvers at `servers` on this host. Never root and never `self`: other programs
 * of theirs are many, and they are to find the cluster's names.
 */
export async function localResolverUids(servers: readonly string[], self: number): Promise<number[]> {
  const own = new Set(Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []).map(({ address }) => address));
  const local = servers.filter((server) => {
    const ip = parseIp(server);
    return ip !== undefined && (server.startsWith('127.') || own.has(formatIp(ip)));
  });
  if (local.length === 0) return [];
  const rows = (await Promise.all(['/proc/net/udp', '/proc/net/udp6'].map(readTable))).flatMap(parseUdpTable);
  const theirs = rows.filter(({ port, address }) => port === DNS_PORT && (ANY.has(address) || local.includes(address)));
  return [...new Set(theirs.map(({ uid }) => uid))].filter((uid) => uid !== 0 && uid !== self);
}
