import type { LineWriter } from './line-writer.ts';

/** PowerShell: single quotes are literal, a quote is doubled; the typographic ones (U+2018 to U+201B) end a string too. */
export function ps(exported: boolean): LineWriter {
  return (name, value) => {
    if (/[{}`:\p{Cc}]/u.test(name)) return { reason: 'PowerShell does not take its name' };
    return `\${${exported ? 'env:' : ''}${name}}='${value.replace(/['\u2018-\u201B]/g, '$&$&')}'\n`;
  };
}
