/** A command in a container that is waited for: probes and hooks. */
import { PROBE_OUTPUT_LIMIT } from '../limits.ts';
import type { Libc } from '../runtime/libc.ts';
import type { Program } from '../runtime/protocol.ts';
import { SpawnError, type Spawner } from '../runtime/spawner.ts';
import { pipeFromProgram } from './pipes.ts';

export interface CommandResult {
  code: number;
  /** Both streams, cut where it gets long. */
  output: string;
  timedOut: boolean;
}

export interface CommandDeps {
  libc: Libc;
  spawner: Spawner;
}

/** A command that can't be started has code 126 and says why. @param target the container's process. */
export async function runCommand(
  { libc, spawner }: CommandDeps,
  target: number,
  program: Omit<Program, 'standard'>,
  timeoutMs: number,
): Promise<CommandResult> {
  const pipe = pipeFromProgram(libc, program.rights);
  let output = '';
  pipe.socket.on('data', (bytes: Buffer) => {
    if (output.length < PROBE_OUTPUT_LIMIT) output += bytes.toString().slice(0, PROBE_OUTPUT_LIMIT - output.length);
  });
  const closed = new Promise<void>((resolve) => pipe.socket.once('close', () => resolve()));
  let timedOut = false;
  let timer: NodeJS.Timeout | undefined;
  try {
    const child = await spawner.exec({ target, program: { ...program, standard: { stdout: pipe.path, stderr: pipe.path } } });
    pipe.release();
    timer = setTimeout(() => {
      timedOut = true;
      kill(child.pid);
      pipe.socket.destroy();
    }, timeoutMs);
    const { code } = await child.exited;
    // what it left in the background may hold the pipe open
    if (!timedOut) await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, 50))]);
    return { code, output, timedOut };
  } catch (error) {
    pipe.release();
    if (error instanceof SpawnError) return { code: 126, output: execFailure(error, program.argv[0] ?? ''), timedOut };
    throw error;
  } finally {
    clearTimeout(timer);
    pipe.socket.destroy();
  }
}

/** As runc words it. */
export function execFailure({ step, errno }: SpawnError, file: string): string {
  if (step !== 'exec') return `${step}: errno ${errno}`;
  if (errno === 2)
    return `exec: ${JSON.stringify(file)}: ${file.includes('/') ? `stat ${file}: no such file or directory` : 'executable file not found in $PATH'}`;
  if (errno === 13) return `exec: ${JSON.stringify(file)}: permission denied`;
  if (errno === 8) return `exec ${file}: exec format error`;
  return `exec: ${JSON.stringify(file)}: errno ${errno}`;
}

/** A process that is gone already is no failure. */
export function kill(pid: number, signal: NodeJS.Signals = 'SIGKILL'): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}
