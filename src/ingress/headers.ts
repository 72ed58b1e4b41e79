/** The headers of a request on its way to a pod. */
import type { IncomingMessage } from 'node:http';
import { type AnyRequest, bodyOf, framing, saidBody } from '../http/any-message.ts';
import { endToEnd, type HeaderList, headerList, sameHeader, valuesOf } from '../http/index.ts';

/** Said by the ingress alone: what a client claims here would be believed by the app. `expect` is answered by the ingress itself. */
const SAID_HERE = new Set([
  'host',
  'expect',
  'content-length',
  // of HTTP/2 it may come in crumbs
  'cookie',
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-proto',
  'x-forwarded-server',
  'x-forwarded-scheme',
  'x-forwarded-ssl',
  'x-forwarded-prefix',
  'x-real-ip',
]);

export interface Arrival {
  /** Over TLS. */
  secure: boolean;
  /** As the client said it. */
  host: string;
  /** The controller's own name. */
  server: string;
}

/** A request of HTTP/1.1 has a body when its head says so (RFC 9112 6.3), one of HTTP/2 when its head does not end it. */
export function hasBody(req: AnyRequest): boolean {
  if ('stream' in req) return !req.stream.endAfterHeaders;
  const { headers } = req;
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

/** Name and value, in turns. The framing is made here, never copied. */
export function requestHeaders(req: AnyRequest, { secure, host, server }: Arrival): string[] {
  const out: HeaderList = [['Host', host]];
  const said = headerList(req.rawHeaders);
  for (const header of endToEnd(said)) if (!SAID_HERE.has(sameHeader(header[0]))) out.push(header);
  const cookies = valuesOf(said, 'cookie');
  if (cookies.length > 0) out.push(['Cookie', cookies.join('; ')]);
  const client = req.socket.remoteAddress?.replace(/^::ffff:/, '') ?? '';
  const websocket = req.headers.upgrade?.toLowerCase() === 'websocket';
  out.push(['X-Forwarded-For', client], ['X-Real-Ip', client], ['X-Forwarded-Host', host], ['X-Forwarded-Server', server]);
  out.push(['X-Forwarded-Port', /:(\d+)$/.exec(host)?.[1] ?? (secure ? '443' : '80')]);
  out.push(['X-Forwarded-Proto', `${websocket ? 'ws' : 'http'}${secure ? 's' : ''}`]);
  out.push(...framing(saidBody(req.method ?? '', bodyOf(req, said))));
  return out.flat();
}

/** Of an answer on its way to the client. */
export const responseHeaders = (answer: IncomingMessage): HeaderList => endToEnd(headerList(answer.rawHeaders));
