/** The direct connections to the agent of one pod, opened again when they are lost. */
import { CodedError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { backoff } from '../../base/retry.ts';
import { type KubeClient, resourcePath } from '../../kube/index.ts';
import type { Mux, MuxStream } from '../../mux/index.ts';
import { TUNNEL_HEADER, TUNNEL_PATH, UPGRADE_PROTOCOL } from '../../protocol/tunnel.ts';
import { startTunnel } from '../../tunnel/index.ts';
import { firstAnswer } from '../tunnel/first-answer.ts';
import { Heartbeat } from '../tunnel/heartbeat.ts';
import { OPEN_TIMEOUT_MS, SILENCE_DEAD_MS, SILENCE_SUSPECT_MS } from '../tunnel/limits.ts';
import { openedTransport } from '../tunnel/transport.ts';
import { DIRECT_BACKOFF_FIRST_MS, DIRECT_BACKOFF_MOST_MS, DIRECT_CONNECTIONS, DIRECT_DRAIN_MS, DIRECT_WATCH_MS } from './limits.ts';

export interface DirectPodOptions {
  kube: Pick<KubeClient, 'upgrade'>;
  session: { name: string; uid: string };
  sign: (text: string) => string;
  version: string;
  namespace: string;
  pod: string;
  port: number;
  log: Log;
  onStream: (stream: MuxStream) => void;
  /** The user may not: there is no sense in trying again. */
  onForbidden: (error: CodedError) => void;
}

interface Live {
  mux: Mux;
  heartbeat: Heartbeat;
}

export class DirectPod {
  /** Whether the agent is still said to be there: what is lost is opened again only then. */
  wanted = true;
  port: number;
  readonly #options: DirectPodOptions;
  readonly #stop = new AbortController();
  readonly #live = new Set<Live>();
  readonly #timer: NodeJS.Timeout;
  readonly #running: Promise<unknown>;
  #wake = Promise.withResolvers<void>();
  #lookedAt = performance.now();

  constructor(options: DirectPodOptions) {
    this.#options = options;
    this.port = options.port;
    this.#timer = setInterval(() => this.#look(), DIRECT_WATCH_MS);
    this.#running = Promise.all(Array.from({ length: DIRECT_CONNECTIONS }, () => this.#keep())).then(() => this.#end());
  }

  /** Resolves when nothing is open any more and nothing is tried. */
  get over(): Promise<unknown> {
    return this.#running;
  }

  /** Whether it will open no connection any more. */
  get left(): boolean {
    return this.#stop.signal.aborted;
  }

  /** Connections that stand. */
  get count(): number {
    return this.#live.size;
  }

  /** The line was away: what is silent since is given up, and what is lost is tried at once. */
  refresh(): void {
    const now = performance.now();
    for (const { mux, heartbeat } of this.#live) if (heartbeat.tick(now) > SILENCE_SUSPECT_MS) mux.abort(silent());
    this.#wake.resolve();
    this.#wake = Promise.withResolvers<void>();
  }

  /** Opens none any more; what is open ends with its streams, or after DIRECT_DRAIN_MS. */
  leave(): void {
    this.#end();
    for (const { mux } of this.#live) void mux.close({ signal: AbortSignal.timeout(DIRECT_DRAIN_MS) });
  }

  /** Ends everything now. */
  close(): void {
    this.#end();
    for (const { mux } of this.#live) mux.abort(new CodedError('TP-CANCELLED', 'The session was closed.'));
  }

  #end(): void {
    this.wanted = false;
    clearInterval(this.#timer);
    this.#stop.abort(new CodedError('TP-CANCELLED', 'The session was closed.'));
    this.#wake.resolve();
  }

  #look(): void {
    const now = performance.now();
    const stoodStill = now - this.#lookedAt > 2 * DIRECT_WATCH_MS;
    this.#lookedAt = now;
    for (const { mux, heartbeat } of this.#live) {
      if (stoodStill) heartbeat.restart(now);
      if (heartbeat.tick(now) > 0 && now - heartbeat.heardAt > SILENCE_DEAD_MS) mux.abort(silent());
    }
  }

  async #keep(): Promise<void> {
    const { log, namespace, pod, onForbidden } = this.#options;
    for (let attempt = 0; this.wanted; attempt++) {
      try {
        const error = await this.#once();
        if (this.wanted) log.info('a direct connection is lost', { namespace, pod, error: error?.message });
        attempt = 0;
      } catch (error) {
        if (!this.wanted) return;
        if (error instanceof CodedError && error.code === 'TP-KUBE-FORBIDDEN') return onForbidden(error);
        log.debug('no direct connection', { namespace, pod, error });
      }
      await this.#pause(backoff(attempt, DIRECT_BACKOFF_FIRST_MS, DIRECT_BACKOFF_MOST_MS));
    }
  }

  async #pause(ms: number): Promise<void> {
    if (!this.wanted) return;
    const done = Promise.withResolvers<void>();
    const timer = setTimeout(() => done.resolve(), ms);
    await Promise.race([done.promise, this.#wake.promise]);
    clearTimeout(timer);
  }

  /** One connection from its beginning to its end. */
  async #once(): Promise<Error | undefined> {
    const { kube, session, sign, version, namespace, pod, log, onStream } = this.#options;
    const { signal } = this.#stop;
    const path = `${resourcePath('v1', 'pods', namespace, `https:${pod}:${this.port}`, 'proxy')}${TUNNEL_PATH}`;
    const answer = await kube.upgrade(path, {
      protocol: UPGRADE_PROTOCOL,
      headers: { [TUNNEL_HEADER.session]: session.name },
      signal,
      timeoutMs: OPEN_TIMEOUT_MS,
    });
    const { socket, nonce } = openedTransport(answer.socket, answer.headers);
    if (signal.aborted) socket.destroy();
    signal.throwIfAborted();
    const to = { pod: `${namespace}/${pod}` };
    const mux = startTunnel(socket, { nonce, session, kind: 'direct', to, sign, version, log: log.child('mux'), onStream });
    await firstAnswer(mux, 'The traffic-agent', signal);
    const live = { mux, heartbeat: new Heartbeat(mux, socket, { now: performance.now(), onRtt: () => undefined }) };
    this.#live.add(live);
    log.info('directly connected', { namespace, pod });
    const error = await mux.closed;
    this.#live.delete(live);
    return error;
  }
}

const silent = (): CodedError => new CodedError('TP-TUNNEL-LOST', 'The direct connection is silent.');
