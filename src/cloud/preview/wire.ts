/** A browser's request and its answer, of HTTP/1.1 and of HTTP/2. */
import { type AnyRequest, type AnyResponse, cut, writeHead } from '../../http/any-message.ts';
import type { Explanation } from './explain.ts';
import type { Mapping } from './hosts.ts';

export function send(req: AnyRequest, res: AnyResponse, { status, headers, body }: Explanation): void {
  if (res.headersSent || res.destroyed) return cut(res);
  writeHead(res, status, headers);
  res.end(req.method === 'HEAD' ? '' : body);
}

/** The path of a request, also of the form with a whole address; `undefined` when that names another host. */
export function pathOf(url: string, { preview }: Mapping): string | undefined {
  if (url.startsWith('/') || url === '*') return url;
  const [, authority, rest = ''] = /^https?:\/\/([^/?#]*)([^#]*)$/i.exec(url) ?? [];
  if (authority?.toLowerCase() !== preview.host) return undefined;
  return rest.startsWith('/') ? rest : `/${rest}`;
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
