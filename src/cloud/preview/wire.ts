/** A browser's request and its answer, of HTTP/1.1 and of HTTP/2. */
import { constants } from 'node:http2';
import type { HeaderList } from '../../http/index.ts';
import type { AnyRequest, AnyResponse } from '../context.ts';
import type { Explanation } from './explain.ts';
import type { RequestContext } from './headers.ts';
import type { Mapping } from './hosts.ts';

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

export function send(req: AnyRequest, res: AnyResponse, { status, headers, body }: Explanation): void {
  if (res.headersSent || res.destroyed) return cut(res);
  writeHead(res, status, headers);
  res.end(req.method === 'HEAD' ? '' : body);
}

/** Ends an answer so that the browser sees that it is not whole. */
export function cut(res: AnyResponse): void {
  if (res.writableFinished) return;
  if ('assignSocket' in res) res.destroy();
  else res.stream.close(constants.NGHTTP2_INTERNAL_ERROR);
}

/** The path of a request, also of the form with a whole address; `undefined` when that names another host. */
export function pathOf(url: string, { preview }: Mapping): string | undefined {
  if (url.startsWith('/') || url === '*') return url;
  const [, authority, rest = ''] = /^https?:\/\/([^/?#]*)([^#]*)$/i.exec(url) ?? [];
  if (authority?.toLowerCase() !== preview.host) return undefined;
  return rest.startsWith('/') ? rest : `/${rest}`;
}

/** How a request's body comes. HTTP/2 may leave its length out. */
export function bodyOf(req: AnyRequest, headers: HeaderList): RequestContext['body'] {
  const length = headers.find(([name]) => name.toLowerCase() === 'content-length')?.[1];
  if (length !== undefined) return { length };
  if ('stream' in req) return req.stream.endAfterHeaders ? 'none' : 'chunked';
  if (headers.some(([name]) => name.toLowerCase() === 'transfer-encoding')) return 'chunked';
  return 'none';
}

const NO_BODY_EXPECTED = new Set(['GET', 'HEAD', 'OPTIONS', 'DELETE']);
/** A method that usually has a body says that this time there is none. */
export function saidBody(method: string, body: RequestContext['body']): RequestContext['body'] {
  return body === 'none' && !NO_BODY_EXPECTED.has(method) ? { length: '0' } : body;
}

/** Calls `expired` when `touch` was not called for so long. */
export class Watch {
  #timer: NodeJS.Timeout;
  #expired: () => void;

  constructor(ms: number, expired: () => void) {
    this.#expired = expired;
    this.#timer = setTimeout(expired, ms);
  }

  readonly touch = (): void => {
    this.#timer.refresh();
  };

  restart(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#expired, ms);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
