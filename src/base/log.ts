/**
 * The logger that is injected everywhere: one line a record, level and time first, fields as `key=value`.
 * Never pass tokens, environment values or bodies: a test greps whole runs for them.
 */
export const LOG_LEVELS = ['error', 'warn', 'info', 'debug', 'trace'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface Log {
  error(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  info(message: string, fields?: Record<string, unknown>): void;
  debug(message: string, fields?: Record<string, unknown>): void;
  trace(message: string, fields?: Record<string, unknown>): void;
  enabled(level: LogLevel): boolean;
  /** A logger whose lines begin with one more scope, `daemon:dns`. Shares the level. */
  child(scope: string): Log;
  setLevel(level: LogLevel): void;
}

function formatValue(value: unknown): string {
  if (value instanceof Error) return JSON.stringify(value.cause instanceof Error ? `${value.message}: ${value.cause.message}` : value.message);
  if (typeof value === 'string') return /^[\w./:@+-]+$/.test(value) ? value : JSON.stringify(value);
  return JSON.stringify(value) ?? 'undefined';
}

/** Makes a logger that hands finished lines, with their newline, to `write`. */
export function createLog(write: (line: string) => void, level: LogLevel = 'info', scope = ''): Log {
  const shared = { level };
  const make = (prefix: string): Log => {
    const enabled = (wanted: LogLevel) => LOG_LEVELS.indexOf(wanted) <= LOG_LEVELS.indexOf(shared.level);
    const at = (wanted: LogLevel) => (message: string, fields?: Record<string, unknown>) => {
      if (!enabled(wanted)) return;
      let line = `${new Date().toISOString()} ${wanted} ${prefix === '' ? '' : `${prefix}: `}${message}`;
      for (const [key, value] of Object.entries(fields ?? {})) if (value !== undefined) line += ` ${key}=${formatValue(value)}`;
      write(`${line}\n`);
    };
    return {
      error: at('error'),
      warn: at('warn'),
      info: at('info'),
      debug: at('debug'),
      trace: at('trace'),
      enabled,
      child: (name) => make(prefix === '' ? name : `${prefix}:${name}`),
      setLevel: (wanted) => {
        shared.level = wanted;
      },
    };
  };
  return make(scope);
}

/** A logger that drops everything: for tests and for callers that do not care. */
export const silentLog: Log = createLog(() => {}, 'error');
