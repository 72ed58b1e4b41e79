/** What a command is given: everything it may touch of the machine and of the daemon. */
import type { CommandSpec } from './command.ts';
import type { DaemonApi, DaemonMethod } from '../protocol/daemon-api.ts';
import type { ClientPaths } from '../config/paths.ts';
import type { Output, TextSink } from './output.ts';
import type { Options } from './options.ts';

/** The machine, handed in by bin/cli.ts and by tests. */
export interface CliIo {
  env: Record<string, string>;
  cwd: string;
  stdin: { isTTY?: boolean | undefined };
  stdout: TextSink;
  stderr: TextSink;
  uid: number;
  /** SIGINT, SIGTERM and SIGHUP: aborted with the signal's name as reason. */
  interrupts: Interrupts;
  /** The Node that runs this, and the file of another program of this package. */
  execPath: string;
  program: (name: 'daemon' | 'netd') => string;
}

export interface Interrupts {
  /** Aborted by the first signal while nobody else has taken them; the reason is the signal's name. */
  readonly signal: AbortSignal;
  /** While a command of the user runs, signals are its, not ours. Returns what gives them back. */
  redirect(handler: (signal: NodeJS.Signals) => void): () => void;
}

export interface Context {
  io: CliIo;
  command: CommandSpec;
  args: string[];
  options: Options;
  /** What stood behind `--`. */
  passthrough: string[] | undefined;
  paths: ClientPaths;
  output: Output;
  signal: AbortSignal;
  /** Calls the daemon, with progress and warnings shown; throws TP-DAEMON-NOT-RUNNING when there is none. */
  call: <M extends DaemonMethod>(method: M, params: DaemonApi[M]['params'], options?: { signal?: AbortSignal }) => Promise<DaemonApi[M]['result']>;
}
