/** What a container's own process reads and prints: two pipes and an input, or a terminal. */
import { join } from 'node:path';
import type { Container } from 'kubernetes-types/core/v1.js';
import type { Libc } from '../runtime/libc.ts';
import type { Rights, Standard } from '../runtime/protocol.ts';
import type { AttachmentsOptions } from './attachments.ts';
import { pipeFromProgram, pipeToProgram } from './pipes.ts';
import { makeTerminals, openTerminal } from './terminal.ts';

export interface ContainerStandard {
  /** For the spawner. */
  standard: Standard;
  terminals?: string;
  /** For those who attach. */
  attachments: AttachmentsOptions;
  /** To be called when the program has begun, or has failed to. */
  release(): void;
  /** Ends it: also when it is held open by a process that went on in the background. */
  destroy(): void;
  /** All was read, to the end. */
  readonly drained: Promise<unknown>;
}

type OnOutput = (stream: 'stdout' | 'stderr', bytes: Buffer) => void;

export function openStandard(libc: Libc, container: Container, rights: Rights, folder: string, onOutput: OnOutput): Promise<ContainerStandard> {
  return container.tty === true ? onTerminal(libc, container, folder, onOutput) : onPipes(libc, container, rights, onOutput);
}

async function onPipes(libc: Libc, { stdin: wanted, stdinOnce }: Container, rights: Rights, onOutput: OnOutput): Promise<ContainerStandard> {
  const [stdout, stderr] = [pipeFromProgram(libc, rights), pipeFromProgram(libc, rights)];
  const outputs = { stdout, stderr };
  for (const name of ['stdout', 'stderr'] as const) outputs[name].socket.on('data', (bytes: Buffer) => onOutput(name, bytes));
  const stdin = wanted === true ? pipeToProgram(libc) : undefined;
  const pipes = [stdout, stderr, ...(stdin === undefined ? [] : [stdin])];
  return {
    standard: { stdout: stdout.path, stderr: stderr.path, ...(stdin === undefined ? {} : { stdin: stdin.path }) },
    attachments: { input: stdin?.socket, once: stdinOnce === true },
    release() {
      for (const pipe of pipes) pipe.release();
    },
    destroy() {
      for (const { socket } of pipes) socket.destroy();
    },
    drained: Promise.all([stdout, stderr].map(({ socket }) => new Promise<void>((resolve) => socket.once('close', () => resolve())))),
  };
}

async function onTerminal(libc: Libc, { stdin }: Container, folder: string, onOutput: OnOutput): Promise<ContainerStandard> {
  const terminals = await makeTerminals(libc, join(folder, 'terminals'));
  try {
    const { name, stream, resize } = openTerminal(libc, terminals.folder);
    stream.on('data', (bytes: Buffer) => onOutput('stdout', bytes));
    return {
      standard: { stdout: '', stderr: '', terminal: name },
      terminals: terminals.folder,
      // a terminal stays open for the next who comes
      attachments: { input: stdin === true ? stream : undefined, once: false, resize },
      release: () => terminals.release(),
      destroy: () => stream.destroy(),
      drained: new Promise<void>((resolve) => stream.once('close', () => resolve())),
    };
  } catch (error) {
    terminals.release();
    throw error;
  }
}
