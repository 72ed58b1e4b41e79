/**
 * The workstation's end of the tunnel: one control connection (RPC, DNS, heartbeats) and {@link DATA_CONNECTIONS} data
 * connections, each kept alive by a {@link TunnelConnection}. Callers open streams and make calls; they wait a while when
 * the line is down, and never see which connection carries them. While nothing needs them the data connections rest (docs/decisions/0010).
 */
import { EventEmitter } from 'node:events';
import { CodedError, messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { KubeClient } from '../../kube/index.ts';
import type { MuxStream } from '../../mux/index.ts';
import type { ClusterInfo, DirectAgents, Replicas, StreamHeader, Welcome } from '../../protocol/tunnel.ts';
import { encodeStreamHeader, Spread } from '../../tunnel/index.ts';
import { type LiveConnection, TunnelConnection } from './connection.ts';
import { type Control, openControl } from './control.ts';
import { DATA_CONNECTIONS, REST_AFTER_MS, REST_LOOK_MS, SPREAD_AGAIN_MS, STREAM_WAIT_MS, WELCOME_TIMEOUT_MS } from './limits.ts';
import { LinkWatch } from './link-watch.ts';
import { RoundTrips } from './round-trips.ts';
import { TransportChooser } from './transport.ts';

export interface TunnelOptions {
  kube: Pick<KubeClient, 'upgrade' | 'websocket'>;
  managerNamespace: string;
  session: { name: string; uid: string };
  sign: (text: string) => string;
  version: string;
  log: Log;
  /** A stream the manager opened: an intercepted connection. Its stream header is not read yet. */
  onStream: (stream: MuxStream) => void;
  /** How many data connections stay though no stream has needed them for long; without it all do. */
  keptAtRest?: () => number;
  /** Tests have links of their own. */
  links?: LinkWatch;
}

interface TunnelEvents {
  cluster: [ClusterInfo];
  /** The line is up again, or down with a sentence why. */
  up: [];
  down: [string];
  /** The manager or the API server refused for good. */
  refused: [CodedError];
  /** Where agents of a workload that this session intercepts take direct connections. */
  direct: [DirectAgents];
  /** A fresh dns stream, after each (re)connect of the control connection. */
  dns: [MuxStream];
}

export interface TunnelState {
  up: boolean;
  /** Since when it is up or down, in ms since the epoch. */
  since: number;
  /** Why it is down; empty when it is up. */
  detail: string;
  transport: string | undefined;
  blocked: readonly string[];
  rtt: { p50: number; p99: number } | undefined;
}

export class Tunnel extends EventEmitter<TunnelEvents> {
  readonly #options: TunnelOptions;
  readonly #chooser: TransportChooser;
  readonly #links: LinkWatch;
  readonly #control: TunnelConnection;
  /** Those that do not rest. */
  #data: TunnelConnection[];
  /** All of them rest, or come back from it: the control connection serves meanwhile. */
  #resting = false;
  #usedAt = performance.now();
  #restTimer: NodeJS.Timeout | undefined;
  readonly #roundTrips = new RoundTrips();
  /** The streams on the control connection of now, and those that have been opened and may serve again. */
  #greeted: Control | undefined;
  readonly #controls = new Map<LiveConnection['mux'], Control>();
  #welcome: Welcome | undefined;
  #replicas: Replicas = { names: [], ready: [] };
  #up = false;
  #since = Date.now();
  #reason = 'not connected yet';
  /** Rung when something that a caller may wait for has come. */
  #bell = Promise.withResolvers<void>();
  readonly #turns = new Spread();
  #closed = false;
  #spreadTimer: NodeJS.Timeout | undefined;

  constructor(options: TunnelOptions) {
    super();
    this.#options = options;
    this.#chooser = new TransportChooser(options.log);
    this.#links = options.links ?? new LinkWatch();
    this.#control = this.#place('control', 'control');
    this.#data = this.#dataPlaces();
    this.#links.onChange(() => {
      for (const connection of this.#places) connection.linksChanged();
    });
  }

  get #places(): TunnelConnection[] {
    return [this.#control, ...this.#data];
  }

  #dataPlaces(): TunnelConnection[] {
    return Array.from({ length: DATA_CONNECTIONS }, (_, index) => this.#place('data', `data-${index + 1}`));
  }

  #place(kind: 'control' | 'data', name: string): TunnelConnection {
    const { kube, managerNamespace, log, session, version, sign, onStream } = this.#options;
    return new TunnelConnection({
      name,
      kind,
      log,
      session,
      version,
      sign,
      onStream: (stream) => {
        this.wake();
        onStream(stream);
      },
      links: this.#links,
      open: ({ signal, timeoutMs }) => this.#chooser.open({ kube, managerNamespace, session: session.name, signal, timeoutMs }),
      // one place knocks for all: the data connections follow when the control connection is up
      gate: (signal) => (kind === 'control' ? Promise.resolve() : this.#until(() => this.#greeted !== undefined || undefined, signal).then(() => undefined)),
      onCurrent: (live, reason) => {
        if (kind === 'control') return this.#controlChanged(live, reason);
        if (live !== undefined) this.#resting = false;
        this.#review(reason);
      },
      onRetire: ({ mux }) => this.#controls.get(mux)?.close(),
      onRefused: (error) => {
        if (kind === 'control') this.emit('refused', error);
      },
      onRtt: (ms) => {
        if (kind === 'control') this.#roundTrips.add(ms);
      },
    });
  }

  /** Opens all connections and waits for the manager's welcome. Throws what stood in the way; then nothing is open. */
  async start(signal: AbortSignal): Promise<Welcome> {
    try {
      // the way that works is found once, then used by all
      await this.#control.start(signal);
      const late = AbortSignal.timeout(WELCOME_TIMEOUT_MS);
      const greeted = this.#until(() => this.#greeted, AbortSignal.any([signal, late])).catch((error: unknown) => {
        throw late.aborted ? new CodedError('TP-TUNNEL-FAILED', 'The traffic-manager sent no welcome.', { cause: error }) : error;
      });
      this.#spreadTimer = setInterval(() => this.#spread(), SPREAD_AGAIN_MS);
      this.#restTimer = setInterval(() => this.#restIfIdle(), REST_LOOK_MS);
      const [{ welcome }] = await Promise.all([greeted, ...this.#data.map((connection) => connection.start(signal))]);
      return welcome;
    } catch (error) {
      this.abort();
      throw error;
    }
  }

  get welcome(): Welcome | undefined {
    return this.#welcome;
  }

  /** The dns stream of now; undefined while there is no control connection that answers. */
  get dnsStream(): MuxStream | undefined {
    return this.#greeted?.dns;
  }

  get state(): TunnelState {
    return {
      up: this.#up,
      since: this.#since,
      detail: this.#reason,
      transport: this.#chooser.name,
      blocked: this.#chooser.blocked,
      rtt: this.#roundTrips.summary,
    };
  }

  /**
   * Opens a stream with its header and first bytes in one frame. Waits up to {@link STREAM_WAIT_MS} for a connection.
   * @throws TP-TUNNEL-LOST when none came in that time.
   */
  openStream(header: StreamHeader, first?: Uint8Array): MuxStream | Promise<MuxStream> {
    const frame = encodeStreamHeader(header, first);
    this.wake();
    return this.#tryOpen(frame) ?? this.#untilLost(() => this.#tryOpen(frame));
  }

  #tryOpen(frame: Buffer): MuxStream | undefined {
    const live = (this.#resting ? [this.#control] : this.#data).flatMap((connection) => connection.current?.mux ?? []);
    for (const mux of this.#turns.order(live)) {
      try {
        return mux.open(frame);
      } catch (error) {
        this.#options.log.debug('a stream could not be opened on one connection', { error });
      }
    }
    return undefined;
  }

  /** The data connections are needed, or will be soon: those that rest are opened again. */
  wake(): void {
    this.#usedAt = performance.now();
    if (this.#data.length === DATA_CONNECTIONS || this.#closed) return;
    const rested = this.#dataPlaces().slice(this.#data.length);
    this.#data.push(...rested);
    for (const connection of rested) connection.begin('it rested');
  }

  #restIfIdle(): void {
    const kept = this.#options.keptAtRest?.() ?? DATA_CONNECTIONS;
    if (performance.now() - this.#usedAt < REST_AFTER_MS || !this.#up || this.#data.length <= kept) return;
    if (this.#data.some(({ streams }) => streams > 0)) return;
    this.#options.log.info('data connections that nothing needs rest', { kept });
    this.#resting = kept === 0;
    for (const connection of this.#data.splice(kept)) connection.end();
  }

  /** Calls the manager on the control connection; waits up to {@link STREAM_WAIT_MS} for it to be there. */
  async call(method: string, params: unknown, options: { signal?: AbortSignal; timeoutMs?: number } = {}): Promise<unknown> {
    const { rpc } = this.#greeted ?? (await this.#untilLost(() => this.#greeted));
    return rpc.call(method, params, options);
  }

  /** Looks whenever something has changed; rejects with the signal's reason. */
  async #until<T>(look: () => T | undefined, signal: AbortSignal): Promise<T> {
    const stop = Promise.withResolvers<never>();
    stop.promise.catch(() => undefined);
    const onAbort = (): void => stop.reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      for (;;) {
        signal.throwIfAborted();
        if (this.#closed) throw new CodedError('TP-TUNNEL-LOST', 'The session was closed.');
        const found = look();
        if (found !== undefined) return found;
        await Promise.race([this.#bell.promise, stop.promise]);
      }
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  async #untilLost<T>(look: () => T | undefined): Promise<T> {
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(new CodedError('TP-TUNNEL-LOST', `The connection to the cluster is down: ${this.#reason}.`)), STREAM_WAIT_MS);
    return this.#until(look, late.signal).finally(() => clearTimeout(timer));
  }

  #controlChanged(live: LiveConnection | undefined, reason: string): void {
    const known = live === undefined ? undefined : this.#controls.get(live.mux);
    if (live === undefined || known !== undefined) return this.#greet(known, reason);
    openControl(live, {
      log: this.#options.log,
      onCluster: (cluster) => {
        if (this.#welcome !== undefined) this.#welcome = { ...this.#welcome, cluster };
        this.emit('cluster', cluster);
      },
      onDirect: (agents) => this.emit('direct', agents),
      onReplicas: (replicas) => this.#replicasChanged(replicas),
      onGoingAway: (replica) => this.#leave(replica),
    }).then(
      (control) => {
        this.#controls.set(live.mux, control);
        void live.mux.closed.then(() => this.#controls.delete(live.mux));
        this.#welcome = control.welcome;
        // another may have become the one to use meanwhile
        if (this.#control.current !== live) return;
        this.#greet(control, '');
        this.emit('cluster', control.welcome.cluster);
        this.#replicasChanged(control.welcome.replicas ?? { names: [live.replica], ready: [live.replica] });
      },
      (error: unknown) => {
        if (this.#closed) return;
        this.#options.log.warn('the control stream failed', { error });
        live.mux.abort(error instanceof Error ? error : new Error(messageOf(error)));
      },
    );
  }

  /** From now on this control connection is used, or none. */
  #greet(control: Control | undefined, reason: string): void {
    this.#greeted = control;
    if (control !== undefined) this.emit('dns', control.dns);
    this.#review(reason);
  }

  /** Tells when the line as a whole goes up or down, and wakes those who wait. */
  #review(reason: string): void {
    const up = this.#greeted !== undefined && (this.#resting || this.#data.some(({ current }) => current !== undefined));
    this.#bell.resolve();
    this.#bell = Promise.withResolvers<void>();
    if (this.#closed) return;
    if (up) this.#reason = '';
    else if (reason !== '') this.#reason = reason;
    if (up) this.#spread();
    if (up === this.#up) return;
    this.#up = up;
    this.#since = Date.now();
    if (up) this.emit('up');
    else this.emit('down', this.#reason);
  }

  /** The replica ends: what is there of it is used until there is another. */
  #leave(replica: string): void {
    if (!this.#replicas.names.includes(replica)) return;
    this.#options.log.info('a replica of the manager is going away', { replica });
    const others = (names: readonly string[]): string[] => names.filter((name) => name !== replica);
    this.#replicas = { names: others(this.#replicas.names), ready: others(this.#replicas.ready) };
    for (const connection of this.#places) connection.leave(replica, 'the replica of the manager is going away');
  }

  #replicasChanged(replicas: Replicas): void {
    for (const name of this.#replicas.names) if (!replicas.names.includes(name)) this.#leave(name);
    this.#replicas = replicas;
    this.#spread();
  }

  /** Data connections go to different replicas where there are several: one that dies takes only its own streams with it. */
  #spread(): void {
    const taken = new Set<string>();
    for (const connection of this.#data) {
      const replica = connection.current?.replica;
      if (replica === undefined) continue;
      if (taken.has(replica) && this.#replicas.ready.some((name) => !taken.has(name))) connection.spread(taken);
      taken.add(replica);
    }
  }

  /** Says goodbye to the manager and ends all connections. Idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return;
    await this.#greeted?.rpc.call('leave', {}, { timeoutMs: 500 }).catch((error: unknown) => this.#options.log.debug('no goodbye to the manager', { error }));
    this.abort();
  }

  abort(): void {
    this.#closed = true;
    clearInterval(this.#spreadTimer);
    clearInterval(this.#restTimer);
    this.#links.close();
    for (const connection of this.#places) connection.abort();
    this.#bell.resolve();
  }
}
