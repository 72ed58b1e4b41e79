/**
 * The spawner: a process of the sandbox whose only work is to start others in namespaces, and to tell when they end.
 * It is a process of its own because it forks: Node is started with `--single-threaded` for it, so that a copy with one thread is a
 * whole copy. V8 leaves its memory out of copies to make fork cheap; {@link keepMemoryInCopies} takes that back.
 */
import { openSync, readFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { becomeContainer, becomeExec, StepFailed } from './container-child.ts';
import { LINUX, type Libc, loadLibc } from './libc.ts';
import type { SpawnerEvent, SpawnerRequest } from './protocol.ts';

export function runSpawner(channel: NodeJS.Process): void {
  const libc = loadLibc();
  const ownPids = openSync('/proc/self/ns/pid', 'r');
  const send = (event: SpawnerEvent): void => void channel.send?.(event);
  // With the node gone nothing here is of use.
  channel.on('disconnect', () => channel.exit(0));
  channel.on('SIGCHLD', () => {
    const status: [number] = [0];
    for (;;) {
      const pid = libc.waitpid(-1, status, LINUX.WNOHANG);
      if (pid <= 0) return;
      send({ type: 'exited', pid, status: status[0] });
    }
  });
  channel.on('message', (request: SpawnerRequest) => start(libc, request, ownPids, send));
  send({ type: 'ready' });
}

function start(libc: Libc, request: SpawnerRequest, ownPids: number, send: (event: SpawnerEvent) => void): void {
  const failed = (step: string, errno: number): void => send({ type: 'failed', id: request.id, step, errno });
  const pipe: [number, number] = [0, 0];
  if (libc.pipe2(pipe, LINUX.O_CLOEXEC) < 0) return failed('pipe', libc.errno());
  const [reader, writer] = pipe;
  try {
    choosePids(libc, request, ownPids);
    keepMemoryInCopies(libc);
  } catch (error) {
    for (const fd of pipe) libc.close(fd);
    return error instanceof StepFailed ? failed(error.step, error.errno) : failed(String(error), 0);
  }
  const pid = libc.fork();
  if (pid === 0) become(libc, request, writer);
  const errno = libc.errno();
  libc.setns(ownPids, LINUX.CLONE_NEWPID);
  libc.close(writer);
  if (pid < 0) {
    libc.close(reader);
    return failed('fork', errno);
  }
  // The pipe closes at exec: silence means that it went well.
  let said = '';
  const answer = new Socket({ fd: reader, readable: true, writable: false });
  answer.on('error', (error) => failed(`read the new process's answer: ${error.message}`, 0));
  answer.on('data', (bytes: Buffer) => {
    said += bytes.toString();
  });
  answer.on('end', () => {
    if (said === '') return send({ type: 'started', id: request.id, pid });
    const [step, code] = JSON.parse(said) as [string, number];
    failed(step, code);
  });
}

/** Sets the namespace in which the next child gets its pid. */
function choosePids(libc: Libc, request: SpawnerRequest, ownPids: number): void {
  if (request.type === 'run') {
    if (libc.setns(ownPids, LINUX.CLONE_NEWPID) < 0 || libc.unshare(LINUX.CLONE_NEWPID) < 0) throw new StepFailed('unshare pids', libc.errno());
    return;
  }
  const fd = libc.open(`/proc/${request.target}/ns/pid`, LINUX.O_RDONLY | LINUX.O_CLOEXEC, 0);
  if (fd < 0) throw new StepFailed('open the pids', libc.errno());
  const result = libc.setns(fd, LINUX.CLONE_NEWPID);
  const errno = libc.errno();
  libc.close(fd);
  if (result < 0) throw new StepFailed('enter the pids', errno);
}

function become(libc: Libc, request: SpawnerRequest, writer: number): void {
  try {
    if (request.type === 'run') becomeContainer(libc, request);
    else becomeExec(libc, request);
  } catch (error) {
    const answer = Buffer.from(JSON.stringify(error instanceof StepFailed ? [error.step, error.errno] : [String(error), 0]));
    libc.write(writer, answer, answer.length);
  }
  libc.exit(127);
}

/** Private memory, without what is mapped from program files: those are never marked. */
function keepMemoryInCopies(libc: Libc): void {
  for (const line of readFileSync('/proc/self/maps', 'latin1').split('\n')) {
    const match = /^([0-9a-f]+)-([0-9a-f]+) ...p \S+ \S+ 0 /.exec(line);
    if (match === null || line.includes('[v')) continue;
    const begin = BigInt(`0x${match[1]}`);
    libc.madvise(begin, BigInt(`0x${match[2]}`) - begin, LINUX.MADV_DOFORK);
  }
}
