/** A server's request and its answer, of HTTP/1.1 and of HTTP/2. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { constants, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2';
import type { HeaderList } from './header-list.ts';

export type AnyRequest = IncomingMessage | Http2ServerRequest;
export type AnyResponse = ServerResponse | Http2ServerResponse;

/** Sets status and headers; repeated names become repeated headers. Throws for what can't be sent. */
export function writeHead(res: AnyResponse, status: number, headers: HeaderList, message?: string): void {
  const values = new Map<string, [name: string, values: string[]]>();
  for (const [name, value] of headers) {
    const known = values.get(name.toLowerCase());
    if (known === undefined) values.set(name.toLowerCase(), [name, [value]]);
    else known[1].push(value);
  }
  const set = (name: string, value: string | string[]) => ('assignSocket' in res ? res.setHeader(name, value) : res.setHeader(name, value));
  for (const [name, list] of values.values()) set(name, list.length === 1 ? (list[0] ?? '') : list);
  if (!('assignSocket' in res)) res.writeHead(status);
  else if (message === undefined) res.writeHead(status);
  else res.writeHead(status, message);
}

/** Ends an answer so that the browser sees that it is not whole. */
export function cut(res: AnyResponse): void {
  if (res.writableFinished) return;
  if ('assignSocket' in res) res.destroy();
  else res.stream.close(constants.NGHTTP2_INTERNAL_ERROR);
}
