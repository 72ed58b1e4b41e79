/** Starts and ends the thread of {@link runPump}; opens what it waits on besides the TUN. */
import { Worker } from 'node:worker_threads';
import { CodedError } from '../base/errors.ts';
import { LINUX, type Libc } from './libc.ts';
import { PACKET_SOCKET_BUFFER } from './limits.ts';
import type { PumpEvent, PumpFds } from './pump.ts';

export interface PacketThread {
  /** Ends the thread; resolves when it is inside no call any more. Idempotent. */
  close(): Promise<void>;
}

export interface PacketThreadOptions {
  libc: Libc;
  /** The program's own entry: as a worker it runs the pump with `workerData` (see bin/netd.ts). */
  workerUrl: URL;
  tun: number;
  /** Connection to the daemon, from {@link connectPackets}. */
  socket: number;
  onNetworkChange: () => void;
  /** The pump ended by itself. */
  onDeath: (reason: string) => void;
}

const SUN_PATH_LIMIT = 108;

/** Dials the daemon's socket and says which of the two connections this is. Gives a non-blocking descriptor for the pump. */
export function connectPackets(libc: Libc, path: string): number {
  const bytes = Buffer.from(path);
  if (bytes.length >= SUN_PATH_LIMIT) throw new CodedError('TP-NETD-FAILED', `The path of the daemon's socket is longer than ${SUN_PATH_LIMIT - 1} bytes.`);
  const fd = libc.socket(LINUX.AF_UNIX, LINUX.SOCK_STREAM | LINUX.SOCK_CLOEXEC, 0);
  const address = Buffer.alloc(2 + SUN_PATH_LIMIT);
  address.writeUInt16LE(LINUX.AF_UNIX, 0);
  bytes.copy(address, 2);
  const greeting = Buffer.from('packets\n');
  if (fd < 0 || libc.connect(fd, address, address.length) < 0 || libc.send(fd, greeting, greeting.length, LINUX.MSG_NOSIGNAL) !== greeting.length) {
    throw new CodedError('TP-NETD-FAILED', `The packet connection to the daemon failed (errno ${libc.errno()}).`);
  }
  const size = Buffer.alloc(4);
  size.writeUInt32LE(PACKET_SOCKET_BUFFER);
  // Without the right to force it the system's limit holds: bursts are then dropped earlier.
  libc.setsockopt(fd, LINUX.SOL_SOCKET, LINUX.SO_SNDBUFFORCE, size, size.length);
  return fd;
}

/** A socket that gets a message for each change of links (1), IPv4 routes (0x40) and IPv6 routes (0x400). */
function openNetlink(libc: Libc): number {
  const fd = libc.socket(LINUX.AF_NETLINK, LINUX.SOCK_RAW | LINUX.SOCK_CLOEXEC | LINUX.SOCK_NONBLOCK, 0);
  const address = Buffer.alloc(12);
  address.writeUInt16LE(LINUX.AF_NETLINK, 0);
  address.writeUInt32LE(1 | 0x40 | 0x400, 8);
  if (fd < 0 || libc.bind(fd, address, address.length) < 0) throw new CodedError('TP-NETD-FAILED', `Route changes can't be watched (errno ${libc.errno()}).`);
  return fd;
}

export function startPacketThread(options: PacketThreadOptions): PacketThread {
  const { libc, workerUrl, tun, socket, onNetworkChange, onDeath } = options;
  const netlink = openNetlink(libc);
  const wake = libc.eventfd(0, LINUX.EFD_CLOEXEC);
  const fds: PumpFds = { tun, socket, wake, netlink };
  // Little is kept: two buffers outside the heap.
  const worker = new Worker(workerUrl, { workerData: fds, env: {}, resourceLimits: { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 4 } });
  let closing = false;
  worker.on('message', (event: PumpEvent) => {
    if (event.kind === 'network-changed') onNetworkChange();
    else if (!closing) onDeath(event.reason ?? 'the packet thread ended');
  });
  worker.on('error', (error) => {
    if (!closing) onDeath(error.message);
  });
  const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  const released = exited.then(() => {
    libc.close(netlink);
    libc.close(wake);
  });
  return {
    close: () => {
      if (!closing) {
        closing = true;
        const one = Buffer.alloc(8);
        one.writeBigUInt64LE(1n);
        libc.write(wake, one, one.length);
      }
      return released;
    },
  };
}
