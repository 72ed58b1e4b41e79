/** Runs the user's own command: its streams and signals are the terminal's, its exit code becomes ours. */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { CodedError, messageOf } from '../base/errors.ts';
import type { CliIo } from './cli-io.ts';

/** Resolves with the exit code (128 + number for a signal). Throws TP-COMMAND-FAILED when it can't be started. */
export async function runChild(command: readonly string[], env: Record<string, string>, io: CliIo): Promise<number> {
  const [file, ...args] = command;
  if (file === undefined) throw new CodedError('TP-USAGE', 'There is no command behind --.');
  const child = spawn(file, args, { stdio: 'inherit', env, cwd: io.cwd });
  // A terminal sends SIGINT to the child as well; what is sent to us alone is passed on.
  const restore = io.interrupts.redirect((signal) => {
    if (signal !== 'SIGINT' || io.stdin.isTTY !== true) child.kill(signal);
  });
  try {
    return await new Promise<number>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
    });
  } catch (error) {
    throw new CodedError('TP-COMMAND-FAILED', `${file} could not be started: ${messageOf(error)}.`, { cause: error });
  } finally {
    restore();
  }
}
