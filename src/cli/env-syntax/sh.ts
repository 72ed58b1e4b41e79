import type { LineWriter } from './line-writer.ts';

/** A POSIX shell: within single quotes everything is literal but the single quote. */
export function sh(exported: boolean): LineWriter {
  return (name, value) => {
    if (!/^[A-Za-z_]\w*$/.test(name)) return { reason: 'its name is not one that a shell can assign' };
    return `${exported ? 'export ' : ''}${name}='${value.replaceAll("'", String.raw`'\''`)}'\n`;
  };
}
