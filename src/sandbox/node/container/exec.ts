/** A process beside a container's own, with streams or a terminal: `kubectl exec`. */
import { randomBytes } from 'node:crypto';
import { type ExecOptions, type ExecProcess, StatusError } from '../../contract.ts';
import type { NodeContext } from '../context.ts';
import type { Program } from '../runtime/protocol.ts';
import { SpawnError } from '../runtime/spawner.ts';
import type { Instance } from './instance.ts';
import { pipeFromProgram, pipeToProgram } from './pipes.ts';
import { execFailure, kill } from './run-command.ts';
import { openTerminal, outputOf } from './terminal.ts';

/** @throws {StatusError} */
export async function execIn(context: NodeContext, instance: Instance, options: ExecOptions): Promise<ExecProcess> {
  const program = { ...instance.asked.program, argv: options.command };
  try {
    return await (options.tty ? withTerminal(context, instance, program) : withPipes(context, instance, program, options.stdin));
  } catch (error) {
    if (!(error instanceof SpawnError)) throw error;
    const why = execFailure(error, options.command[0] ?? '');
    const id = randomBytes(32).toString('hex');
    throw new StatusError(
      500,
      'InternalError',
      `failed to exec in container: failed to start exec "${id}": OCI runtime exec failed: exec failed: unable to start container process: ${why}: unknown`,
    );
  }
}

async function withTerminal({ libc, spawner }: NodeContext, { pid }: Instance, program: Omit<Program, 'standard'>): Promise<ExecProcess> {
  const terminal = openTerminal(libc, `/proc/${pid}/root/dev/pts`);
  try {
    const env = { TERM: 'xterm', ...program.env };
    const child = await spawner.exec({ target: pid, program: { ...program, env, standard: { stdout: '', stderr: '', terminal: terminal.name } } });
    return {
      stdin: terminal.stream,
      stdout: outputOf(terminal),
      stderr: undefined,
      resize: terminal.resize,
      kill: () => kill(child.pid),
      exited: child.exited.then(({ code }) => code),
    };
  } catch (error) {
    terminal.stream.destroy();
    throw error;
  }
}

async function withPipes({ libc, spawner }: NodeContext, { pid }: Instance, program: Omit<Program, 'standard'>, wantsInput: boolean): Promise<ExecProcess> {
  const stdout = pipeFromProgram(libc, program.rights);
  const stderr = pipeFromProgram(libc, program.rights);
  const stdin = wantsInput ? pipeToProgram(libc) : undefined;
  const pipes = [stdout, stderr, ...(stdin === undefined ? [] : [stdin])];
  try {
    const standard = { stdout: stdout.path, stderr: stderr.path, ...(stdin === undefined ? {} : { stdin: stdin.path }) };
    const child = await spawner.exec({ target: pid, program: { ...program, standard } });
    return {
      stdin: stdin?.socket,
      stdout: stdout.socket,
      stderr: stderr.socket,
      resize: () => {},
      kill: () => kill(child.pid),
      exited: child.exited.then(({ code }) => {
        stdin?.socket.destroy();
        return code;
      }),
    };
  } catch (error) {
    for (const { socket } of pipes) socket.destroy();
    throw error;
  } finally {
    for (const pipe of pipes) pipe.release();
  }
}
