/** Values from files and `--set`, as Helm reads them. */
import { parse } from 'yaml';
import { CodedError, messageOf } from '../base/errors.ts';

export type Tree = Record<string, unknown>;

export function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `over` laid on `under`: objects key by key, everything else replaced. A `null` stays, to take a default away in the end. */
export function mergeValues(under: Tree, over: Tree): Tree {
  // Not by assignment: a key may be named __proto__.
  const merged = new Map(Object.entries(under));
  for (const [key, value] of Object.entries(over)) {
    const before = merged.get(key);
    merged.set(key, isTree(before) && isTree(value) ? mergeValues(before, value) : value);
  }
  return Object.fromEntries(merged);
}

/** The values laid on the defaults; what is `null` is gone. */
export function coalesceValues(defaults: Tree, given: Tree): Tree {
  return withoutNulls(mergeValues(defaults, given));
}

function withoutNulls(tree: Tree): Tree {
  const kept = Object.entries(tree).filter(([, value]) => value !== null);
  return Object.fromEntries(kept.map(([key, value]) => [key, isTree(value) ? withoutNulls(value) : value]));
}

/** Reads a values file. Throws TP-CONFIG-INVALID that names it. */
export function readValues(text: string, file: string): Tree {
  let value: unknown;
  try {
    value = parse(text);
  } catch (error) {
    throw new CodedError('TP-CONFIG-INVALID', `${file} is not YAML: ${messageOf(error)}`, { cause: error });
  }
  if (value === null || value === undefined) return {};
  if (!isTree(value)) throw new CodedError('TP-CONFIG-INVALID', `${file} does not hold values: it is not a map of keys.`);
  return value;
}

function scalar(text: string): unknown {
  if (text === 'null') return null;
  if (text === 'true' || text === 'false') return text === 'true';
  // As Helm: a number with a leading zero is a name.
  if (/^-?(0|[1-9]\d{0,14})$/.test(text)) return Number(text);
  if (/^\{.*\}$/s.test(text)) return text === '{}' ? [] : splitUnescaped(text.slice(1, -1), ',').map(scalar);
  return text.replaceAll(/\\(.)/g, '$1');
}

/** Splits at `separator`, except where a backslash precedes it or braces hold it. */
function splitUnescaped(text: string, separator: string): string[] {
  const parts: string[] = [];
  let [part, depth] = ['', 0];
  for (let at = 0; at < text.length; at++) {
    const char = text[at] ?? '';
    if (char === '\\') {
      part += char + (text[++at] ?? '');
    } else if (char === separator && depth === 0) {
      parts.push(part);
      part = '';
    } else {
      depth += char === '{' ? 1 : char === '}' ? -1 : 0;
      part += char;
    }
  }
  return [...parts, part];
}

/** `--set a.b=1,c=x`; list items by index, `a[0].b=1`. `asString` is `--set-string`. */
export function parseSetting(text: string, options: { asString?: boolean } = {}): Tree {
  let tree: Tree = {};
  for (const one of splitUnescaped(text, ',')) {
    const equals = one.indexOf('=');
    const path = one.slice(0, equals);
    if (equals < 1 || path === '') throw new CodedError('TP-USAGE', `--set takes KEY=VALUE, not '${one}'.`);
    const value = one.slice(equals + 1);
    tree = mergeValues(tree, nest(splitUnescaped(path, '.'), options.asString ? value.replaceAll(/\\(.)/g, '$1') : scalar(value), one));
  }
  return tree;
}

function nest(path: string[], value: unknown, text: string): Tree {
  const [first = '', ...rest] = path;
  const inner = rest.length === 0 ? value : nest(rest, value, text);
  const indexed = /^(.+)\[(\d+)\]$/.exec(first);
  if (indexed === null) return { [first.replaceAll(/\\(.)/g, '$1')]: inner };
  // Only a whole list can be given: two settings of one list would need the list they change.
  if (indexed[2] !== '0') throw new CodedError('TP-USAGE', `--set gives a list as KEY={a,b}, or its only item as KEY[0], not '${text}'.`);
  return { [indexed[1] ?? '']: [inner] };
}
