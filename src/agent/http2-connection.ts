import { type IncomingHttpHeaders, performServerHandshake, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import type { RequestView } from '../http/index.ts';
import type { HttpContext } from './http-context.ts';
import { HTTP2_SESSION_MEMORY_MIB, HTTP2_SESSION_WINDOW, HTTP2_STREAM_WINDOW, HTTP2_STREAMS_LIMIT } from './http-limits.ts';
import { failureText, type Route } from './http-routes.ts';
import { forwardStream, HTTP2, isFinal, refuseStream } from './http2-exchange.ts';
import { forwardAsHttp1 } from './http2-to-http1.ts';
import { Http2Upstream } from './http2-upstream.ts';
import { NOT_REACHED } from './tcp-taker.ts';

const APP = '';

/**
 * One client's HTTP/2 connection without TLS: ended here, each stream goes its own way, over one connection to each place that belongs
 * to this client alone.
 */
export class Http2Connection {
  /** Resolves when the client's connection is closed. */
  readonly over: Promise<void>;
  readonly #context: HttpContext;
  readonly #session: ServerHttp2Session;
  readonly #upstreams = new Map<string, Http2Upstream>();
  /** Intercepts whose process speaks HTTP/1.1 only. */
  readonly #old = new Set<string>();
  #dialing: Promise<Http2Upstream> | undefined;

  /** @param first what was read of the connection already */
  constructor(client: Socket, first: Buffer, context: HttpContext) {
    this.#context = context;
    client.on('error', () => {});
    client.unshift(first);
    this.#session = performServerHandshake(client, {
      maxSessionMemory: HTTP2_SESSION_MEMORY_MIB,
      settings: { initialWindowSize: HTTP2_STREAM_WINDOW, maxConcurrentStreams: HTTP2_STREAMS_LIMIT, enablePush: false },
    });
    this.#session.setLocalWindowSize(HTTP2_SESSION_WINDOW);
    this.#session.on('error', () => {});
    this.#session.on(
      'stream',
      (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, flags: number, raw: string[]) => void this.#serve(stream, headers, flags, raw),
    );
    this.over = new Promise((resolve) => {
      client.once('close', () => {
        for (const upstream of this.#upstreams.values()) upstream.destroy();
        resolve();
      });
      if (client.destroyed) resolve();
    });
  }

  /** Takes no more requests, and ends when those in work are answered. */
  retire(): void {
    this.#session.close();
  }

  /** Ends it now. */
  destroy(): void {
    this.#session.destroy();
  }

  async #serve(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, flags: number, raw: string[]): Promise<void> {
    stream.on('error', () => {});
    const authority = headers[':authority'];
    if (authority !== undefined && headers['host'] !== undefined && authority.toLowerCase() !== headers['host'].toLowerCase()) {
      return refuseStream(stream, headers, 400, 'telepresence: the request has an :authority other than Host.');
    }
    const route = this.#context.routes.choose(viewOf(headers, raw));
    if (route !== undefined) this.#context.links.taken(route.intercept);
    if (route !== undefined && (await this.#toWorkstation(stream, headers, flags, raw, route))) return undefined;
    return this.#toApp(stream, flags, raw);
  }

  /** False: the app is to answer. */
  async #toWorkstation(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, flags: number, raw: string[], route: Route): Promise<boolean> {
    const { intercept } = route;
    const proof = intercept.proofHeader ? intercept.name : undefined;
    if (this.#old.has(intercept.uid)) return this.#toOldWorkstation(stream, headers, flags, raw, route);
    let upstream = this.#upstreams.get(intercept.uid);
    if (upstream === undefined || !upstream.usable) {
      const connection = this.#context.links.open(intercept, this.#context.peer);
      if (connection === undefined) return false;
      upstream = new Http2Upstream(connection);
      this.#upstreams.set(intercept.uid, upstream);
    }
    // No request leaves before the process has said that it speaks HTTP/2: until then the app can have it.
    const fault = await upstream.ready;
    if (fault !== undefined) {
      if (this.#upstreams.get(intercept.uid) === upstream) this.#upstreams.delete(intercept.uid);
      if (fault === 'not-http2' && !isGrpc(headers)) {
        this.#old.add(intercept.uid);
        return this.#toOldWorkstation(stream, headers, flags, raw, route);
      }
      if (fault === 'gone' || (intercept.fallback && NOT_REACHED.has(fault))) return false;
      refuseStream(stream, headers, 502, failureText(intercept, fault));
      return true;
    }
    const lost = await forwardStream(stream, upstream.session, { raw, flags, proof });
    if (lost === undefined) return true;
    if (upstream.usable) {
      // The process itself ended this stream.
      stream.close(lost);
      return true;
    }
    // Nothing but a head was sent, and nothing came back: as in HTTP/1.1.
    const reason = upstream.resetReason ?? 'gone';
    if (isFinal(flags) && reason === 'gone') return false;
    refuseStream(stream, headers, 502, failureText(intercept, reason));
    return true;
  }

  /** To a process that speaks HTTP/1.1 only. False: the app is to answer. */
  async #toOldWorkstation(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, flags: number, raw: string[], { intercept }: Route): Promise<boolean> {
    if (isGrpc(headers)) {
      refuseStream(stream, headers, 502, failureText(intercept, 'not-http2'));
      return true;
    }
    const connection = this.#context.links.open(intercept, this.#context.peer, { http1: true });
    if (connection === undefined) return false;
    const final = isFinal(flags);
    const answered = await forwardAsHttp1(stream, { headers, raw, final, proof: intercept.proofHeader ? intercept.name : undefined }, connection);
    if (answered) return true;
    const reason = connection.resetReason ?? 'closed';
    if (final && (reason === 'gone' || (intercept.fallback && NOT_REACHED.has(reason)))) return false;
    refuseStream(stream, headers, 502, failureText(intercept, reason));
    return true;
  }

  async #toApp(stream: ServerHttp2Stream, flags: number, raw: string[]): Promise<void> {
    let upstream = this.#upstreams.get(APP);
    if (upstream === undefined || !upstream.usable) {
      try {
        upstream = await this.#dialApp();
      } catch {
        stream.close(HTTP2.NGHTTP2_REFUSED_STREAM);
        return;
      }
    }
    const lost = await forwardStream(stream, upstream.session, { raw, flags, proof: undefined });
    if (lost !== undefined) stream.close(lost);
  }

  /** The connection to the app; streams that come while it is being made share it. */
  #dialApp(): Promise<Http2Upstream> {
    this.#dialing ??= this.#context.app
      .dial()
      .then((socket) => {
        const upstream = new Http2Upstream(socket);
        this.#upstreams.set(APP, upstream);
        if (this.#session.destroyed) upstream.destroy();
        return upstream;
      })
      .finally(() => {
        this.#dialing = undefined;
      });
    return this.#dialing;
  }
}

const isGrpc = (headers: IncomingHttpHeaders): boolean => headers['content-type']?.startsWith('application/grpc') === true;

/** What filters look at; `:authority` counts as Host. */
function viewOf(headers: IncomingHttpHeaders, raw: string[]): RequestView {
  const names: string[] = [];
  const values: string[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i] as string;
    if (name.startsWith(':')) {
      if (name !== ':authority' || headers['host'] !== undefined) continue;
      names.push('host');
    } else {
      names.push(name);
    }
    values.push(raw[i + 1] as string);
  }
  const target = headers[':path'];
  const query = target?.indexOf('?') ?? -1;
  return { path: target === undefined || !target.startsWith('/') ? undefined : query === -1 ? target : target.slice(0, query), names, values };
}
