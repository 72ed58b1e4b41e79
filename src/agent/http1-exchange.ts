import type { BodyTracker, RequestHead } from '../http/index.ts';
import type { Route } from './http-routes.ts';
import type { Http1Answer } from './http1-answer.ts';
import type { Upstream } from './http1-upstream.ts';
import { REPLAY_LIMIT } from './limits.ts';

/** RFC 9110 9.2.2: doing them twice is the same as doing them once. */
const IDEMPOTENT = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);

/** One request in work and its answer. */
export interface Exchange {
  readonly head: RequestHead;
  /** Follows the request's body. */
  readonly request: BodyTracker;
  /** Where the request goes; undefined: the app. */
  route: Route | undefined;
  /** Undefined while it is being dialled. */
  upstream: Upstream | undefined;
  answer: Http1Answer;
  /** It went over a connection that had served another request: the server may just have been closing it. */
  reused: boolean;
  /** Its bytes so far, for sending them elsewhere; undefined: too many, or not wanted. */
  sent: Buffer[] | undefined;
  sentBytes: number;
}

/** Whether the request may be sent a second time though a server may have seen it. */
export function isRepeatable(head: RequestHead): boolean {
  return head.body.kind === 'none' && head.upgrade === undefined && IDEMPOTENT.has(head.method);
}

/** Its text is all of the request: needs no copy. */
function isWhole(head: RequestHead): boolean {
  return head.body.kind === 'none';
}

/** Keeps a copy of bytes that are sent, up to REPLAY_LIMIT in all. */
export function keepSent(exchange: Exchange, bytes: Buffer): void {
  if (exchange.sent === undefined || isWhole(exchange.head)) return;
  exchange.sentBytes += bytes.length;
  if (exchange.sentBytes > REPLAY_LIMIT) exchange.sent = undefined;
  else exchange.sent.push(Buffer.from(bytes));
}

/** What was sent so far, to send it again; undefined: that can't be. */
export function sentBytes(exchange: Exchange): Buffer | undefined {
  if (exchange.sent === undefined) return undefined;
  return isWhole(exchange.head) ? Buffer.from(exchange.head.text, 'latin1') : Buffer.concat(exchange.sent);
}
