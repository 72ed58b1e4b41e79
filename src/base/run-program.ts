import process from 'node:process';
import { CodedError } from './errors.ts';
import { createLog, type Log } from './log.ts';

/**
 * A server's process, whose log is stderr: `main` runs until SIGTERM or SIGINT, which abort its signal. Ends the process with 0, or with 1 after
 * a line that says why.
 */
export async function runProgram(main: (options: { env: NodeJS.ProcessEnv; log: Log; signal: AbortSignal }) => Promise<void>): Promise<void> {
  const log = createLog((line) => process.stderr.write(line));
  const stop = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => stop.abort());
  try {
    await main({ env: process.env, log, signal: stop.signal });
    process.exit(0);
  } catch (error) {
    const coded = CodedError.from(error);
    log.error(coded.message, { code: coded.code, help: coded.help });
    process.exit(1);
  }
}
