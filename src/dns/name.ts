/** Domain names: wire labels ⇄ presentation form, and names as keys. */
import { DnsFormatError } from './errors.ts';

export const NAME_LIMIT = 255;
export const LABEL_LIMIT = 63;
/** Pointers followed in one name: more than any honest encoder writes, few enough to keep hostile messages cheap. */
export const POINTER_LIMIT = 127;

const DOT = 0x2e;
const BACKSLASH = 0x5c;

function labelText(buffer: Buffer, start: number, end: number): string {
  let plain = true;
  for (let i = start; i < end; i++) {
    const byte = buffer[i] as number;
    if (byte <= 0x20 || byte >= 0x7f || byte === DOT || byte === BACKSLASH) plain = false;
  }
  if (plain) return buffer.toString('latin1', start, end);
  let text = '';
  for (let i = start; i < end; i++) {
    const byte = buffer[i] as number;
    if (byte === DOT || byte === BACKSLASH) text += `\\${String.fromCharCode(byte)}`;
    else if (byte <= 0x20 || byte >= 0x7f) text += `\\${String(byte).padStart(3, '0')}`;
    else text += String.fromCharCode(byte);
  }
  return text;
}

/**
 * Reads the name at `offset`; `end` is the offset behind it in place. Pointers must point backwards, which makes loops impossible.
 * @throws DnsFormatError
 */
export function decodeName(buffer: Buffer, offset: number): { name: string; end: number } {
  let at = offset;
  let end = -1;
  let lowest = offset;
  let length = 1;
  let pointers = 0;
  let name = '';
  for (;;) {
    const size = buffer[at];
    if (size === undefined) throw new DnsFormatError('name runs past the end of the message');
    if (size === 0) return { name, end: end === -1 ? at + 1 : end };
    if (size >= 0xc0) {
      const low = buffer[at + 1];
      if (low === undefined) throw new DnsFormatError('pointer runs past the end of the message');
      const target = ((size & 0x3f) << 8) | low;
      if (end === -1) end = at + 2;
      if (target >= lowest) throw new DnsFormatError('pointer does not point backwards');
      if (++pointers > POINTER_LIMIT) throw new DnsFormatError('too many pointers in a name');
      at = target;
      lowest = target;
      continue;
    }
    if (size > LABEL_LIMIT) throw new DnsFormatError('unknown label type');
    length += size + 1;
    if (length > NAME_LIMIT) throw new DnsFormatError('name is longer than 255 bytes');
    if (at + 1 + size > buffer.length) throw new DnsFormatError('label runs past the end of the message');
    const label = labelText(buffer, at + 1, at + 1 + size);
    name = name === '' ? label : `${name}.${label}`;
    at += size + 1;
  }
}

/** Splits a presentation name at its unescaped dots; escapes stay. The root has none. */
export function splitName(name: string): string[] {
  if (name === '') return [];
  if (!name.includes('\\')) return name.split('.');
  const labels: string[] = [];
  let label = '';
  for (let i = 0; i < name.length; i++) {
    const char = name[i] as string;
    if (char === '\\') label += char + (name[++i] ?? '');
    else if (char === '.') {
      labels.push(label);
      label = '';
    } else label += char;
  }
  labels.push(label);
  return labels;
}

/** The bytes of one label in presentation form. @throws DnsFormatError */
export function labelBytes(label: string): Buffer {
  const bytes: number[] = [];
  for (let i = 0; i < label.length; i++) {
    let code = label.charCodeAt(i);
    if (code === BACKSLASH) {
      const digits = label.slice(i + 1, i + 4);
      if (/^\d{3}$/.test(digits)) {
        code = Number(digits);
        i += 3;
      } else {
        i += 1;
        if (i >= label.length) throw new DnsFormatError('escape at the end of a label');
        code = label.charCodeAt(i);
      }
    }
    if (code > 255) throw new DnsFormatError('label has a character that is no byte');
    bytes.push(code);
  }
  if (bytes.length === 0 || bytes.length > LABEL_LIMIT) throw new DnsFormatError('label has not 1 to 63 bytes');
  return Buffer.from(bytes);
}

/** A name as a key: ASCII letters folded (RFC 4343), a dot at the end taken off. */
export function foldName(name: string): string {
  const folded = name.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
  return folded.endsWith('.') && !folded.endsWith('\\.') ? folded.slice(0, -1) : folded;
}

export function sameName(a: string, b: string): boolean {
  return a === b || foldName(a) === foldName(b);
}
