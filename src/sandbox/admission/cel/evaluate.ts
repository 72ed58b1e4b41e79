/** Expressions over JSON: compiled once, numbers without a fraction are integers. */
import type { ParseResult } from '@marcbachmann/cel-js';
import { messageOf } from '../../../base/errors.ts';
import { CEL_CACHE_LIMIT } from '../limits.ts';
import { createEnvironment } from './environment.ts';

/** The variables that an expression may name. */
export type Activation = Record<string, unknown>;

/** What went wrong, in the API server's words. */
export class CelError extends Error {}

/** JSON → values of CEL. */
export function celValue(value: unknown): unknown {
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value) : value;
  if (Array.isArray(value)) return value.map(celValue);
  if (typeof value === 'object' && value !== null) return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, celValue(item)]));
  return value ?? null;
}

export interface Evaluator {
  /** @throws {CelError} */
  evaluate(expression: string, activation: Activation): unknown;
}

/** The first line of what the library says, in the words of the API server. */
function sentence(error: unknown): string {
  const [first = ''] = messageOf(error).split('\n');
  return first.replace(/^No such key:/, 'no such key:');
}

export function createEvaluator(): Evaluator {
  const environment = createEnvironment();
  const compiled = new Map<string, ParseResult>();
  function compile(expression: string): ParseResult {
    const known = compiled.get(expression);
    if (known !== undefined) return known;
    const program = environment.parse(expression);
    const [oldest] = compiled.keys();
    if (oldest !== undefined && compiled.size >= CEL_CACHE_LIMIT) compiled.delete(oldest);
    compiled.set(expression, program);
    return program;
  }
  return {
    evaluate(expression, activation) {
      try {
        return compile(expression)(activation);
      } catch (error) {
        throw new CelError(sentence(error), { cause: error });
      }
    },
  };
}
