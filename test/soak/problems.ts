/** What went wrong during a run, and which of it a fault explains. */

export interface Problem {
  /** Milliseconds since the epoch. */
  at: number;
  /** When it was over, where it took time. */
  until?: number;
  what: string;
}

export interface Fault {
  from: number;
  to: number;
}

/** What a fault did shows from a little before it was noted until so long after its end. */
const BEFORE_MS = 500;
const AFTER_MS = 8_000;

export function unexplained(problems: readonly Problem[], faults: readonly Fault[]): Problem[] {
  return problems.filter(({ at, until = at }) => !faults.some(({ from, to }) => until >= from - BEFORE_MS && at <= to + AFTER_MS));
}

/** Lines of a log that are warnings or errors, from `since` on. */
export function complaintsIn(name: string, log: string, since: number): Problem[] {
  return [...log.matchAll(/^(?:\[[^\]]*\] )?(\d{4}-\d\d-\d\dT\S+) (warn|error) (.*)$/gm)].flatMap(([, time = '', level, text]) => {
    const at = Date.parse(time);
    return at < since ? [] : [{ at, what: `${name} ${level}: ${text}` }];
  });
}
