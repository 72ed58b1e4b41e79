/** Connections from other network namespaces. A socket belongs to the one in which it was made, whoever connects it. */
import { Socket } from 'node:net';
import { getSystemErrorName } from 'node:util';
import { sleep } from '../../base/retry.ts';
import type { Libc } from '../node/runtime/libc.ts';
import { DIAL_POLL_MS } from './limits.ts';

const AF_INET = 2;
const STREAM = 1 | 0o4000 | 0o2000000; // SOCK_STREAM, non-blocking, closed at exec
const ERRNO = { CONNECTED: 106, ALREADY: 114, IN_PROGRESS: 115 } as const;

/** @param within runs what it is given in the namespace */
export async function dialHere(libc: Libc, within: (open: () => number) => number, ip: string, port: number, timeoutMs: number): Promise<Socket> {
  const fd = within(() => libc.socket(AF_INET, STREAM, 0));
  if (fd < 0) throw failed('socket', libc.errno(), ip, port);
  const address = Buffer.from([AF_INET, 0, port >> 8, port & 0xff, ...ip.split('.').map(Number), 0, 0, 0, 0, 0, 0, 0, 0]);
  const deadline = performance.now() + timeoutMs;
  // Within the machine all is said and done when the call returns, but for a server whose queue is full, and nobody at the address.
  for (let wait = 1; libc.connect(fd, address, address.length) < 0; wait = Math.min(2 * wait, DIAL_POLL_MS)) {
    const errno = libc.errno();
    if (errno === ERRNO.CONNECTED) break;
    const waits = errno === ERRNO.IN_PROGRESS || errno === ERRNO.ALREADY;
    if (waits && performance.now() < deadline) {
      await sleep(wait);
      continue;
    }
    libc.close(fd);
    throw waits ? new Error(`dial tcp ${ip}:${port}: i/o timeout`) : failed('connect', errno, ip, port);
  }
  const socket = new Socket({ fd, readable: true, writable: true, allowHalfOpen: true });
  // it breaks with the pod that it leads to, perhaps before its user listens or after: with no listener at all that would end the sandbox
  socket.on('error', () => {});
  return socket;
}

function failed(call: string, errno: number, ip: string, port: number): Error {
  const code = getSystemErrorName(-errno);
  return Object.assign(new Error(`${call} ${code} ${ip}:${port}`), { code, errno: -errno });
}
