/** What the daemon's parts share: made once in main.ts, handed down. */
import type { Log, LogLevel } from '../base/log.ts';
import type { ClientPaths } from '../config/paths.ts';

export interface DaemonContext {
  log: Log;
  paths: ClientPaths;
  /** Random, made once per workstation. */
  installId: string;
  setLogLevel(level: LogLevel, durationMs: number): void;
}

/** What a call from the CLI may use while it runs. */
export interface CallContext {
  signal: AbortSignal;
  progress(line: string): void;
  warning(line: string): void;
}
