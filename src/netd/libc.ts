/** The few libc calls that Node does not have. Each returns what the C function returns; `errno()` says why it was -1. */
import koffi from 'koffi';

export interface Libc {
  read(fd: number, buffer: Uint8Array, length: number): number;
  write(fd: number, buffer: Uint8Array, length: number): number;
  send(fd: number, buffer: Uint8Array, length: number, flags: number): number;
  recv(fd: number, buffer: Uint8Array, length: number, flags: number): number;
  ioctl(fd: number, request: number, argument: Uint8Array): number;
  socket(domain: number, type: number, protocol: number): number;
  connect(fd: number, address: Uint8Array, length: number): number;
  bind(fd: number, address: Uint8Array, length: number): number;
  setsockopt(fd: number, level: number, name: number, value: Uint8Array, length: number): number;
  eventfd(initial: number, flags: number): number;
  poll(fds: Uint8Array, count: number, timeoutMs: number): number;
  prctl(option: number, a: number, b: number, c: number, d: number): number;
  capset(header: Uint8Array, data: Uint8Array): number;
  close(fd: number): number;
  errno(): number;
}

/** Numbers of Linux that are the same on every architecture Node runs on there. */
export const LINUX = {
  EINTR: 4,
  EAGAIN: 11,
  AF_UNIX: 1,
  AF_NETLINK: 16,
  SOCK_STREAM: 1,
  SOCK_RAW: 3,
  SOCK_CLOEXEC: 0o2000000,
  SOCK_NONBLOCK: 0o4000,
  EFD_CLOEXEC: 0o2000000,
  MSG_DONTWAIT: 0x40,
  MSG_NOSIGNAL: 0x4000,
  SOL_SOCKET: 1,
  SO_SNDBUFFORCE: 32,
  SO_RCVBUFFORCE: 33,
  POLLIN: 1,
  POLLOUT: 4,
  TUNSETIFF: 0x400454ca,
  IFF_TUN: 0x0001,
  IFF_NO_PI: 0x1000,
} as const;

/** Loads libc: once for each thread that needs it. */
export function loadLibc(): Libc {
  const lib = koffi.load(null);
  return {
    read: lib.func('long read(int, uint8_t *, ulong)'),
    write: lib.func('long write(int, const uint8_t *, ulong)'),
    send: lib.func('long send(int, const uint8_t *, ulong, int)'),
    recv: lib.func('long recv(int, uint8_t *, ulong, int)'),
    ioctl: lib.func('int ioctl(int, ulong, uint8_t *)'),
    socket: lib.func('int socket(int, int, int)'),
    connect: lib.func('int connect(int, const uint8_t *, uint)'),
    bind: lib.func('int bind(int, const uint8_t *, uint)'),
    setsockopt: lib.func('int setsockopt(int, int, int, const uint8_t *, uint)'),
    eventfd: lib.func('int eventfd(uint, int)'),
    poll: lib.func('int poll(uint8_t *, ulong, int)'),
    prctl: lib.func('int prctl(int, ulong, ulong, ulong, ulong)'),
    capset: lib.func('int capset(uint8_t *, const uint8_t *)'),
    close: lib.func('int close(int)'),
    errno: () => koffi.errno(),
  };
}
