/** The --http-* flags as a filter. */
import { CodedError } from '../base/errors.ts';
import type { DaemonApi } from '../protocol/daemon-api.ts';
import type { Options } from './options.ts';

type HttpFilter = NonNullable<DaemonApi['intercept']['params']['http']>;

/** Undefined when there is no filter. Throws TP-USAGE. */
export function httpFilter(options: Options): HttpFilter | undefined {
  const headers = options.list('http-header').map((text) => {
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
