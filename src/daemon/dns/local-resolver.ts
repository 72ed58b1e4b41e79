/**
 * Resolvers that run on this workstation (dnsmasq, unbound) and stand in resolv.conf. What such a one asks of other servers is let pass:
 * it would keep the cluster's answers in its cache, where they outlive the session.
 */
import { readdir, readFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { codeOf } from '../../base/errors.ts';
import { formatIp, ipFromBytes, parseIp } from '../../net/index.ts';

/** Programs that forward DNS: most open their port as root and ask as a user of their own, which the port's socket doesn't show. */
const RESOLVERS = new Set([
  'AdGuardHome',
  'blocky',
  'cloudflared',
  'coredns',
  'dnscrypt-proxy',
  'dnsmasq',
  'kresd',
  'named',
  'nextdns',
  'pdns_recursor',
  'pihole-FTL',
  'smartdns',
  'stubby',
  'unbound',
]);
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
  return text
    .split('\n')
    .slice(1)
    .flatMap((line) => {
      const [, local = '', , , , , , uid = ''] = line.trim().split(/\s+/);
      const [address = '', port = ''] = local.split(':');
      return address === '' || port === '' ? [] : [{ address: addressOf(address), port: Number.parseInt(port, 16), uid: Number(uid) }];
    });
}

/** Undefined for what is gone, hidden, or not there without IPv6. */
async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (thrown) {
    if (['ENOENT', 'EACCES', 'ESRCH'].includes(codeOf(thrown) ?? '')) return undefined;
    throw thrown;
  }
}

/** The effective user of a process from its /proc/PID/status, if it is one of {@link RESOLVERS}. Pure. */
export function resolverUid(status: string): number | undefined {
  const name = /^Name:\s+(.*)$/m.exec(status)?.[1] ?? '';
  const uid = /^Uid:\s+\d+\s+(\d+)/m.exec(status)?.[1];
  return RESOLVERS.has(name) && uid !== undefined ? Number(uid) : undefined;
}

async function runningResolvers(): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const statuses = await Promise.all(pids.map((pid) => readIfThere(`/proc/${pid}/status`)));
  return statuses.map((status) => resolverUid(status ?? '')).filter((uid) => uid !== undefined);
}

/**
 * Users whose DNS queries pass: those of resolvers at `servers` on this host. Never root and never `self`: other programs
 * of theirs are many, and they are to find the cluster's names.
 */
export async function localResolverUids(servers: readonly string[], self: number): Promise<number[]> {
  const own = new Set(
    Object.values(networkInterfaces())
      .flatMap((addresses) => addresses ?? [])
      .map(({ address }) => address),
  );
  const local = servers.filter((server) => {
    const ip = parseIp(server);
    return ip !== undefined && (server.startsWith('127.') || own.has(formatIp(ip)));
  });
  if (local.length === 0) return [];
  const tables = await Promise.all(['/proc/net/udp', '/proc/net/udp6'].map(readIfThere));
  const listening = tables
    .flatMap((text) => parseUdpTable(text ?? ''))
    .filter(({ port, address }) => port === DNS_PORT && (ANY.has(address) || local.includes(address)));
  const uids = [...listening.map(({ uid }) => uid), ...(await runningResolvers())];
  return [...new Set(uids)].filter((uid) => uid !== 0 && uid !== self).sort((a, b) => a - b);
}
