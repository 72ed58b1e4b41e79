import type { LineWriter } from './line-writer.ts';

/** Docker reads the file by lines of at most this many bytes. */
export const DOCKER_LINE_LIMIT = 65_535;

/**
 * `docker run --env-file`: a line is NAME=VALUE, the value taken as it stands, quotes and `$` included. There is no way to
 * write a newline, and a carriage return at the end of a line is dropped.
 */
export const docker: LineWriter = (name, value) => {
  if (value.includes('\n')) return { reason: 'its value has several lines, which the docker syntax has no way to write' };
  if (value.endsWith('\r')) return { reason: 'its value ends in a carriage return, which docker drops' };
  if (/^[#\uFEFF]|\s/.test(name)) return { reason: 'docker does not take its name' };
  const line = `${name}=${value}`;
  if (Buffer.byteLength(line) >= DOCKER_LINE_LIMIT) return { reason: `its value is longer than docker reads (${DOCKER_LINE_LIMIT} bytes)` };
  return `${line}\n`;
};
