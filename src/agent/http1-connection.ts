import type { Socket } from 'node:net';
import { BadMessage, plainResponse, type RequestHead } from '../http/index.ts';
import type { HttpContext } from './http-context.ts';
import { End, type EndEvents } from './http-end.ts';
import { HEAD_TIMEOUT_MS, HTTP_BOUND, IDLE_TIMEOUT_MS, LINGER_MS, PIPELINE_BOUND } from './http-limits.ts';
import { failureText, type Route } from './http-routes.ts';
import { Http1Answer } from './http1-answer.ts';
import { type Exchange, isRepeatable, keepSent, sentBytes } from './http1-exchange.ts';
import { type Request, RequestReader } from './http1-reader.ts';
import { Upstream, type UpstreamOwner } from './http1-upstream.ts';
import { NOT_REACHED } from './tcp-taker.ts';

const APP = '';

/**
 * One client's HTTP/1.1 connection. Requests are served one after the other, so answers keep their order wherever they come from; what
 * is pipelined waits. To each place there is at most one connection, kept for the client's next requests and shared with no other
 * client: a server that misreads a message can mislead nobody else.
 */
export class Http1Connection implements EndEvents, UpstreamOwner {
  /** Resolves when the client's connection is closed. */
  readonly over: Promise<void>;
  readonly #client: End;
  readonly #context: HttpContext;
  readonly #reader = new RequestReader();
  readonly #stash = this.#reader.stash;
  readonly #upstreams = new Map<string, Upstream>();
  #exchange: Exchange | undefined;
  #lastPlace = APP;
  #clientEnded = false;
  #retired = false;
  #mode: 'open' | 'tunnel' | 'closing' = 'open';
  #headTimer: NodeJS.Timeout | undefined;
  /** A look now and then costs less than a timer that each byte winds up. */
  readonly #idleTimer: NodeJS.Timeout;
  #requests = 0;
  #resolve: () => void;

  /** @param first what was read of the connection already */
  constructor(accepted: Socket, first: Buffer, context: HttpContext) {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.over = promise;
    this.#resolve = resolve;
    this.#context = context;
    this.#client = End.accepted(accepted);
    this.#client.events = this;
    const socket = this.#client.stream as Socket;
    let seen = -1;
    this.#idleTimer = setInterval(() => {
      if (this.#exchange === undefined && this.#mode === 'open' && this.#requests === seen) this.#close();
      seen = this.#requests;
    }, IDLE_TIMEOUT_MS);
    this.#idleTimer.unref();
    this.#client.resume();
    if (socket.destroyed) this.closed(undefined);
    else this.bytes(first);
  }

  /** Ends it behind the answer to the request that is in work, if one is. */
  retire(): void {
    this.#retired = true;
    if (this.#exchange === undefined && this.#mode === 'open' && this.#stash.length === 0) this.#close();
  }

  /** Ends it now. */
  destroy(): void {
    this.#client.destroy();
  }

  // --- the client ---

  bytes(chunk: Buffer): void {
    const exchange = this.#exchange;
    if (this.#mode === 'closing') return;
    if (this.#mode === 'tunnel') this.#toUpstream(exchange?.upstream, chunk, this.#client);
    else if (exchange === undefined) this.#takeNext(chunk);
    else if (exchange.upstream !== undefined && !exchange.request.done && this.#stash.length === 0) this.#body(exchange, chunk, this.#client);
    else {
      this.#stash.append(chunk);
      if (this.#stash.length > PIPELINE_BOUND) this.#client.pause();
    }
  }

  ended(): void {
    this.#clientEnded = true;
    const exchange = this.#exchange;
    if (this.#mode === 'closing') return;
    if (exchange === undefined) this.#close();
    else if (this.#stash.length === 0) exchange.upstream?.end.end();
  }

  drained(): void {
    this.#exchange?.upstream?.end.resume();
  }

  closed(error: Error | undefined): void {
    clearTimeout(this.#headTimer);
    clearInterval(this.#idleTimer);
    const other = this.#mode === 'tunnel' ? this.#exchange?.upstream?.end.stream : undefined;
    // A tunnel whose both directions ended in order closes by itself, behind what still waits to be written.
    if (error !== undefined || other === undefined || !other.writableEnded || !other.readableEnded) this.#dropUpstreams();
    this.#mode = 'closing';
    this.#resolve();
  }

  // --- requests ---

  #takeNext(chunk?: Buffer): void {
    const request = this.#reader.next(chunk);
    if (request === undefined) {
      if (this.#stash.length > 0)
        this.#headTimer ??= setTimeout(() => this.#refuse(408, 'telepresence: the head of the request did not come in time.'), HEAD_TIMEOUT_MS);
      return;
    }
    clearTimeout(this.#headTimer);
    this.#headTimer = undefined;
    if (request instanceof BadMessage) this.#bad(request.reason);
    else this.#begin(request);
  }

  #begin({ head, body, bytes }: Request): void {
    const route = this.#context.routes.choose(head);
    const exchange: Exchange = {
      head,
      request: body,
      route,
      upstream: undefined,
      answer: this.#answer(head, route),
      reused: false,
      sent: undefined,
      sentBytes: 0,
    };
    this.#exchange = exchange;
    this.#requests++;
    // The bytes may be the read buffer's.
    if (route === undefined) this.#toApp(exchange, bytes, this.#client);
    else {
      this.#context.links.taken(route.intercept);
      this.#toWorkstation(exchange, route, bytes, this.#client);
    }
  }

  #answer(head: RequestHead, route: Route | undefined): Http1Answer {
    return new Http1Answer(this.#client, head, { upgrade: head.upgrade !== undefined, proof: route?.proof, strict: route !== undefined });
  }

  // --- places ---

  #toWorkstation(exchange: Exchange, route: Route, bytes: Buffer, from: End | undefined, fresh = false): void {
    const { intercept } = route;
    const place = intercept.uid;
    const known = this.#upstreams.get(place);
    exchange.sent = [];
    exchange.sentBytes = 0;
    // Only what may be repeated meets a connection that the process may just be closing.
    if (known !== undefined && !fresh && isRepeatable(exchange.head)) return this.#send(exchange, known, true, bytes, from);
    known?.drop(false);
    this.#upstreams.delete(place);
    const stream = this.#context.links.open(intercept, this.#context.peer);
    if (stream === undefined) return this.#toApp(exchange, bytes, from);
    const upstream = new Upstream(place, new End(stream), this);
    this.#upstreams.set(place, upstream);
    this.#send(exchange, upstream, false, bytes, from);
  }

  #toApp(exchange: Exchange, bytes: Buffer, from: End | undefined, fresh = false): void {
    if (exchange.route !== undefined) exchange.answer = this.#answer(exchange.head, undefined);
    exchange.route = undefined;
    exchange.sent = undefined;
    exchange.sentBytes = 0;
    const known = this.#upstreams.get(APP);
    if (known !== undefined && !fresh) {
      if (isRepeatable(exchange.head)) exchange.sent = [];
      return this.#send(exchange, known, true, bytes, from);
    }
    const waiting = Buffer.from(bytes);
    exchange.upstream = undefined;
    this.#client.pause();
    End.dial(this.#context.app).then(
      (end) => {
        if (this.#exchange !== exchange || this.#mode !== 'open') return end.destroy();
        const upstream = new Upstream(APP, end, this);
        this.#upstreams.set(APP, upstream);
        this.#client.resume();
        this.#send(exchange, upstream, false, waiting, undefined);
      },
      // As without an agent: the app refuses.
      () => this.#client.reset(),
    );
  }

  #send(exchange: Exchange, upstream: Upstream, reused: boolean, bytes: Buffer, from: End | undefined): void {
    exchange.upstream = upstream;
    exchange.reused = reused;
    this.#lastPlace = upstream.place;
    // It may have been paused when its last answer waited for the client.
    upstream.end.resume();
    keepSent(exchange, bytes);
    this.#toUpstream(upstream, bytes, from);
    const stashed = this.#stash.view();
    if (exchange.request.done || stashed.length === 0) return this.#passEnd(exchange);
    this.#stash.drop(stashed.length);
    return this.#body(exchange, stashed, undefined);
  }

  #toUpstream(upstream: Upstream | undefined, bytes: Buffer, from: End | undefined): void {
    if (upstream === undefined) return;
    upstream.end.write(bytes, from);
    if (upstream.end.waiting > HTTP_BOUND) this.#client.pause();
  }

  /** More of the request's body, and what comes behind it. */
  #body(exchange: Exchange, chunk: Buffer, from: End | undefined): void {
    const { request } = exchange;
    const end = request.consume(chunk, 0);
    if (request.fault !== undefined) return this.#brokenBody(exchange, request.fault);
    const bytes = end === chunk.length ? chunk : chunk.subarray(0, end);
    keepSent(exchange, bytes);
    this.#toUpstream(exchange.upstream, bytes, from);
    if (end < chunk.length) this.#stash.append(chunk.subarray(end));
    this.#passEnd(exchange);
    if (request.done) this.#settle(exchange);
    return undefined;
  }

  /** The client's half-close reaches the server behind the last request: it decides what it means. */
  #passEnd(exchange: Exchange): void {
    if (this.#clientEnded && this.#stash.length === 0) exchange.upstream?.end.end();
  }

  #brokenBody(exchange: Exchange, fault: string): void {
    if (exchange.answer.passed) this.#client.reset();
    else this.#bad(fault);
  }

  // --- answers ---

  upstreamBytes(upstream: Upstream, chunk: Buffer): void {
    const exchange = this.#exchange;
    // What nobody asked for must not become the answer to the next request.
    if (exchange?.upstream !== upstream || exchange.answer.done) return this.#forget(upstream, false);
    const { answer } = exchange;
    answer.bytes(chunk, upstream.end);
    exchange.sent = undefined;
    if (this.#client.waiting > HTTP_BOUND) upstream.end.pause();
    if (answer.fault) return this.#brokenAnswer(exchange);
    if (answer.head?.tunnel === true && this.#mode === 'open') this.#tunnel(exchange);
    else if (answer.done) {
      if (answer.excess) this.#forget(upstream, false);
      this.#settle(exchange);
    }
    return undefined;
  }

  upstreamDrained(upstream: Upstream): void {
    if (this.#exchange?.upstream === upstream && (this.#stash.length <= PIPELINE_BOUND || this.#mode === 'tunnel')) this.#client.resume();
  }

  upstreamEnded(upstream: Upstream, over: boolean, error: Error | undefined): void {
    const exchange = this.#exchange;
    const known = this.#upstreams.get(upstream.place) === upstream;
    if (this.#mode === 'tunnel' && exchange?.upstream === upstream) {
      if (!over) this.#client.end();
      else if (error !== undefined || !this.#client.stream.writableEnded) this.#client.reset();
      return;
    }
    if (!known || this.#mode === 'closing') return;
    if (exchange?.upstream !== upstream) {
      this.#forget(upstream, false);
      // As without an agent: the app closes the idle connections of its last clients itself.
      if (exchange === undefined && upstream.place === APP && this.#lastPlace === APP && this.#stash.length === 0) this.#close();
      return;
    }
    this.#upstreams.delete(upstream.place);
    upstream.drop(false);
    const { answer } = exchange;
    if (answer.done) this.#close();
    else if (error === undefined && answer.ended()) this.#settle(exchange);
    else if (!answer.answered) this.#unanswered(exchange, upstream, error);
    else if (error === undefined) this.#close();
    else this.#client.reset();
  }

  /** The server is gone before it said a word. */
  #unanswered(exchange: Exchange, upstream: Upstream, error: Error | undefined): void {
    const { route, head } = exchange;
    const again = sentBytes(exchange);
    const repeatable = exchange.reused && isRepeatable(head);
    if (route === undefined) {
      if (repeatable && again !== undefined) this.#toApp(exchange, again, undefined, true);
      else if (error === undefined) this.#close();
      else this.#client.reset();
      return;
    }
    const reason = upstream.resetReason ?? (error === undefined ? 'closed' : 'gone');
    const toApp = reason === 'gone' || (route.intercept.fallback && NOT_REACHED.has(reason));
    if (toApp && again !== undefined) this.#toApp(exchange, again, undefined);
    else if (repeatable && !NOT_REACHED.has(reason) && again !== undefined) this.#toWorkstation(exchange, route, again, undefined, true);
    else this.#failed(exchange, failureText(route.intercept, reason));
  }

  #brokenAnswer(exchange: Exchange): void {
    const { answer, route, upstream } = exchange;
    if (upstream !== undefined) this.#forget(upstream, true);
    if (answer.passed || route === undefined) this.#client.reset();
    else this.#failed(exchange, failureText(route.intercept, 'not-http'));
  }

  /** The honest 502: nobody else answers in the workstation's stead. */
  #failed(exchange: Exchange, text: string): void {
    const { head, request } = exchange;
    const goesOn = head.persistent && request.done && head.minor === 1;
    this.#client.write(plainResponse(502, text, { head: head.method === 'HEAD', end: !goesOn }), undefined);
    if (goesOn) this.#next();
    else this.#close();
  }

  /** Once the answer is whole: goes on with the next request when this one is whole too. */
  #settle(exchange: Exchange): void {
    const { answer, head, request, upstream } = exchange;
    if (!answer.done || this.#exchange !== exchange) return;
    const alive = upstream !== undefined && this.#upstreams.get(upstream.place) === upstream;
    const persistent = head.persistent && answer.head?.persistent === true;
    if (!request.done) {
      // An early answer. The rest of the body goes on, unless the client may as well leave it out (RFC 9110 10.1.1).
      const unclear = head.expectsContinue && !answer.continued && !request.started;
      if (!persistent || !alive || unclear) this.#close();
      return;
    }
    if (!persistent && alive) this.#forget(upstream, false);
    if (persistent && !(this.#clientEnded && this.#stash.length === 0)) this.#next();
    else this.#close();
  }

  #next(): void {
    this.#exchange = undefined;
    this.#client.resume();
    if (this.#stash.length > 0) this.#takeNext();
    if ((this.#clientEnded || (this.#retired && this.#stash.length === 0)) && this.#exchange === undefined && this.#mode === 'open') this.#close();
  }

  #tunnel(exchange: Exchange): void {
    this.#mode = 'tunnel';
    const waiting = this.#stash.view();
    this.#stash.drop(waiting.length);
    this.#toUpstream(exchange.upstream, waiting, undefined);
    if (this.#clientEnded) exchange.upstream?.end.end();
    else this.#client.resume();
  }

  // --- ends ---

  /** A request that has no one meaning: it reaches nobody, and nothing behind it has a meaning either. */
  #bad(reason: string): void {
    this.#refuse(400, `telepresence: the request has ${reason}.`);
  }

  #refuse(status: number, text: string): void {
    if (this.#mode !== 'open') return;
    this.#client.write(plainResponse(status, text, { end: true }), undefined);
    this.#close();
  }

  /** Ends the connection behind what was written, and reads on for a while so that the client gets it. */
  #close(): void {
    if (this.#mode === 'closing') return;
    this.#mode = 'closing';
    clearTimeout(this.#headTimer);
    this.#stash.drop(this.#stash.length);
    this.#dropUpstreams();
    this.#client.end();
    this.#client.resume();
    const timer = setTimeout(() => this.#client.destroy(), LINGER_MS);
    this.#client.stream.once('close', () => clearTimeout(timer));
  }

  #forget(upstream: Upstream, atWork: boolean): void {
    if (this.#upstreams.get(upstream.place) === upstream) this.#upstreams.delete(upstream.place);
    upstream.drop(atWork);
  }

  #dropUpstreams(): void {
    for (const upstream of this.#upstreams.values()) upstream.drop(this.#exchange?.upstream === upstream && !this.#exchange.answer.done);
    this.#upstreams.clear();
  }
}
