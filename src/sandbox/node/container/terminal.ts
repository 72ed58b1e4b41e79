/** A terminal of a container: the end that the node holds, and the name of the other one inside. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { ReadStream } from 'node:tty';
import { LINUX, type Libc, TERMINALS } from '../runtime/libc.ts';

export interface Terminal {
  /** Path inside the container. */
  name: string;
  /** What is typed. */
  stream: ReadStream;
  resize(columns: number, rows: number): void;
}

/** @param folder of terminals, as the node reaches it: a container's /dev/pts */
export function openTerminal(libc: Libc, folder: string): Terminal {
  const fd = libc.open(join(folder, 'ptmx'), LINUX.O_RDWR | LINUX.O_NOCTTY | LINUX.O_CLOEXEC, 0);
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

/** What is printed on it. Its end is the end of the data, which an EIO hides. */
export function outputOf({ stream }: Terminal): PassThrough {
  const output = new PassThrough();
  stream.on('data', (bytes: Buffer) => {
    if (!output.write(bytes)) stream.pause();
  });
  output.on('drain', () => stream.resume());
  stream.on('close', () => output.end());
  return output;
}

export interface Terminals {
  /** A place of the sandbox's mount namespace, which becomes a container's /dev/pts. */
  folder: string;
  /** To be called when the container has it, or has failed to take it. */
  release(): void;
}

/** Terminals for a container that is yet to come. */
export async function makeTerminals(libc: Libc, folder: string): Promise<Terminals> {
  await mkdir(folder, { recursive: true });
  if (libc.mount('devpts', folder, 'devpts', LINUX.MS_NOSUID | LINUX.MS_NOEXEC, TERMINALS) < 0) throw new Error(`no terminals: errno ${libc.errno()}`);
  return { folder, release: () => void libc.umount2(folder, LINUX.MNT_DETACH) };
}
