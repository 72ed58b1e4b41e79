import type { LineWriter } from './line-writer.ts';

/** csh and tcsh: single quotes, within which `!` still recalls history and a newline must be escaped. */
export function csh(exported: boolean): LineWriter {
  return (name, value) => {
    if (!/^[A-Za-z_]\w*$/.test(name)) return { reason: 'its name is not one that csh can assign' };
    const quoted = value.replace(/['!\n]/g, (char) => (char === "'" ? String.raw`'\''` : `\\${char}`));
    return exported ? `setenv ${name} '${quoted}'\n` : `set ${name}='${quoted}'\n`;
  };
}
