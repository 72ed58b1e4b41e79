/**
 * The workstation's end of the tunnel: one control connection (RPC, DNS, heartbeats) and {@link DATA_CONNECTIONS} data
 * connections, each kept alive by a {@link TunnelConnection}. Callers open streams and make calls; they wait a while when
 * the line is down, and never see which connection carries them.
 */
import { EventEmitter } from 'node:events';
import { CodedError, messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { KubeClient } from '../../kube/index.ts';
import type { Mux, MuxStream } from '../../mux/index.ts';
import { type ClusterInfo, clusterSchema, type StreamHeader, type Welcome, welcomeSchema } from '../../protocol/tunnel.ts';
import { createRpcPeer, type RpcPeer } from '../../rpc/index.ts';
import { encodeStreamHeader } from '../../tunnel/index.ts';
import { type LiveConnection, TunnelConnection } from './connection.ts';
import { DATA_CONNECTIONS, RTT_SAMPLES, STREAM_WAIT_MS } from './limits.ts';
import { TransportChooser } from './transport.ts';

export interface TunnelOptions {
  kube: KubeClient;
  managerNamespace: string;
  session: { name: string; uid: string };
  sign: (text: string) => string;
  version: string;
  log: Log;
  /** A stream the manager opened: an intercepted connection. Its stream header is not read yet. */
  onStream: (stream: MuxStream) => void;
}

interface TunnelEvents {
  cluster: [ClusterInfo];
  /** The line is up again, or down with a sentence why. */
  up: [];
  down: [string];
  /** The manager or the API server refused for good. */
  refused: [CodedError];
  /** A fresh dns stream, after each (re)connect of the control connection. */
  dns: [MuxStream];
}

export class Tunnel extends EventEmitter<TunnelEvents> {
  readonly #options: TunnelOptions;
  readonly #chooser: TransportChooser;
  readonly #control: TunnelConnection;
  readonly #data: TunnelConnection[];
  /** The connection whose control stream is in use. */
  #greeted: { mux: Mux; rpc: RpcPeer } | undefined;
  #dnsStream: MuxStream | undefined;
  #rpcReady = Promise.withResolvers<RpcPeer>();
  #welcome: Welcome | undefined;
  #downSince: number | undefined;
  #downReason = '';
  #upSince = 0;
  readonly #rtts: number[] = [];
  #next = 0;
  #closed = false;

  constructor(options: TunnelOptions) {
    super();
    this.#options = options;
    this.#chooser = new TransportChooser(options.log);
    const place = (kind: 'control' | 'data'): TunnelConnection =>
      new TunnelConnection({
        kind,
        log: options.log,
        session: options.session,
        version: options.version,
        sign: options.sign,
        open: ({ signal, timeoutMs }) =>
          this.#chooser.open({ kube: options.kube, managerNamespace: options.managerNamespace, session: options.session.name, signal, timeoutMs }),
        onStream: options.onStream,
        onUp: (live) => (kind === 'control' ? this.#controlUp(live) : undefined),
        onDown: (reason) => (kind === 'control' ? this.#controlDown(reason) : undefined),
        onRefused: (error) => this.emit('refused', error),
        onRtt: (ms) => {
          if (kind !== 'control') return;
          this.#rtts.push(ms);
          if (this.#rtts.length > RTT_SAMPLES) this.#rtts.shift();
        },
      });
    this.#control = place('control');
    this.#data = Array.from({ length: DATA_CONNECTIONS }, () => place('data'));
  }

  /** Opens all connections and waits for the manager's welcome. Throws what stood in the way; then nothing is open. */
  async start(signal: AbortSignal): Promise<Welcome> {
    try {
      // the way that works is found once, then used by all
      const control = this.#control.start(signal);
      await control;
      await Promise.all(this.#data.map((connection) => connection.start(signal)));
      await this.#rpcReady.promise;
      if (this.#welcome === undefined) throw new CodedError('TP-TUNNEL-FAILED', 'The traffic-manager sent no welcome.');
      return this.#welcome;
    } catch (error) {
      this.abort();
      throw error;
    }
  }

  get welcome(): Welcome | undefined {
    return this.#welcome;
  }

  /** The dns stream of now, if the control connection has been up. */
  get dnsStream(): MuxStream | undefined {
    return this.#dnsStream;
  }

  get state(): { up: boolean; since: number; detail: string; transport: string | undefined; blocked: readonly string[]; rtt: { p50: number; p99: number } | undefined } {
    const sorted = this.#rtts.toSorted((a, b) => a - b);
    const at = (part: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
    return {
      up: this.#downSince === undefined && this.#upSince > 0,
      since: this.#downSince ?? this.#upSince,
      detail: this.#downReason,
      transport: this.#chooser.name,
      blocked: this.#chooser.blocked,
      rtt: sorted.length === 0 ? undefined : { p50: at(0.5), p99: at(0.99) },
    };
  }

  /**
   * Opens a stream with its header and first bytes in one frame. Waits up to {@link STREAM_WAIT_MS} for a connection.
   * @throws TP-TUNNEL-LOST when none came in that time.
   */
  openStream(header: StreamHeader, first?: Uint8Array): MuxStream | Promise<MuxStream> {
    const frame = encodeStreamHeader(header, first);
    return this.#tryOpen(frame) ?? this.#openLater(frame);
  }

  #tryOpen(frame: Buffer): MuxStream | undefined {
    for (let i = 0; i < this.#data.length; i++) {
      this.#next = (this.#next + 1) % this.#data.length;
      const live = this.#data[this.#next]?.current;
      if (live === undefined || live.mux.goneAway !== undefined) continue;
      try {
        return live.mux.open(frame);
      } catch (error) {
        this.#options.log.debug('a stream could not be opened on one connection', { error });
      }
    }
    return undefined;
  }

  async #openLater(frame: Buffer): Promise<MuxStream> {
    const deadline = performance.now() + STREAM_WAIT_MS;
    while (!this.#closed && performance.now() < deadline) {
      const stream = this.#tryOpen(frame);
      if (stream !== undefined) return stream;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new CodedError('TP-TUNNEL-LOST', `The connection to the cluster is down: ${this.#downReason}.`);
  }

  /** Calls the manager on the control connection; waits up to {@link STREAM_WAIT_MS} for it to be there. */
  async call(method: string, params: unknown, options: { signal?: AbortSignal; timeoutMs?: number } = {}): Promise<unknown> {
    const late = AbortSignal.timeout(STREAM_WAIT_MS);
    const rpc = await Promise.race([
      this.#rpcReady.promise,
      new Promise<never>((_, reject) => {
        late.addEventListener('abort', () => reject(new CodedError('TP-TUNNEL-LOST', `The connection to the cluster is down: ${this.#downReason}.`)), { once: true });
      }),
    ]);
    return rpc.call(method, params, options);
  }

  #controlUp(live: LiveConnection): void {
    void this.#greet(live).catch((error: unknown) => {
      this.#options.log.warn('the control stream failed', { error });
      live.mux.abort(error instanceof Error ? error : new Error(messageOf(error)));
    });
  }

  /** Opens the control and dns streams on a new connection, once; then says that the line is up. */
  async #greet(live: LiveConnection): Promise<void> {
    let rpc = this.#greeted?.mux === live.mux ? this.#greeted.rpc : undefined;
    if (rpc === undefined) {
      const stream = live.mux.open(encodeStreamHeader({ t: 'control' }));
      rpc = createRpcPeer(stream, {
        log: this.#options.log.child('control'),
        onNotify: {
          cluster: (params) => {
            const cluster = clusterSchema.parse(params);
            if (this.#welcome !== undefined) this.#welcome = { ...this.#welcome, cluster };
            this.emit('cluster', cluster);
          },
          'going-away': (params) => this.#options.log.info('the manager’s replica is going away', { params }),
        },
      });
      this.#greeted = { mux: live.mux, rpc };
      this.#welcome = welcomeSchema.parse(await rpc.call('welcome', {}));
      this.#dnsStream = live.mux.open(encodeStreamHeader({ t: 'dns' }));
      this.emit('dns', this.#dnsStream);
      this.emit('cluster', this.#welcome.cluster);
    }
    this.#downSince = undefined;
    this.#downReason = '';
    this.#upSince = Date.now();
    this.#rpcReady.resolve(rpc);
    this.emit('up');
  }

  #controlDown(reason: string): void {
    if (this.#downSince === undefined) {
      this.#downSince = Date.now();
      this.#rpcReady = Promise.withResolvers<RpcPeer>();
    }
    this.#downReason = reason;
    this.emit('down', reason);
  }

  /** Says goodbye to the manager and ends all connections. Idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return;
    const goodbye = this.#downSince === undefined ? this.#greeted?.rpc.call('leave', {}, { timeoutMs: 500 }) : undefined;
    await goodbye?.catch((error: unknown) => this.#options.log.debug('no goodbye to the manager', { error }));
    this.abort();
  }

  abort(): void {
    this.#closed = true;
    for (const connection of [this.#control, ...this.#data]) connection.abort();
  }
}
