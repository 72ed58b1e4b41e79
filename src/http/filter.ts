import { RE2JS } from 're2js';
import { messageOf } from '../base/errors.ts';
import { PATTERN_KNOWN_LENGTH, PATTERN_KNOWN_LIMIT, PATTERN_LIMIT, PATTERN_PROGRAM_LIMIT, PATTERN_REQUEST_LIMIT, PATTERN_VALUE_LIMIT } from './limits.ts';

/** What a filter looks at. One character a byte; names in any case. */
export interface RequestView {
  /** Without the query; undefined: no path matches. */
  readonly path: string | undefined;
  readonly names: readonly string[];
  readonly values: readonly string[];
}

/** The shape of HttpFilter (src/protocol/resources.ts). */
export interface RequestFilter {
  readonly headers: readonly { readonly name: string; readonly value: { readonly exact: string } | { readonly regex: string } }[];
  readonly paths: readonly ({ readonly equal: string } | { readonly prefix: string } | { readonly regex: string })[];
}

/** A pattern that is not RE2, or too large. The message names the pattern and why. */
export class PatternError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'PatternError';
  }
}

interface Budget {
  left: number;
}
type ValueTest = (value: string, budget: Budget) => boolean;

/** Filters in the order in which they are asked, each with what it stands for. Pure: the same request always gives the same answer. */
export class Filters<T> {
  readonly #entries: { headers: { name: string; test: ValueTest }[]; paths: ValueTest[]; result: T }[];

  /** Filters with headers are asked first, then those with paths only, then those that take everything; else in the order given. @throws PatternError */
  constructor(filters: Iterable<readonly [RequestFilter, T]>) {
    const rank = (filter: RequestFilter) => (filter.headers.length > 0 ? 0 : filter.paths.length > 0 ? 1 : 2);
    this.#entries = [...filters]
      .sort(([a], [b]) => rank(a) - rank(b))
      .map(([filter, result]) => ({
        headers: filter.headers.map(({ name, value }) => ({ name: name.toLowerCase(), test: headerTest(value) })),
        paths: filter.paths.map(pathTest),
        result,
      }));
  }

  get size(): number {
    return this.#entries.length;
  }

  /** What the first filter stands for all of whose conditions hold. A header that comes in several lines holds when one of them does. */
  choose(request: RequestView): T | undefined {
    if (this.#entries.length === 0) return undefined;
    const budget = { left: PATTERN_REQUEST_LIMIT };
    const path = request.path === undefined ? undefined : normalPath(request.path);
    for (const { headers, paths, result } of this.#entries) {
      if (paths.length > 0 && path === undefined) continue;
      if (headers.every(({ name, test }) => hasHeader(request, name, test, budget)) && paths.every((test) => test(path as string, budget))) return result;
    }
    return undefined;
  }
}

/** Whether a filter can be used. @throws PatternError */
export function checkFilter(filter: RequestFilter): void {
  new Filters([[filter, true]]);
}

function hasHeader({ names, values }: RequestView, wanted: string, test: ValueTest, budget: Budget): boolean {
  for (let i = 0; i < names.length; i++) {
    const name = names[i] as string;
    if (name.length === wanted.length && name.toLowerCase() === wanted && test(values[i] as string, budget)) return true;
  }
  return false;
}

/** Text as the bytes it is on the wire, one character a byte. */
function wire(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

function headerTest(value: { readonly exact: string } | { readonly regex: string }): ValueTest {
  if ('regex' in value) return patternTest(value.regex);
  const exact = wire(value.exact);
  return (given) => given === exact;
}

function pathTest(condition: { readonly equal: string } | { readonly prefix: string } | { readonly regex: string }): ValueTest {
  if ('equal' in condition) {
    const equal = normalPath(wire(condition.equal));
    return (path) => path === equal;
  }
  if ('prefix' in condition) {
    const prefix = normalPath(wire(condition.prefix));
    return (path) => path.startsWith(prefix);
  }
  return patternTest(condition.regex);
}

function patternTest(pattern: string): ValueTest {
  if (pattern.length > PATTERN_LIMIT) throw new PatternError(`The regular expression ${pattern.slice(0, 40)}… is longer than ${PATTERN_LIMIT} characters.`);
  let compiled: RE2JS;
  try {
    compiled = RE2JS.compile(pattern);
  } catch (error) {
    throw new PatternError(`The regular expression ${pattern} is not RE2: ${messageOf(error)}.`);
  }
  if (compiled.programSize() > PATTERN_PROGRAM_LIMIT)
    throw new PatternError(
      `The regular expression ${pattern} repeats too much: it compiles to ${compiled.programSize()} steps, ${PATTERN_PROGRAM_LIMIT} are allowed.`,
    );
  // Marks of requests come again and again.
  const known = new Map<string, boolean>();
  return (value, budget) => {
    const before = value.length > PATTERN_VALUE_LIMIT ? false : known.get(value);
    if (before !== undefined) return before;
    if (value.length > budget.left) return false;
    budget.left -= value.length;
    const result = compiled.testExact(isAscii(value) ? value : Buffer.from(value, 'latin1').toString('utf8'));
    if (value.length <= PATTERN_KNOWN_LENGTH) {
      if (known.size >= PATTERN_KNOWN_LIMIT) known.clear();
      known.set(value, result);
    }
    return result;
  };
}

function isAscii(value: string): boolean {
  for (let i = 0; i < value.length; i++) if (value.charCodeAt(i) > 127) return false;
  return true;
}

/** Escapes of characters that need none are undone, the others written alike (RFC 3986 6.2.2): `/%61` is `/a`. */
function normalPath(path: string): string {
  if (!path.includes('%')) return path;
  return path.replace(/%([0-9A-Fa-f]{2})/g, (written, hex: string) => {
    const character = String.fromCharCode(Number.parseInt(hex, 16));
    return /[A-Za-z0-9._~-]/.test(character) ? character : written.toUpperCase();
  });
}
