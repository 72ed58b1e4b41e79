import type { Environment } from './line-writer.ts';

/** One JSON object, in the order of the names. */
export function json(env: Environment): string {
  const sorted = Object.fromEntries(
    Object.keys(env)
      .sort()
      .map((name) => [name, env[name]]),
  );
  return `${JSON.stringify(sorted, undefined, 2)}\n`;
}
