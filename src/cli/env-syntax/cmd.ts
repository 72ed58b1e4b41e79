import type { LineWriter } from './line-writer.ts';

/**
 * A batch file of cmd.exe: outside quotes a caret takes the meaning of the next character away, `%` is doubled. Quotes are escaped too,
 * so that no value opens a quoted part. Lines can't be broken.
 */
export const cmd: LineWriter = (name, value) => {
  if (/[\r\n]/.test(value)) return { reason: 'its value has several lines, which cmd has no way to write' };
  if (!/^[A-Za-z_][\w.()-]*$/.test(name)) return { reason: 'cmd does not take its name' };
  return `set ${name}=${value.replaceAll('%', '%%').replace(/[\^&|<>"()]/g, '^$&')}\r\n`;
};
