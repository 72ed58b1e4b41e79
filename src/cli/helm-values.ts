/**
 * Chart values from -f and --set…, with Helm's grammar: `a.b=c`, `list={x,y}`, `list[0].name=x`, a backslash before what shall not
 * divide. Later ones win; among the kinds the order is Helm's: files, JSON, plain, text, file contents.
 */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { CodedError, messageOf } from '../base/errors.ts';

export type Values = Record<string, unknown>;

export interface ValueFlags {
  files: string[];
  json: string[];
  set: string[];
  text: string[];
  file: string[];
}

/** Helm's own bound on list indexes. */
export const LIST_INDEX_LIMIT = 65_536;

/** Throws TP-USAGE. */
export async function readHelmValues(flags: ValueFlags, cwd: string): Promise<Values> {
  let values: Values = {};
  for (const file of flags.files) values = mergeValues(values, await readValuesFile(file, cwd));
  for (const text of flags.json) {
    if (text.trimStart().startsWith('{')) values = mergeValues(values, asObject(parseJson(text, '--set-json'), '--set-json'));
    else assign(values, wholeAssignment(text, '--set-json'), (raw) => parseJson(raw, '--set-json'));
  }
  for (const text of flags.set) for (const one of splitAssignments(text, '--set')) assign(values, one, (raw) => parseValue(raw, typed));
  for (const text of flags.text) for (const one of splitAssignments(text, '--set-string')) assign(values, one, (raw) => parseValue(raw, unescaped));
  for (const text of flags.file) {
    for (const one of splitAssignments(text, '--set-file')) {
      const content = await readText(unescaped(one.raw), '--set-file', cwd);
      assign(values, one, () => content);
    }
  }
  return values;
}

async function readText(file: string, flag: string, cwd: string): Promise<string> {
  try {
    return await readFile(resolve(cwd, file), 'utf8');
  } catch (error) {
    throw new CodedError('TP-USAGE', `${flag} ${file} can't be read: ${messageOf(error)}.`, { cause: error });
  }
}

async function readValuesFile(file: string, cwd: string): Promise<Values> {
  if (/^https?:\/\//.test(file)) throw new CodedError('TP-UNSUPPORTED', `--values ${file}: values from a URL are refused; download the file first.`);
  const { parse } = await import('yaml');
  const text = await readText(file, '--values', cwd);
  try {
    return asObject(parse(text) ?? {}, `--values ${file}`);
  } catch (error) {
    if (error instanceof CodedError) throw error;
    throw new CodedError('TP-USAGE', `--values ${file} is not YAML: ${messageOf(error)}.`, { cause: error });
  }
}

function asObject(value: unknown, what: string): Values {
  if (!isObject(value)) throw new CodedError('TP-USAGE', `${what} does not hold an object.`);
  return value;
}

function isObject(value: unknown): value is Values {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `over` wins; objects are merged, everything else is replaced; null takes a value away from the chart's defaults and is kept. */
export function mergeValues(under: Values, over: Values): Values {
  const merged: Values = { ...under };
  for (const [key, value] of Object.entries(over)) {
    const old = merged[key];
    merged[key] = isObject(old) && isObject(value) ? mergeValues(old, value) : value;
  }
  return merged;
}

interface Assignment {
  flag: string;
  path: (string | number)[];
  raw: string;
}

/** Splits at unescaped commas outside braces, then each part at its first unescaped `=`. */
function splitAssignments(text: string, flag: string): Assignment[] {
  return splitUnescaped(text, ',', true).map((part) => wholeAssignment(part, flag));
}

function wholeAssignment(text: string, flag: string): Assignment {
  const at = findUnescaped(text, '=');
  if (at < 0) throw new CodedError('TP-USAGE', `${flag} ${text} has no =.`);
  return { flag, path: parsePath(text.slice(0, at), flag), raw: text.slice(at + 1) };
}

function parsePath(text: string, flag: string): (string | number)[] {
  const path: (string | number)[] = [];
  for (const part of splitUnescaped(text, '.', false)) {
    const match = /^((?:\\.|[^[\\])*)((?:\[\d+\])*)$/s.exec(part);
    const name = unescaped(match?.[1] ?? '');
    if (match === null || name === '') throw new CodedError('TP-USAGE', `${flag}: ${JSON.stringify(text)} is not a path like a.b or a.b[0].`);
    if (name === '__proto__') throw new CodedError('TP-USAGE', `${flag}: ${name} can't be set.`);
    path.push(name);
    for (const [, index] of (match[2] ?? '').matchAll(/\[(\d+)\]/g)) {
      if (Number(index) > LIST_INDEX_LIMIT) throw new CodedError('TP-USAGE', `${flag}: the index ${index} is larger than ${LIST_INDEX_LIMIT}.`);
      path.push(Number(index));
    }
  }
  return path;
}

function assign(values: Values, { path, raw }: Assignment, read: (raw: string) => unknown): void {
  let at: Values | unknown[] = values;
  path.forEach((key, index) => {
    const last = index === path.length - 1;
    const held = (at as Record<string | number, unknown>)[key];
    const next = last ? read(raw) : typeof path[index + 1] === 'number' ? (Array.isArray(held) ? held : []) : isObject(held) ? held : {};
    if (Array.isArray(at)) for (let i = at.length; i < Number(key); i++) at[i] = null;
    (at as Record<string | number, unknown>)[key] = next;
    at = next as Values | unknown[];
  });
}

function parseValue(raw: string, scalar: (text: string) => unknown): unknown {
  if (!raw.startsWith('{') || !raw.endsWith('}')) return scalar(raw);
  const inner = raw.slice(1, -1);
  return inner === '' ? [] : splitUnescaped(inner, ',', false).map(scalar);
}

/** `true`, `false`, `null` and integers are what they look like; a leading zero keeps a text. */
function typed(raw: string): unknown {
  if (raw === 'true') return true;
  if (raw === 'false') return false;
  if (raw === 'null') return null;
  if (/^(0|-?[1-9]\d*)$/.test(raw) && Number.isSafeInteger(Number(raw))) return Number(raw);
  return unescaped(raw);
}

function parseJson(text: string, flag: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new CodedError('TP-USAGE', `${flag} ${text} is not JSON: ${messageOf(error)}.`, { cause: error });
  }
}

function unescaped(text: string): string {
  return text.replace(/\\(.)/gs, '$1');
}

function findUnescaped(text: string, char: string): number {
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '\\') i++;
    else if (text[i] === char) return i;
  }
  return -1;
}

function splitUnescaped(text: string, separator: string, braces: boolean): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    const char = text[i];
    if (char === '\\') i++;
    else if (braces && char === '{') depth++;
    else if (braces && char === '}' && depth > 0) depth--;
    else if (char === separator && depth === 0) {
      parts.push(text.slice(start, i));
      start = i + 1;
    }
  }
  parts.push(text.slice(start));
  return parts;
}
