/** One request of a browser through the ingress: bodies stream with back-pressure, and whoever gives up first ends both sides. */
import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http';
import type { Duplex } from 'node:stream';
import { request as httpRequest } from '../../base/node-http.ts';
import { bodyOf, cut, passAnswer, passBody, saidBody } from '../../http/any-message.ts';
import { type HeaderList, headerList } from '../../http/index.ts';
import type { AnyRequest, AnyResponse } from '../context.ts';
import type { Failure } from './failures.ts';
import { failureOf, ResponseTimeout } from './failures.ts';
import { requestHeaders, responseHeaders } from './headers.ts';
import type { Mapping } from './hosts.ts';
import type { IngressAgent, OpenIngress } from './ingress-agent.ts';
import { PREVIEW_IDLE_MS, PREVIEW_RESPONSE_MS } from './limits.ts';
import { Watch } from './wire.ts';

/** What is known of a request that may pass. */
export interface Passage {
  mapping: Mapping;
  header: { name: string; value: string };
  forwardedFor: string;
  path: string;
  /** For the words of a failure. */
  place: string;
  agent: IngressAgent;
  open: OpenIngress;
  /** Answers with the page that explains. */
  fail(failure: Failure): void;
  /** Registers the request as running; what it returns says that it is over. */
  enter(abort: () => void): () => void;
}

/** Requests that may be sent again, on a new connection, when a kept one turns out to be over. */
const AGAIN = new Set(['GET', 'HEAD', 'OPTIONS']);

export const flat = (headers: HeaderList): string[] => headers.flat();

/** A request over a connection of its own. */
export function overStream(stream: Duplex, options: RequestOptions): ClientRequest {
  return httpRequest({ ...options, createConnection: () => stream });
}

export function exchange(req: AnyRequest, res: AnyResponse, passage: Passage): void {
  const method = req.method ?? 'GET';
  const incoming = headerList(req.rawHeaders);
  const body = bodyOf(req, incoming);
  const { mapping, header, forwardedFor } = passage;
  const headers = flat(requestHeaders(incoming, { mapping, header, forwardedFor, body: saidBody(method, body) }));
  const options: RequestOptions = { method, path: passage.path, headers, setHost: false };
  let over = false;
  let upstream: ClientRequest | undefined;
  const end = (): boolean => {
    if (over) return false;
    over = true;
    watch.stop();
    leave();
    req.unpipe?.();
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
    // What is left of an upload runs into nothing, for the browser reads the answer only after it.
    req.resume();
    if (res.headersSent) cut(res);
    else passage.fail(failureOf(error, passage.place));
  };
  const watch = new Watch(PREVIEW_RESPONSE_MS, () => failed(new ResponseTimeout('no byte for too long')));
  const leave = passage.enter(abandon);

  const answered = (response: IncomingMessage): void => {
    if (over) return void response.destroy();
    watch.restart(PREVIEW_IDLE_MS);
    deliver(response, res, mapping, { watch, failed });
  };
  const attempt = (make: () => ClientRequest): void => {
    const sent = make();
    upstream = sent;
    sent.on('response', answered);
    sent.on('error', (error) => {
      const stale = sent.reusedSocket && body === 'none' && AGAIN.has(method) && !res.headersSent && !over;
      if (!stale) return failed(error);
      passage.open().then((stream) => (over ? void stream.destroy() : attempt(() => overStream(stream, options))), failed);
    });
    if (body === 'none') sent.end();
    else upload(req, sent, watch);
  };
  res.on('finish', () => {
    // of HTTP/2 it is told of a request, too, that the browser gave up
    if (!res.writableEnded) return abandon();
    if (end() && !req.complete) req.resume();
  });
  res.on('close', abandon);
  req.on('error', abandon);
  try {
    attempt(() => httpRequest({ ...options, agent: passage.agent }));
  } catch (error) {
    failed(error);
  }
}

function upload(req: AnyRequest, sent: ClientRequest, watch: Watch): void {
  req.on('data', watch.touch);
  passBody(req, sent);
}

/** Passes an answer on to the browser. */
export function deliver(
  response: IncomingMessage,
  res: AnyResponse,
  mapping: Mapping,
  { watch, failed }: { watch: Watch; failed: (error: unknown) => void },
): void {
  passAnswer(response, res, () => responseHeaders(headerList(response.rawHeaders), mapping), failed);
  response.on('data', watch.touch);
}
