/** The machine as the CLI sees it: handed in by bin/cli.ts and by tests. */
import type { TextSink } from './output.ts';
import type { TypedLines } from './typed-lines.ts';

export interface CliIo {
  env: Record<string, string>;
  cwd: string;
  stdin: { isTTY?: boolean | undefined };
  /** What is typed, line by line; absent: nobody types. */
  lines?: () => Promise<TypedLines>;
  stdout: TextSink;
  stderr: TextSink;
  uid: number;
  /** SIGINT, SIGTERM and SIGHUP: aborted with the signal's name as reason. */
  interrupts: Interrupts;
  /** The Node that runs this, and the file of another program of this package. */
  execPath: string;
  program: (name: 'daemon' | 'netd' | 'sandbox') => string;
}

export interface Interrupts {
  /** Aborted by the first signal while nobody else has taken them; the reason is the signal's name. */
  readonly signal: AbortSignal;
  /** While a command of the user runs, signals are its, not ours. Returns what gives them back. */
  redirect(handler: (signal: NodeJS.Signals) => void): () => void;
}
