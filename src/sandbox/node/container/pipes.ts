/** Pipes between the node and programs in containers. The spawner opens the other end through /proc, so that no descriptor crosses a socket. */
import { Socket } from 'node:net';
import { LINUX, type Libc } from '../runtime/libc.ts';

export interface ReadPipe {
  /** What the program opens for writing. */
  path: string;
  socket: Socket;
  /** To be called when the program has opened its end, or has failed to: then the end of its last writer is the end of the data. */
  release(): void;
}

/** @param owner who may open it again as /dev/stdout. */
export function pipeFromProgram(libc: Libc, owner: { uid: number; gid: number }): ReadPipe {
  const [reader, writer] = makePipe(libc);
  // Refused where that user does not exist in the user namespace; then it is the one user there is.
  libc.fchown(writer, owner.uid, owner.gid);
  const socket = new Socket({ fd: reader, readable: true, writable: false });
  socket.on('error', () => socket.destroy());
  return { path: `/proc/${process.pid}/fd/${writer}`, socket, release: () => void libc.close(writer) };
}

export interface WritePipe {
  path: string;
  socket: Socket;
  release(): void;
}

export function pipeToProgram(libc: Libc): WritePipe {
  const [reader, writer] = makePipe(libc);
  const socket = new Socket({ fd: writer, readable: false, writable: true });
  // a program may end without having read all
  socket.on('error', () => socket.destroy());
  return { path: `/proc/${process.pid}/fd/${reader}`, socket, release: () => void libc.close(reader) };
}

function makePipe(libc: Libc): [number, number] {
  const fds: [number, number] = [0, 0];
  if (libc.pipe2(fds, LINUX.O_CLOEXEC) < 0) throw new Error(`no pipe: errno ${libc.errno()}`);
  return fds;
}
