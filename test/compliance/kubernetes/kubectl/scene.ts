/** What a scene of the real `kubectl` is: command lines that somebody types one after the other, in a namespace and a folder of the scene's own. */

/** A line as a shell takes it. `NS` stands for the scene's namespace, which `kubectl` uses where no other is named. */
export type Line = string | PatientLine;

interface PatientLine {
  line: string;
  /** Typed again until what it prints matches: what controllers do takes its time. */
  until: RegExp;
}

export interface KubectlScene {
  name: string;
  /** By their names in the scene's folder; `NS` stands for the namespace. Objects are written as JSON. */
  files?: Record<string, string | object | object[]>;
  lines: Line[];
  /** Beside the namespace, which is always cleaned up: what `kubectl delete` takes at the end. */
  cleanup?: string[];
}

export const until = (matches: RegExp, line: string): PatientLine => ({ line, until: matches });
export const textOf = (line: Line): string => (typeof line === 'string' ? line : line.line);
