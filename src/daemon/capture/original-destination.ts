/** Where a redirected connection was going: `getsockopt(SO_ORIGINAL_DST)`, which Node does not have. */
import type { Socket } from 'node:net';
import koffi from 'koffi';
import { formatIp, ipFromBytes } from '../../net/index.ts';

export interface Destination {
  host: string;
  port: number;
}

const SOL_IP = 0;
const SOL_IPV6 = 41;
/** The same number at both levels. */
const SO_ORIGINAL_DST = 80;
const SOCKADDR_IN6_SIZE = 28;

/** The descriptor of a socket: Node keeps it on its handle, without a public name. */
function descriptorOf(socket: Socket): number {
  const { _handle: handle } = socket as unknown as { _handle?: { fd?: number } | null };
  return handle?.fd ?? -1;
}

/** Makes the reader: undefined when the connection was not redirected (then there is nothing to find), or is closed already. */
export function createDestinationReader(): (socket: Socket) => Destination | undefined {
  const getsockopt = koffi.load(null).func('int getsockopt(int, int, int, uint8_t *, uint8_t *)') as (
    fd: number,
    level: number,
    name: number,
    value: Buffer,
    length: Buffer,
  ) => number;
  const address = Buffer.alloc(SOCKADDR_IN6_SIZE);
  const length = Buffer.alloc(4);
  const ask = (fd: number, level: number): boolean => {
    length.writeUInt32LE(address.length);
    return getsockopt(fd, level, SO_ORIGINAL_DST, address, length) === 0;
  };
  return (socket) => {
    const fd = descriptorOf(socket);
    if (fd < 0) return undefined;
    // IPv4 first: it is the usual case, and on a dual-stack socket IPv4 connections answer at this level too.
    if (ask(fd, SOL_IP)) return { host: `${address[4]}.${address[5]}.${address[6]}.${address[7]}`, port: address.readUInt16BE(2) };
    if (ask(fd, SOL_IPV6)) return { host: formatIp(ipFromBytes(address.subarray(8, 24))), port: address.readUInt16BE(2) };
    return undefined;
  };
}
