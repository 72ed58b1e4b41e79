/** The only place besides bin/ that knows the process environment. */

/** The environment as plain strings: what is handed in everywhere else. */
export function readEnvironment(source: NodeJS.ProcessEnv = process.env): Record<string, string> {
  const env: Record<string, string> = {};
  for (const [key, value] of Object.entries(source)) if (value !== undefined) env[key] = value;
  return env;
}
