/** Network namespaces of a sandbox: made, entered for a moment, dialled from. A node is one, a pod is one, a workstation is one. */
import { closeSync, openSync } from 'node:fs';
import type { Socket } from 'node:net';
import { LINUX, type Libc } from '../node/runtime/libc.ts';
import { dialHere } from './dial.ts';
import { DIAL_TIMEOUT_MS } from './limits.ts';
import { NetlinkError } from './netlink.ts';

export interface NetworkNamespace {
  readonly fd: number;
  /** As other processes of the sandbox can open it. */
  readonly path: string;
  /**
   * Runs `act` with this thread in there: sockets that it opens stay in there, and so do programs that it starts.
   * It neither waits for anything nor enters another one.
   */
  within<T>(act: () => T): T;
  /** A TCP connection from there to an IPv4 address. Fails with the words and codes of `net.connect`. */
  dial(ip: string, port: number, timeoutMs?: number): Promise<Socket>;
  /** It ends when nothing lives in there any more. */
  close(): void;
}

export interface Namespaces {
  /** That of this process. */
  readonly own: NetworkNamespace;
  /** A new one, in which every link is down. */
  make(): NetworkNamespace;
}

const OWN = '/proc/thread-self/ns/net';

export function openNamespaces(libc: Libc): Namespaces {
  const own = openSync(OWN, 'r');

  function enter(fd: number): void {
    if (libc.setns(fd, LINUX.CLONE_NEWNET) < 0) throw new NetlinkError('enter a network namespace', libc.errno());
  }

  function opened(fd: number): NetworkNamespace {
    const within = <T>(act: () => T): T => {
      if (fd === own) return act();
      enter(fd);
      try {
        return act();
      } finally {
        enter(own);
      }
    };
    return {
      fd,
      path: `/proc/${process.pid}/fd/${fd}`,
      within,
      dial: (ip, port, timeoutMs = DIAL_TIMEOUT_MS) => dialHere(libc, within, ip, port, timeoutMs),
      close: () => closeSync(fd),
    };
  }

  return {
    own: opened(own),
    make() {
      if (libc.unshare(LINUX.CLONE_NEWNET) < 0) throw new NetlinkError('make a network namespace', libc.errno());
      try {
        return opened(openSync(OWN, 'r'));
      } finally {
        enter(own);
      }
    },
  };
}
