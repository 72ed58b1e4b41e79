/** The --http-* flags as a filter. */
import { CodedError } from '../base/errors.ts';
import type { DaemonApi } from '../protocol/daemon-api.ts';
import type { Options } from './options.ts';

type HttpFilter = NonNullable<DaemonApi['intercept']['params']['http']>;

/** `auto` asks for the header with the intercept's own id, `all` for none, as in 2.4. */
const WORDS: readonly string[] = ['auto', 'all'];

export interface HttpWishes {
  /** Undefined when no condition is given. */
  filter: HttpFilter | undefined;
  word: 'auto' | 'all' | undefined;
}

/** Throws TP-USAGE. */
export function httpWishes(options: Options): HttpWishes {
  const given = options.list('http-header');
  const words = given.filter((text) => WORDS.includes(text));
  if (words.includes('all') && given.length > 1) throw new CodedError('TP-USAGE', '--http-header all excludes other --http-header flags.');
  const word = words.includes('all') ? 'all' : words.length > 0 ? 'auto' : undefined;
  return {
    filter: filterOf(
      options,
      given.filter((text) => !WORDS.includes(text)),
    ),
    word,
  };
}

function filterOf(options: Options, given: readonly string[]): HttpFilter | undefined {
  const headers = given.map((text) => {
    // Both `Name=value` and curl's `Name: value`: whichever separator comes first.
    const match = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*[=:]\s*(.*)$/s.exec(text);
    if (match?.[1] === undefined) throw new CodedError('TP-USAGE', `--http-header ${text} is neither NAME=VALUE nor NAME: VALUE.`);
    return { name: match[1], value: { exact: match[2] ?? '' } };
  });
  const paths = [
    ...options.list('http-path-equal').map((equal) => ({ equal })),
    ...options.list('http-path-prefix').map((prefix) => ({ prefix })),
    ...options.list('http-path-regex').map((regex) => ({ regex })),
  ];
  return headers.length + paths.length === 0 ? undefined : { headers, paths };
}
