import type { LineWriter } from './line-writer.ts';

/**
 * Compose's `env_file` and `.env`: in double quotes `\` begins an escape and `$` a substitution, and lines may break.
 * Double quotes are the only form that holds every value.
 */
export const compose: LineWriter = (name, value) => {
  if (!/^[A-Za-z_][\w.-]*$/.test(name)) return { reason: 'compose does not take its name' };
  const escapes: Record<string, string> = { '\n': '\\n', '\r': '\\r' };
  return `${name}="${value.replace(/[\\"$\n\r]/g, (char) => escapes[char] ?? `\\${char}`)}"\n`;
};
