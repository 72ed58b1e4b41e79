/** Headers as they came, for whoever passes them on: names keep their case and repetitions their order. */

export type HeaderList = [name: string, value: string][];

/** Of one connection (RFC 9110 7.6.1), and what people took for such. */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
]);
const TRAILERS_REFUSED = new Set(['content-length', 'transfer-encoding', 'set-cookie', 'host', 'trailer', 'connection']);

/** @param raw name and value, in turns, as `rawHeaders`. Pseudo-headers of HTTP/2 are left out. */
export function headerList(raw: readonly string[]): HeaderList {
  const list: HeaderList = [];
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index] ?? '';
    if (!name.startsWith(':')) list.push([name, raw[index + 1] ?? '']);
  }
  return list;
}

export function valuesOf(headers: HeaderList, name: string): string[] {
  return headers.filter(([header]) => header.toLowerCase() === name).map(([, value]) => value);
}

/** Without those of the connection that they came over, and without those that its `Connection` header names. */
export function endToEnd(headers: HeaderList): HeaderList {
  const named = new Set(valuesOf(headers, 'connection').flatMap((value) => value.split(',').map((name) => name.trim().toLowerCase())));
  return headers.filter(([name]) => {
    const lower = name.toLowerCase();
    return !HOP_BY_HOP.has(lower) && !named.has(lower);
  });
}

/** The trailers that may be passed on: none that would change what their message is. */
export function trailerList(rawTrailers: readonly string[]): HeaderList {
  return headerList(rawTrailers).filter(([name]) => !TRAILERS_REFUSED.has(name.toLowerCase()));
}

/** A header of that name with dashes for underscores is the same to CGI, WSGI and their like. */
export const sameHeader = (name: string): string => name.toLowerCase().replaceAll('_', '-');
