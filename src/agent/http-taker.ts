import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { type Carried, detect, guess } from '../http/index.ts';
import { relay, resetStream } from '../tunnel/index.ts';
import type { AppTarget } from './app-target.ts';
import type { HttpContext, Places } from './http-context.ts';
import type { App } from './http-end.ts';
import { DETECT_TIMEOUT_MS } from './http-limits.ts';
import { HttpRoutes } from './http-routes.ts';
import { Http1Connection } from './http1-connection.ts';
import { Http2Connection } from './http2-connection.ts';
import type { SessionLinks } from './links.ts';
import type { Taker } from './taker.ts';
import { HTTP1_PROTOCOL, HTTP2_PROTOCOL, type TlsPort } from './tls-port.ts';

/** First byte of a TLS ClientHello. */
const TLS_HANDSHAKE_RECORD = 22;

interface Connection {
  readonly over: Promise<void>;
  retire(): void;
  destroy(): void;
}

/**
 * Takes some of a port's requests: each goes where {@link HttpRoutes} say when it comes, on whichever connection. What is not HTTP goes
 * to the app.
 */
export class HttpTaker implements Taker {
  readonly routes = new HttpRoutes();
  readonly #app: AppTarget;
  readonly #links: SessionLinks;
  readonly #tls: TlsPort | undefined;
  readonly #connections = new Set<Connection>();

  /** @param tls for a port whose pods speak it */
  constructor(app: AppTarget, links: SessionLinks, tls?: TlsPort) {
    this.#app = app;
    this.#tls = tls;
    this.#links = links;
  }

  async take(client: Socket): Promise<void> {
    const context: HttpContext = { routes: this.routes, app: this.#app, links: this.#links, peer: `${client.remoteAddress ?? ''}:${client.remotePort ?? 0}` };
    const { carried, first } = await this.#firstBytes(client, DETECT_TIMEOUT_MS);
    if (client.destroyed) return;
    if (carried === undefined) await this.#askApp(client, first, context);
    else if (carried === 'other' && this.#tls !== undefined && first[0] === TLS_HANDSHAKE_RECORD) await this.#decrypt(client, first, context, this.#tls);
    else await this.#carry(carried, client, first, context);
  }

  /** Why requests in TLS can't be looked into; undefined: they can, or the port has none. */
  get fault(): string | undefined {
    return this.#tls?.fault;
  }

  /** What the client says within its TLS; to the app and the workstation it goes in TLS again. */
  async #decrypt(client: Socket, first: Buffer, { routes, peer }: HttpContext, tls: TlsPort): Promise<void> {
    let secure: TLSSocket;
    try {
      secure = await tls.accept(client, first);
    } catch {
      // The client's connection is closed: what it said can be read by nobody.
      return;
    }
    const servername = typeof secure.servername === 'string' ? secure.servername : undefined;
    const { carried, first: said } = await this.#firstBytes(secure, DETECT_TIMEOUT_MS);
    if (secure.destroyed) return;
    const protocol = carried === 'http2' ? HTTP2_PROTOCOL : HTTP1_PROTOCOL;
    const app: App = { dial: () => tls.dialApp(servername, secure.alpnProtocol === false ? [] : [protocol]) };
    const links: Places = {
      taken: (intercept) => this.#links.taken(intercept),
      open: (intercept, from, options) => {
        const stream = this.#links.open(intercept, from);
        return stream === undefined || intercept.plaintext
          ? stream
          : tls.towardsWorkstation(stream, servername, options?.http1 === true ? HTTP1_PROTOCOL : protocol);
      },
    };
    await this.#carry(carried, secure, said, { routes, app, links, peer });
  }

  /** Ends each connection when no request is in work on it: its next ones come on another, and go where they then belong. */
  retire(): void {
    for (const connection of this.#connections) connection.retire();
  }

  /** Ends what is open, now. */
  close(): void {
    for (const connection of this.#connections) connection.destroy();
  }

  /** Requests one by one; what is not HTTP, or was not decided, to the app as it is. */
  #carry(carried: Carried | undefined, client: Socket, first: Buffer, context: HttpContext): Promise<void> {
    if (carried === 'http1') return this.#serve(new Http1Connection(client, first, context));
    if (carried === 'http2') return this.#serve(new Http2Connection(client, first, context));
    return this.#pass(client, first, context.app);
  }

  async #serve(connection: Connection): Promise<void> {
    this.#connections.add(connection);
    await connection.over;
    this.#connections.delete(connection);
  }

  /** To the app, with what was read already. */
  async #pass(client: Socket, first: Buffer, app: App): Promise<void> {
    try {
      const target = await app.dial();
      if (first.length > 0) target.write(first);
      await relay(client, target);
    } catch {
      resetStream(client, 'aborted');
    }
  }

  /**
   * The client has said nothing that tells what it carries. If it said nothing at all, whoever speaks first decides: a client that
   * connected ahead of its first request, or an app whose protocol lets servers speak first.
   */
  async #askApp(client: Socket, first: Buffer, context: HttpContext): Promise<void> {
    if (first.length > 0 || client.readableEnded) return this.#pass(client, first, this.#app);
    let target: Socket;
    try {
      target = await this.#app.dial();
    } catch {
      resetStream(client, 'aborted');
      return undefined;
    }
    const appSpoke = new Promise<'app'>((resolve) => {
      target.on('error', () => resolve('app'));
      target.once('readable', () => resolve('app'));
      target.once('close', () => resolve('app'));
    });
    const asked = new AbortController();
    const clientSpoke = this.#firstBytes(client, undefined, asked.signal);
    const speaker = await Promise.race([appSpoke, clientSpoke]);
    if (speaker === 'app') {
      asked.abort();
      const { first: early } = await clientSpoke;
      target.removeAllListeners('readable');
      if (early.length > 0) target.write(early);
      if (target.destroyed || client.destroyed) {
        target.destroy();
        resetStream(client, 'aborted');
        return undefined;
      }
      await relay(client, target);
      return undefined;
    }
    target.destroy();
    if (client.destroyed) return undefined;
    return this.#carry(speaker.carried, client, speaker.first, context);
  }

  /**
   * Reads until it is decided what the connection carries; undefined when it ends, `timeoutMs` passes or `signal` aborts before that.
   * The socket is paused then, and nothing of it is lost.
   */
  #firstBytes(client: Socket, timeoutMs: number | undefined, signal?: AbortSignal): Promise<{ carried: Carried | undefined; first: Buffer }> {
    return new Promise((resolve) => {
      let first: Buffer = Buffer.alloc(0);
      const settle = (carried: Carried | undefined) => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', giveUp);
        client.off('data', onData);
        client.off('end', giveUp);
        client.off('close', giveUp);
        client.pause();
        resolve({ carried, first });
      };
      const giveUp = () => settle(undefined);
      const onData = (chunk: Buffer) => {
        const began = first.length === 0;
        first = began ? chunk : Buffer.concat([first, chunk]);
        const carried = detect(first);
        if (carried !== undefined) return settle(carried);
        if (began) {
          clearTimeout(timer);
          timer = setTimeout(() => settle(guess(first)), DETECT_TIMEOUT_MS);
        }
        return undefined;
      };
      let timer = timeoutMs === undefined ? undefined : setTimeout(giveUp, timeoutMs);
      client.on('data', onData);
      client.once('end', giveUp);
      client.once('close', giveUp);
      signal?.addEventListener('abort', giveUp, { once: true });
      client.resume();
      if (client.destroyed) giveUp();
    });
  }
}
