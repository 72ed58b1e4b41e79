/**
 * The range of source ports from which our own queries leave, which nft lets pass. It lies outside the kernel's ephemeral
 * range, so that no other program's query gets such a port by chance and slips past the capture.
 */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { codeOf } from '../../base/errors.ts';

export const EXEMPT_PORTS = 64;
/** UDP sockets of each address family: the source port adds four bits to the sixteen of the id against forged answers. */
export const UPSTREAM_UDP_SOCKETS = 16;
export const LOWEST_EXEMPT_PORT = 10_240;
export const HIGHEST_EXEMPT_PORT = 65_535;
export const EXEMPT_RANGE_TRIES = 32;

export interface PortRange {
  first: number;
  last: number;
}

/** Ranges of {@link EXEMPT_PORTS} ports that do not touch the kernel's ephemeral ports. */
export function candidateRanges(ephemeral: PortRange): PortRange[] {
  const ranges: PortRange[] = [];
  for (let first = LOWEST_EXEMPT_PORT; first + EXEMPT_PORTS - 1 <= HIGHEST_EXEMPT_PORT; first += EXEMPT_PORTS) {
    const last = first + EXEMPT_PORTS - 1;
    if (last < ephemeral.first || first > ephemeral.last) ranges.push({ first, last });
  }
  return ranges;
}

async function ephemeralRange(): Promise<PortRange> {
  try {
    const [first = 32_768, last = 60_999] = (await readFile('/proc/sys/net/ipv4/ip_local_port_range', 'utf8')).trim().split(/\s+/).map(Number);
    return { first, last };
  } catch (thrown) {
    // Not Linux, or /proc is hidden: the default of Linux is the best guess.
    if (codeOf(thrown) === 'ENOENT' || codeOf(thrown) === 'EACCES') return { first: 32_768, last: 60_999 };
    throw thrown;
  }
}

async function bindUdp(family: 'udp4' | 'udp6', port: number): Promise<Socket | undefined> {
  const socket = createSocket({ type: family, ...(family === 'udp6' && { ipv6Only: true }) });
  try {
    socket.bind(port);
    await once(socket, 'listening');
    return socket;
  } catch (thrown) {
    socket.close();
    const code = codeOf(thrown);
    if (code === 'EADDRINUSE' || code === 'EACCES') return undefined;
    throw thrown;
  }
}

function shuffled<T>(items: T[]): T[] {
  return items
    .map((item) => ({ item, key: Math.random() }))
    .sort((a, b) => a.key - b.key)
    .map(({ item }) => item);
}

/** Finds a range where every family gets its UDP sockets, and binds them at random places in it. */
export async function bindExemptSockets(families: ReadonlySet<4 | 6>): Promise<{ range: PortRange; sockets: Map<4 | 6, Socket[]> }> {
  const ranges = shuffled(candidateRanges(await ephemeralRange())).slice(0, EXEMPT_RANGE_TRIES);
  for (const range of ranges) {
    const sockets = new Map<4 | 6, Socket[]>();
    for (const family of families) {
      const bound: Socket[] = [];
      const ports = shuffled(Array.from({ length: EXEMPT_PORTS }, (_, i) => range.first + i));
      for (const port of ports) {
        if (bound.length === UPSTREAM_UDP_SOCKETS) break;
        const socket = await bindUdp(family === 4 ? 'udp4' : 'udp6', port);
        // Somebody else's socket in the range would be exempted too.
        if (socket === undefined) break;
        bound.push(socket);
      }
      sockets.set(family, bound);
    }
    if ([...sockets.values()].every((bound) => bound.length === UPSTREAM_UDP_SOCKETS)) return { range, sockets };
    for (const socket of [...sockets.values()].flat()) socket.close();
  }
  throw new Error(`no free range of ${EXEMPT_PORTS} ports for DNS was found`);
}
