/**
 * The packet pump: a thread that blocks in poll and moves packets between the TUN and the daemon's socket, each with
 * two bytes of length before it there. What doesn't fit is left in the kernel's queues, which drop when they are full.
 * It also listens for changes of links and routes, because it is the thread that waits anyway.
 */
import { LINUX, type Libc, loadLibc } from './libc.ts';
import { PUMP_BUFFER_BYTES, TUN_MTU } from './limits.ts';

export interface PumpFds {
  tun: number;
  /** Stream socket to the daemon, non-blocking. */
  socket: number;
  /** eventfd: readable means end. */
  wake: number;
  /** Netlink socket, non-blocking; any message means that links or routes changed. */
  netlink: number;
}

export type PumpEvent = { kind: 'network-changed' } | { kind: 'ended'; reason?: string };

const LENGTH_BYTES = 2;
const POLLFD_SIZE = 8;

/** TUN → socket. One buffer: packets are read behind one another, sent in one call, and nothing more is read until all is sent. */
function createUpward(libc: Libc, fds: PumpFds) {
  const buffer = Buffer.allocUnsafeSlow(PUMP_BUFFER_BYTES);
  let from = 0;
  let to = 0;
  return {
    pending: () => from < to,
    read(): void {
      while (to + LENGTH_BYTES + TUN_MTU <= buffer.length) {
        const got = libc.read(fds.tun, buffer.subarray(to + LENGTH_BYTES), TUN_MTU);
        if (got < 0) {
          const errno = libc.errno();
          if (errno === LINUX.EAGAIN || errno === LINUX.EINTR) return;
          throw new Error(`reading the TUN failed (errno ${errno})`);
        }
        buffer.writeUInt16BE(got, to);
        to += LENGTH_BYTES + got;
      }
    },
    /** False when the daemon has closed the connection. */
    flush(): boolean {
      while (from < to) {
        const sent = libc.send(fds.socket, buffer.subarray(from, to), to - from, LINUX.MSG_DONTWAIT | LINUX.MSG_NOSIGNAL);
        if (sent < 0) {
          const errno = libc.errno();
          if (errno === LINUX.EINTR) continue;
          return errno === LINUX.EAGAIN;
        }
        from += sent;
      }
      from = 0;
      to = 0;
      return true;
    },
  };
}

/** Socket → TUN. A packet that the kernel refuses is dropped, as on any link. */
function createDownward(libc: Libc, fds: PumpFds) {
  const buffer = Buffer.allocUnsafeSlow(PUMP_BUFFER_BYTES);
  let filled = 0;
  return {
    /** False when the daemon has closed the connection. */
    move(): boolean {
      const got = libc.recv(fds.socket, buffer.subarray(filled), buffer.length - filled, LINUX.MSG_DONTWAIT);
      if (got < 0) {
        const errno = libc.errno();
        return errno === LINUX.EAGAIN || errno === LINUX.EINTR;
      }
      if (got === 0) return false;
      filled += got;
      let at = 0;
      while (filled - at >= LENGTH_BYTES) {
        const length = buffer.readUInt16BE(at);
        if (filled - at < LENGTH_BYTES + length) break;
        libc.write(fds.tun, buffer.subarray(at + LENGTH_BYTES, at + LENGTH_BYTES + length), length);
        at += LENGTH_BYTES + length;
      }
      buffer.copyWithin(0, at, filled);
      filled -= at;
      return true;
    },
  };
}

/** Runs until it is woken (`ended`) or a descriptor fails (`ended` with a reason). Blocks its thread. */
export function runPump(fds: PumpFds, notify: (event: PumpEvent) => void): void {
  const libc = loadLibc();
  const up = createUpward(libc, fds);
  const down = createDownward(libc, fds);
  const scratch = Buffer.allocUnsafeSlow(65_536);
  const order = [fds.wake, fds.netlink, fds.socket, fds.tun];
  const polled = Buffer.alloc(POLLFD_SIZE * order.length);
  for (const [index, fd] of order.entries()) polled.writeInt32LE(fd, index * POLLFD_SIZE);
  const watch = (index: number, events: number) => polled.writeInt16LE(events, index * POLLFD_SIZE + 4);
  const seen = (index: number) => polled.readInt16LE(index * POLLFD_SIZE + 6);
  watch(0, LINUX.POLLIN);
  watch(1, LINUX.POLLIN);
  try {
    for (;;) {
      watch(2, up.pending() ? LINUX.POLLIN | LINUX.POLLOUT : LINUX.POLLIN);
      watch(3, up.pending() ? 0 : LINUX.POLLIN);
      if (libc.poll(polled, order.length, -1) < 0) {
        const errno = libc.errno();
        if (errno === LINUX.EINTR) continue;
        throw new Error(`poll failed (errno ${errno})`);
      }
      if (seen(0) !== 0) return notify({ kind: 'ended' });
      if (seen(1) !== 0) {
        while (libc.recv(fds.netlink, scratch, scratch.length, LINUX.MSG_DONTWAIT) > 0);
        notify({ kind: 'network-changed' });
      }
      if ((seen(2) & ~LINUX.POLLOUT) !== 0 && !down.move()) throw new Error('the daemon closed the packet connection');
      if (seen(3) !== 0) up.read();
      if (up.pending() && !up.flush()) throw new Error('the daemon closed the packet connection');
    }
  } catch (error) {
    notify({ kind: 'ended', reason: error instanceof Error ? error.message : String(error) });
  }
}
