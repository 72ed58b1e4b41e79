import { randomUUID } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { CodedError, messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { VERSION } from '../../base/version.ts';
import { createMux, type Mux, type MuxStream } from '../../mux/index.ts';
import { type CloudHello, type CloudIntercept, cloudHelloSchema, cloudInterceptsSchema, type EndIntercept, type PreviewTarget } from '../../protocol/cloud.ts';
import { createRpcPeer, type RpcPeer } from '../../rpc/index.ts';
import { encodeStreamHeader, readStreamHeader } from '../../tunnel/index.ts';
import { END_INTERCEPT_TIMEOUT_MS, INTERCEPTS_LIMIT, LINK_HELLO_MS, LINK_PING_MS, LINK_PING_TIMEOUT_MS, LINK_REFUSAL_MS, LINK_STREAMS } from '../limits.ts';
import type { Cluster } from '../store/index.ts';

export interface LinkEvents {
  /** The manager said who it is: from now on it serves. false: its token is not valid any more. */
  onHello(link: Link, hello: CloudHello): Promise<boolean>;
  onIntercepts(link: Link, intercepts: CloudIntercept[]): void;
}

/** One manager replica's connection, from the 101 on. It serves its own cluster and nothing else: the cluster is the token's. */
export class Link {
  readonly id = randomUUID();
  readonly cluster: Cluster;
  /** Resolves when it is over; never rejects. */
  readonly closed: Promise<void>;
  #mux: Mux;
  #log: Log;
  #events: LinkEvents;
  #rpc: RpcPeer | undefined;
  #hello = Promise.withResolvers<void>();
  #saidHello = false;
  #greeted = false;
  /** A list that came while the hello was looked at. */
  #early: CloudIntercept[] | undefined;

  constructor(socket: Duplex, cluster: Cluster, events: LinkEvents, log: Log) {
    this.cluster = cluster;
    this.#log = log;
    this.#events = events;
    this.#mux = createMux(socket, { role: 'server', log, maxStreams: LINK_STREAMS, onStream: (stream) => this.#stream(stream) });
    this.closed = this.#mux.closed.then(() => {
      this.#hello.reject(new Error('the link closed'));
      this.#rpc?.close();
    });
    const late = setTimeout(() => this.abort('the manager did not say hello in time'), LINK_HELLO_MS);
    const greeted = () => clearTimeout(late);
    this.#hello.promise.then(greeted, greeted);
    this.#watch();
  }

  get ready(): boolean {
    return this.#greeted;
  }

  get streams(): number {
    return this.#mux.streams;
  }

  openPreview(target: PreviewTarget): MuxStream {
    return this.#mux.open(encodeStreamHeader({ t: 'preview', ...target }));
  }

  async endIntercept(intercept: EndIntercept): Promise<void> {
    if (this.#rpc === undefined) throw new Error('the link is not ready');
    await this.#rpc.call('end-intercept', intercept, { timeoutMs: END_INTERCEPT_TIMEOUT_MS });
  }

  abort(reason: string): void {
    this.#mux.abort(new Error(reason));
  }

  /** Lets previews finish; the manager links elsewhere meanwhile. */
  close(reason: string, signal: AbortSignal): Promise<void> {
    this.#mux.goAway(reason);
    return this.#mux.close({ signal });
  }

  /** The only stream that a manager may open is its control stream. */
  #stream(stream: MuxStream): void {
    stream.on('error', (error) => this.#log.debug('a stream of a link failed', { error: messageOf(error) }));
    readStreamHeader(stream).then(
      (header) => {
        if (header.t === 'cloud-control' && this.#rpc === undefined) this.#control(stream);
        else stream.reset('protocol');
      },
      (error: unknown) => {
        this.#log.debug('a stream of a link was refused', { error: messageOf(error) });
        stream.reset('protocol');
      },
    );
  }

  #control(stream: MuxStream): void {
    this.#rpc = createRpcPeer(stream, {
      log: this.#log,
      handlers: { hello: (params) => this.#onHello(params) },
      onNotify: { intercepts: (params) => this.#onIntercepts(params) },
    });
    void this.#rpc.closed.then(() => this.abort('the control stream ended'));
  }

  async #onHello(params: unknown): Promise<{ version: string }> {
    const hello = cloudHelloSchema.safeParse(params);
    const again = this.#saidHello;
    this.#saidHello = true;
    if (!hello.success || again || hello.data.cluster.id !== this.cluster.uid) {
      return this.#refuse(hello.success ? (again ? 'said hello twice' : 'is of another cluster than its token') : 'said hello wrongly');
    }
    try {
      if (!(await this.#events.onHello(this, hello.data))) return this.#refuse('has a token that was replaced');
    } catch (error) {
      this.#log.warn('a link could not be taken', { error: messageOf(error) });
      return this.#refuse('came while the database does not answer');
    }
    this.#greeted = true;
    this.#hello.resolve();
    if (this.#early !== undefined) this.#events.onIntercepts(this, this.#early);
    this.#early = undefined;
    return { version: VERSION };
  }

  /** The answer goes out before the link ends. */
  #refuse(why: string): never {
    const timer = setTimeout(() => this.abort(`the manager ${why}`), LINK_REFUSAL_MS);
    void this.closed.then(() => clearTimeout(timer));
    throw new CodedError('TP-CLOUD-LINK', `The cloud refuses the link: the manager ${why}.`);
  }

  #onIntercepts(params: unknown): void {
    const list = cloudInterceptsSchema.safeParse(params);
    if (!list.success || !this.#saidHello || list.data.intercepts.length > INTERCEPTS_LIMIT) this.abort('the manager sent a list that can’t be taken');
    else if (!this.#greeted) this.#early = list.data.intercepts;
    else this.#events.onIntercepts(this, list.data.intercepts);
  }

  /** A manager that vanished without a word is noticed by its silence. */
  #watch(): void {
    const timer = setInterval(() => {
      this.#mux.ping({ signal: AbortSignal.timeout(LINK_PING_TIMEOUT_MS) }).catch((error: unknown) => this.abort(`the manager is silent: ${messageOf(error)}`));
    }, LINK_PING_MS);
    void this.closed.then(() => clearInterval(timer));
  }
}
