/**
 * A command is data: its name, its flags and a function that is loaded with it. The tree in `command-tree.ts` names every command of
 * the original; what is not built stands there too and fails with TP-UNSUPPORTED.
 */
import type { ClientPaths } from '../config/paths.ts';
import type { DaemonApi, DaemonMethod } from '../protocol/daemon-api.ts';
import type { CliIo } from './cli-io.ts';
import type { Options } from './options.ts';
import type { Output } from './output.ts';

/** `built`, or why not: `planned` will come, `refused` will not. */
export type State = 'built' | 'planned' | 'refused';

export interface FlagSpec {
  /** As commander reads it: `-n, --namespace <name>`; without a value it is a switch. */
  flags: string;
  description: string;
  state?: State;
  hidden?: boolean;
  /** `many`: may be repeated; `list`: may be repeated and holds comma-separated values. */
  takes?: 'many' | 'list';
  /** Value when the flag is not given; of a switch: true for those that are switched off by `--flag=false`. */
  default?: string | boolean;
}

export interface CommandSpec {
  /** Full path: `helm install`. */
  name: string;
  aliases?: string[];
  summary: string;
  state?: State;
  hidden?: boolean;
  /** As in usage: `<name>`, `[workloads...]`. */
  arguments?: string[];
  flags?: FlagSpec[];
  /** Whether `-- CMD` may follow, and what it is called in the usage. */
  passthrough?: string;
  /** Prints an object of its own under --output, without the envelope. */
  ownObject?: boolean;
  /** Returns the exit code; nothing is 0. */
  run?: (context: Context) => Promise<number | undefined>;
}

export interface CommandEntry {
  /** Full path first, then its aliases. */
  names: [string, ...string[]];
  load: () => Promise<CommandSpec>;
}

/** What a command is given: everything it may touch of the machine and of the daemon. */
export interface Context {
  io: CliIo;
  /** The command tree, for those that print it. */
  commands: readonly CommandEntry[];
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

/** The long name of a flag, without dashes. */
export function flagName(flag: FlagSpec): string {
  const match = /--([\w-]+)/.exec(flag.flags);
  if (match?.[1] === undefined) throw new Error(`a flag without a long name: ${flag.flags}`);
  return match[1];
}

/** The one-letter name of a flag, without the dash. */
export function flagShort(flag: FlagSpec): string | undefined {
  return /^-(\w),/.exec(flag.flags)?.[1];
}

/** Whether the flag is a switch: has no value. */
export function isSwitch(flag: FlagSpec): boolean {
  return !/[<[]/.test(flag.flags);
}
