/** The node's side of the spawner: starts programs in containers and says when and how they ended. */
import { type ChildProcess, spawn } from 'node:child_process';
import type { Log } from '../../../base/log.ts';
import type { ExecRequest, RunRequest, SpawnerEvent } from './protocol.ts';

export interface ContainerExit {
  /** 128 + the signal's number when one ended it. */
  code: number;
  signal: number;
}

export interface ContainerProcess {
  /** In the sandbox's own pid namespace. */
  readonly pid: number;
  readonly exited: Promise<ContainerExit>;
}

/** The new process could not become the program: `step` says where, `errno` why. */
export class SpawnError extends Error {
  readonly step: string;
  readonly errno: number;

  constructor(step: string, errno: number) {
    super(`${step} failed (errno ${errno})`);
    this.name = 'SpawnError';
    this.step = step;
    this.errno = errno;
  }
}

export interface Spawner {
  /** @throws {SpawnError} */
  run(request: Omit<RunRequest, 'type' | 'id'>): Promise<ContainerProcess>;
  /** @throws {SpawnError} */
  exec(request: Omit<ExecRequest, 'type' | 'id'>): Promise<ContainerProcess>;
  /** Rejects when the spawner has died: then no container lives any more that anybody knows of. */
  readonly died: Promise<never>;
  close(): void;
}

export interface SpawnerOptions {
  log: Log;
  execPath: string;
  /** Program and arguments that end up in `runSpawner`. */
  argv: string[];
}

/** Resolves when it is ready. */
export async function startSpawner({ log, execPath, argv }: SpawnerOptions): Promise<Spawner> {
  const child = spawn(execPath, ['--single-threaded', ...argv], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const died = Promise.withResolvers<never>();
  died.promise.catch(() => {});
  const ready = Promise.withResolvers<void>();
  const starting = new Map<number, PromiseWithResolvers<ContainerProcess>>();
  const running = new Map<number, (exit: ContainerExit) => void>();
  /** Of processes that ended before the message that they were started. */
  const early = new Map<number, ContainerExit>();
  let nextId = 1;
  let closed = false;

  const fail = (reason: string): void => {
    const error = new Error(`the sandbox's spawner ${reason}`);
    ready.reject(error);
    for (const waiting of starting.values()) waiting.reject(error);
    starting.clear();
    if (!closed) died.reject(error);
  };
  child.on('error', (error) => fail(`could not be started: ${error.message}`));
  child.on('exit', (code, signal) => fail(`ended with ${signal ?? `code ${code}`}`));
  child.on('message', (event: SpawnerEvent) => {
    switch (event.type) {
      case 'ready':
        return ready.resolve();
      case 'started': {
        const exited = new Promise<ContainerExit>((resolve) => {
          const before = early.get(event.pid);
          early.delete(event.pid);
          if (before === undefined) running.set(event.pid, resolve);
          else resolve(before);
        });
        starting.get(event.id)?.resolve({ pid: event.pid, exited });
        starting.delete(event.id);
        return;
      }
      case 'failed':
        log.debug('a container did not start', { step: event.step, errno: event.errno });
        starting.get(event.id)?.reject(new SpawnError(event.step, event.errno));
        starting.delete(event.id);
        return;
      case 'exited': {
        const exit = exitOf(event.status);
        const resolve = running.get(event.pid);
        running.delete(event.pid);
        if (resolve !== undefined) resolve(exit);
        else if (starting.size > 0) early.set(event.pid, exit);
        return;
      }
      default:
        return event satisfies never;
    }
  });
  const ask = (request: RunRequest | ExecRequest): Promise<ContainerProcess> => {
    const waiting = Promise.withResolvers<ContainerProcess>();
    starting.set(request.id, waiting);
    send(child, request, (error) => {
      starting.delete(request.id);
      waiting.reject(error);
    });
    return waiting.promise;
  };
  await ready.promise;
  return {
    run: (request) => ask({ ...request, type: 'run', id: nextId++ }),
    exec: (request) => ask({ ...request, type: 'exec', id: nextId++ }),
    died: died.promise,
    close() {
      closed = true;
      child.kill('SIGKILL');
    },
  };
}

function send(child: ChildProcess, request: RunRequest | ExecRequest, onError: (error: Error) => void): void {
  if (!child.connected) return onError(new Error("the sandbox's spawner is gone"));
  child.send(request, (error) => {
    if (error !== null) onError(error);
  });
}

/** Of the status that waitpid(2) gives. */
function exitOf(status: number): ContainerExit {
  const signal = status & 0x7f;
  return signal === 0 ? { code: (status >> 8) & 0xff, signal: 0 } : { code: 128 + signal, signal };
}
