/** Typed access to the flags of one invocation. */
import { CodedError } from '../base/errors.ts';

export type OptionValue = string | boolean | string[];

export interface Options {
  text(name: string): string | undefined;
  list(name: string): string[];
  on(name: string): boolean;
  /** Whether the user gave it, as against a default. */
  given(name: string): boolean;
}

export function createOptions(values: ReadonlyMap<string, OptionValue>, given: ReadonlySet<string>): Options {
  return {
    text(name) {
      const value = values.get(name);
      return typeof value === 'string' ? value : undefined;
    },
    list(name) {
      const value = values.get(name);
      return Array.isArray(value) ? value : [];
    },
    on: (name) => values.get(name) === true,
    given: (name) => given.has(name),
  };
}

/** The value of a flag that allows only some. */
export function choice<T extends string>(options: Options, name: string, allowed: readonly T[]): T | undefined {
  const value = options.text(name);
  if (value === undefined) return undefined;
  const found = allowed.find((one) => one === value);
  if (found === undefined) throw new CodedError('TP-USAGE', `--${name} is ${JSON.stringify(value)}; it takes ${allowed.join(', ')}.`);
  return found;
}
