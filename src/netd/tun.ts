/** The TUN device. It, its addresses and its routes live exactly as long as the file descriptor: nothing is persistent. */
import { closeSync, constants, openSync } from 'node:fs';
import { CodedError } from '../base/errors.ts';
import { LINUX, type Libc } from './libc.ts';

export interface Tun {
  readonly fd: number;
  readonly device: string;
  /** Only when no thread is inside a call on `fd`: the kernel keeps the device until the last one returns. */
  close(): void;
}

const IFREQ_SIZE = 40;
const IFNAMSIZ = 16;

/** Makes a device named `prefix` and the first free number. */
export function openTun(libc: Libc, prefix: string): Tun {
  let fd: number;
  try {
    fd = openSync('/dev/net/tun', constants.O_RDWR | constants.O_NONBLOCK);
  } catch (error) {
    throw new CodedError('TP-NETD-FAILED', 'The TUN device /dev/net/tun could not be opened.', { cause: error });
  }
  const request = Buffer.alloc(IFREQ_SIZE);
  // The kernel puts the number in place of %d.
  request.write(`${prefix}%d`, 0, IFNAMSIZ - 1, 'latin1');
  request.writeUInt16LE(LINUX.IFF_TUN | LINUX.IFF_NO_PI, IFNAMSIZ);
  if (libc.ioctl(fd, LINUX.TUNSETIFF, request) < 0) {
    const errno = libc.errno();
    closeSync(fd);
    throw new CodedError('TP-NETD-FAILED', `The kernel refused a TUN device (errno ${errno}).`);
  }
  const device = request.toString('latin1', 0, request.indexOf(0));
  return { fd, device, close: () => closeSync(fd) };
}
