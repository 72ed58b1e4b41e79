/**
 * One place in the tunnel (`control`, or one of the data places) that always wants a live connection: opens it, watches it,
 * opens a second one beside it when it falls silent, and opens it again when it is lost.
 */
import { CodedError, messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { backoff, sleep } from '../../base/retry.ts';
import type { Mux, MuxStream } from '../../mux/index.ts';
import { startTunnel } from '../../tunnel/index.ts';
import { BELIEVE_REFUSAL_MS, HEARTBEAT_MS, OPEN_TIMEOUT_MS, RECONNECT_FIRST_MS, RECONNECT_MOST_MS, REOPEN_TIMEOUT_MS, SILENCE_DEAD_MS, SILENCE_SUSPECT_MS } from './limits.ts';
import type { OpenedTransport } from './transport.ts';

export interface LiveConnection {
  mux: Mux;
  replica: string;
  version: string;
  since: number;
}

export interface ConnectionOptions {
  kind: 'control' | 'data';
  log: Log;
  session: { name: string; uid: string };
  version: string;
  sign: (text: string) => string;
  open: (options: { signal: AbortSignal; timeoutMs: number }) => Promise<OpenedTransport>;
  onStream: (stream: MuxStream) => void;
  /** A connection is there and streams may be opened. */
  onUp: (live: LiveConnection) => void;
  /** There is none any more; `reason` is a sentence. */
  onDown: (reason: string) => void;
  /** Refused for longer than {@link BELIEVE_REFUSAL_MS}: the session is over. */
  onRefused: (error: CodedError) => void;
  /** A heartbeat's round trip in milliseconds. */
  onRtt: (ms: number) => void;
}

const REFUSALS: readonly string[] = ['TP-KUBE-UNAUTHORIZED', 'TP-KUBE-FORBIDDEN', 'TP-KUBE-NOT-FOUND', 'TP-TUNNEL-FORBIDDEN', 'TP-SESSION-REFUSED'];

interface Entry {
  connection: LiveConnection;
  lastHeard: number;
  /** Silent for too long: a second connection is being tried. */
  suspect: boolean;
}

export class TunnelConnection {
  readonly #options: ConnectionOptions;
  readonly #stop = new AbortController();
  /** All that are open, the newest last; new streams use the newest that is not silent. */
  readonly #live: Entry[] = [];
  #everUp = false;
  #refusedSince: number | undefined;
  #opening: Promise<void> | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  /** The connection for new streams, if there is one. */
  get current(): LiveConnection | undefined {
    return this.#live.at(-1)?.connection;
  }

  /** Opens the first connection; throws what stood in the way. From then on lost connections are opened again until `abort`. */
  async start(signal: AbortSignal): Promise<void> {
    await this.#open(AbortSignal.any([signal, this.#stop.signal]), OPEN_TIMEOUT_MS);
  }

  /** Ends everything now, without a word to the other end. */
  abort(): void {
    const reason = new CodedError('TP-CANCELLED', 'The session was closed.');
    this.#stop.abort(reason);
    for (const { connection } of this.#live) connection.mux.abort(reason);
  }

  async #open(signal: AbortSignal, timeoutMs: number): Promise<void> {
    const { log, kind, session, version, sign, onStream } = this.#options;
    const { socket, nonce, replica, version: managerVersion } = await this.#options.open({ signal, timeoutMs });
    if (signal.aborted) {
      socket.destroy();
      throw signal.reason;
    }
    const mux = startTunnel(socket, { nonce, session, kind, sign, version, log: log.child('mux'), onStream });
    const connection: LiveConnection = { mux, replica, version: managerVersion, since: Date.now() };
    // the first answer shows that the manager took the hello; a refusal comes as GOAWAY
    const started = performance.now();
    try {
      await mux.ping({ signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]) });
    } catch (error) {
      mux.abort(new CodedError('TP-TUNNEL-LOST', 'The tunnel gave no answer.'));
      const refusal = mux.goneAway;
      if (refusal !== undefined) throw new CodedError('TP-SESSION-REFUSED', `The traffic-manager refused the session: ${refusal}.`);
      throw signal.aborted ? signal.reason : new CodedError('TP-TUNNEL-FAILED', `The traffic-manager did not answer on the tunnel: ${messageOf(error)}.`, { cause: error });
    }
    this.#options.onRtt(performance.now() - started);
    const entry: Entry = { connection, lastHeard: performance.now(), suspect: false };
    this.#live.push(entry);
    this.#everUp = true;
    this.#refusedSince = undefined;
    log.info('tunnel connection is up', { kind, replica });
    this.#options.onUp(connection);
    void this.#watch(entry);
    void mux.closed.then((error) => this.#lost(entry, error));
  }

  /** Heartbeats until the connection is over; starts a second one when this falls silent. */
  async #watch(entry: Entry): Promise<void> {
    const { mux } = entry.connection;
    let over = false;
    void mux.closed.then(() => {
      over = true;
    });
    let waiting = false;
    while (!over && !this.#stop.signal.aborted) {
      if (!waiting) {
        waiting = true;
        const sent = performance.now();
        mux.ping().then(
          () => {
            entry.lastHeard = performance.now();
            waiting = false;
            this.#options.onRtt(entry.lastHeard - sent);
          },
          // the mux is over: `closed` tells the rest
          () => {
            waiting = false;
          },
        );
      }
      const silence = performance.now() - entry.lastHeard;
      if (silence > SILENCE_DEAD_MS) {
        mux.abort(new CodedError('TP-TUNNEL-LOST', `The tunnel was silent for ${SILENCE_DEAD_MS / 1000} s.`));
        return;
      }
      const newest = this.#live.at(-1) === entry;
      const suspect = silence > HEARTBEAT_MS + SILENCE_SUSPECT_MS;
      if (newest && mux.goneAway !== undefined) this.#reopen(`the manager is going away: ${mux.goneAway}`);
      if (newest && suspect && !entry.suspect) {
        this.#options.onDown(`no answer for ${Math.round(silence / 100) / 10} s`);
        this.#reopen('silence');
      } else if (newest && !suspect && entry.suspect) this.#options.onUp(entry.connection);
      entry.suspect = suspect;
      await sleep(HEARTBEAT_MS / 4, this.#stop.signal).catch(() => {
        over = true;
      });
    }
  }

  #lost(entry: Entry, error: Error | undefined): void {
    const newest = this.#live.at(-1) === entry;
    this.#live.splice(this.#live.indexOf(entry), 1);
    if (this.#stop.signal.aborted) return;
    this.#options.log.warn('tunnel connection is lost', { kind: this.#options.kind, replica: entry.connection.replica, error });
    if (!newest) return;
    const left = this.#live.at(-1);
    if (left === undefined) this.#options.onDown(error === undefined ? 'the manager closed the connection' : messageOf(error));
    this.#reopen('lost');
  }

  /** Opens a new connection, with back-off, until one is up or the tunnel is closed. One such loop at a time. */
  #reopen(why: string): void {
    if (this.#opening !== undefined || this.#stop.signal.aborted) return;
    this.#options.log.info('opening another tunnel connection', { kind: this.#options.kind, why });
    this.#opening = this.#reopenLoop().finally(() => {
      this.#opening = undefined;
    });
  }

  async #reopenLoop(): Promise<void> {
    const { signal } = this.#stop;
    for (let attempt = 0; !signal.aborted; attempt++) {
      try {
        await this.#open(signal, REOPEN_TIMEOUT_MS);
        return;
      } catch (error) {
        if (signal.aborted) return;
        this.#options.log.debug('tunnel connection could not be opened', { kind: this.#options.kind, attempt, error });
        if (error instanceof CodedError && REFUSALS.includes(error.code) && this.#everUp) {
          this.#refusedSince ??= performance.now();
          if (performance.now() - this.#refusedSince > BELIEVE_REFUSAL_MS) {
            this.#options.onRefused(error);
            return;
          }
        } else this.#refusedSince = undefined;
        await sleep(backoff(attempt, RECONNECT_FIRST_MS, RECONNECT_MOST_MS), signal).catch(() => undefined);
      }
    }
  }
}
