/**
 * A command is data: its name, its flags and a function that is loaded with it. The tree in `command-tree.ts` names every command of
 * the original; what is not built stands there too and fails with TP-UNSUPPORTED.
 */
import type { Context } from './context.ts';

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
