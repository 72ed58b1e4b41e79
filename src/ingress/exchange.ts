/** One request and its answer: bodies stream with back-pressure, and whoever gives up first ends both sides. */
import type { ClientRequest, IncomingMessage } from 'node:http';
import { request } from '../base/node-http.ts';
import { type AnyRequest, type AnyResponse, cut, passAnswer, passBody } from '../http/any-message.ts';
import { type createBackendAgent, inTurn, limitConnecting } from './backends.ts';
import type { Endpoint } from './endpoints.ts';
import { hasBody, responseHeaders } from './headers.ts';

export interface Passage {
  endpoints: readonly Endpoint[];
  /** As the pod gets it. */
  path: string;
  headers: string[];
  /** Answers in place of the pod. */
  fail(error: unknown): void;
}

/** Requests that may be sent again, on a new connection, when a kept one turns out to be over (RFC 9110 9.2.2). */
const AGAIN = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'TRACE']);

export function exchange(req: AnyRequest, res: AnyResponse, passage: Passage, agent: ReturnType<typeof createBackendAgent>): void {
  const method = req.method ?? 'GET';
  const body = hasBody(req);
  const [first, ...others] = inTurn(passage.endpoints);
  let over = false;
  let upstream: ClientRequest | undefined;
  const end = (): boolean => {
    if (over) return false;
    over = true;
    return true;
  };
  const abandon = (): void => {
    if (!end()) return;
    upstream?.destroy();
    cut(res);
  };
  const failed = (error: unknown): void => {
    if (!end()) return;
    upstream?.destroy();
    // What is left of an upload runs into nothing: many clients read the answer only after it.
    req.unpipe();
    req.resume();
    if (res.headersSent) cut(res);
    else passage.fail(error);
  };
  function attempt(endpoint: Endpoint, kept: boolean): void {
    const { path, headers } = passage;
    let sent: ClientRequest;
    try {
      sent = request({ ...endpoint, method, path, headers, setHost: false, agent: kept ? agent : false });
    } catch (error) {
      // a head that Node takes from a client and does not send
      return failed(error);
    }
    upstream = sent;
    let begun = false;
    const begin = (): void => {
      begun = true;
      if (!body) return;
      // a client may wait for an answer before it sends its body
      sent.flushHeaders();
      passBody(req, sent);
    };
    sent.once('socket', (socket) => {
      if (!socket.connecting) return begin();
      limitConnecting(socket, endpoint);
      socket.once('connect', begin);
    });
    sent.on('error', (error) => {
      if (over) return;
      if (sent.reusedSocket && !body && AGAIN.has(method) && !res.headersSent) return attempt(endpoint, false);
      const next = begun ? undefined : others.shift();
      if (next === undefined) failed(error);
      else attempt(next, kept);
    });
    sent.on('response', (answer) => {
      if (over) return void answer.destroy();
      deliver(answer, res, failed);
    });
    if (!body) sent.end();
  }
  res.once('finish', () => {
    // of HTTP/2 it is told of a request, too, that the client gave up
    if (!res.writableEnded) return abandon();
    if (!end()) return;
    // answered before it had heard everything
    if (upstream?.writableFinished === false) upstream.destroy();
  });
  res.once('close', abandon);
  req.on('error', abandon);
  if (first === undefined) failed(new Error('there is no endpoint'));
  else attempt(first, true);
}

/** Passes an answer on to the client. */
export function deliver(answer: IncomingMessage, res: AnyResponse, failed: (error: unknown) => void): void {
  passAnswer(answer, res, () => responseHeaders(answer), failed);
}
