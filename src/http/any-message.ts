/** A server's request and its answer, of HTTP/1.1 and of HTTP/2. */
import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http';
import { constants, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2';
import { type HeaderList, trailerList } from './header-list.ts';

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

/** How a request's body comes. */
export type Body = 'none' | 'chunked' | { length: string };

/** HTTP/2 may leave its length out. */
export function bodyOf(req: AnyRequest, headers: HeaderList): Body {
  const length = headers.find(([name]) => name.toLowerCase() === 'content-length')?.[1];
  if (length !== undefined) return { length };
  if ('stream' in req) return req.stream.endAfterHeaders ? 'none' : 'chunked';
  if (headers.some(([name]) => name.toLowerCase() === 'transfer-encoding')) return 'chunked';
  return 'none';
}

const NO_BODY_EXPECTED = new Set(['GET', 'HEAD', 'OPTIONS', 'DELETE']);
/** A method that usually has a body says that this time there is none. */
export function saidBody(method: string, body: Body): Body {
  return body === 'none' && !NO_BODY_EXPECTED.has(method) ? { length: '0' } : body;
}

/** The header that says how a body comes, if one does. */
export function framing(body: Body): HeaderList {
  if (body === 'none') return [];
  return [body === 'chunked' ? ['Transfer-Encoding', 'chunked'] : ['Content-Length', body.length]];
}

/** Passes a request's body and trailers on, and ends with them. */
export function passBody(req: AnyRequest, sent: ClientRequest): void {
  req.pipe(sent, { end: false });
  req.once('end', () => {
    const trailers = trailerList(req.rawTrailers);
    if (trailers.length > 0) sent.addTrailers(trailers);
    sent.end();
  });
}

/**
 * Passes an answer on, with its status, body and trailers.
 * @param headers makes those that it gets in place of its own  @param failed told of an answer that breaks off, and of a head that can't be said again
 */
export function passAnswer(answer: IncomingMessage, res: AnyResponse, headers: () => HeaderList, failed: (error: unknown) => void): void {
  answer.on('error', failed);
  try {
    writeHead(res, answer.statusCode ?? 502, headers(), answer.statusMessage);
  } catch (error) {
    for (const name of res.getHeaderNames()) res.removeHeader(name);
    answer.destroy();
    return failed(error);
  }
  // Head and first bytes travel together where both are there; a stream of events sends its head at once. HTTP/2 sends it by itself.
  if ('assignSocket' in res) {
    setImmediate(() => {
      if (!res.writableEnded && !res.destroyed) res.flushHeaders();
    });
  }
  answer.pipe(res as NodeJS.WritableStream, { end: false });
  answer.once('end', () => {
    const trailers = trailerList(answer.rawTrailers);
    if (trailers.length > 0) res.addTrailers(Object.fromEntries(trailers));
    res.end();
  });
}
