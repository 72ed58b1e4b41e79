/** A terminal of a container: the end that the node holds, and the name of the other one inside. */
import { ReadStream } from 'node:tty';
import { LINUX, type Libc } from '../runtime/libc.ts';

export interface Terminal {
  /** Path inside the container. */
  name: string;
  stream: ReadStream;
  resize(columns: number, rows: number): void;
}

/** @param pid a process of the container. */
export function openTerminal(libc: Libc, pid: number): Terminal {
  const fd = libc.open(`/proc/${pid}/root/dev/pts/ptmx`, LINUX.O_RDWR | LINUX.O_NOCTTY | LINUX.O_CLOEXEC, 0);
  if (fd < 0) throw new Error(`no terminal: errno ${libc.errno()}`);
  const number = new Uint8Array(8);
  if (libc.ioctl(fd, LINUX.TIOCSPTLCK, new Uint8Array(8)) < 0 || libc.ioctl(fd, LINUX.TIOCGPTN, number) < 0) {
    const errno = libc.errno();
    libc.close(fd);
    throw new Error(`no terminal: errno ${errno}`);
  }
  const stream = new ReadStream(fd);
  // EIO: the last who had it open has gone
  stream.on('error', () => stream.destroy());
  return {
    name: `/dev/pts/${Buffer.from(number.buffer).readUInt32LE(0)}`,
    stream,
    resize(columns, rows) {
      if (stream.destroyed) return;
      const size = Buffer.alloc(8);
      size.writeUInt16LE(rows, 0);
      size.writeUInt16LE(columns, 2);
      libc.ioctl(fd, LINUX.TIOCSWINSZ, size);
    },
  };
}
