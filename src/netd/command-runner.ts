/** The seam for `ip` and `resolvectl`: argument arrays only, never a shell. */
import { execFile } from 'node:child_process';
import { CodedError } from '../base/errors.ts';
import { SYSTEM_PATH } from '../base/system-path.ts';
import { COMMAND_OUTPUT_LIMIT, COMMAND_TIMEOUT_MS } from './limits.ts';

export interface CommandRunner {
  /** Runs a program to its end and gives its standard output. Rejects with TP-NETD-FAILED when it can't be started, fails, or takes too long. */
  run(argv: readonly [string, ...string[]], stdin?: string): Promise<string>;
}

export function createCommandRunner(): CommandRunner {
  return {
    run: ([program, ...args], stdin = '') =>
      new Promise((resolve, reject) => {
        // LC_ALL: messages are read by people and by tests; PATH: nothing of the caller's environment is trusted as root.
        const env = { PATH: SYSTEM_PATH, LC_ALL: 'C' };
        const child = execFile(program, args, { env, timeout: COMMAND_TIMEOUT_MS, maxBuffer: COMMAND_OUTPUT_LIMIT }, (error, stdout, stderr) => {
          if (error === null) return resolve(stdout);
          const said = stderr.trim() === '' ? error.message : stderr.trim();
          reject(new CodedError('TP-NETD-FAILED', `\`${[program, ...args].join(' ')}\` failed: ${said}`, { cause: error }));
        });
        // A program that ends before it has read its input closes the pipe; its exit code says what was wrong.
        child.stdin?.on('error', () => {});
        child.stdin?.end(stdin);
      }),
  };
}
