/**
 * One place in the tunnel (`control`, or one of the data places) that always wants a live connection: opens it, watches it,
 * opens a second one beside it when it falls silent, and opens it again when it is lost.
 */
import { CodedError, messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { backoff, sleep } from '../../base/retry.ts';
import type { Mux, MuxStream } from '../../mux/index.ts';
import { startTunnel } from '../../tunnel/index.ts';
import { firstAnswer } from './first-answer.ts';
import { Heartbeat } from './heartbeat.ts';
import {
  BELIEVE_REFUSAL_MS,
  OPEN_TIMEOUT_MS,
  RECONNECT_FIRST_MS,
  RECONNECT_MOST_MS,
  RETIRE_AFTER_MS,
  SHORT_LIVED_MS,
  SILENCE_DEAD_BESIDE_MS,
  SILENCE_DEAD_MS,
  SILENCE_SUSPECT_MS,
  SLEPT_MS,
  SPREAD_TRIES,
  STOOD_STILL_MS,
  WATCH_MS,
} from './limits.ts';
import type { LinkWatch } from './link-watch.ts';
import type { OpenedTransport } from './transport.ts';
import { tryUntilOne } from './tries.ts';

export interface LiveConnection {
  mux: Mux;
  replica: string;
  version: string;
}

export interface ConnectionOptions {
  /** `control`, `data-1`, …: for the log. */
  name: string;
  kind: 'control' | 'data';
  log: Log;
  session: { name: string; uid: string };
  version: string;
  sign: (text: string) => string;
  links: LinkWatch;
  open: (options: { signal: AbortSignal; timeoutMs: number }) => Promise<OpenedTransport>;
  /** Tries begin when this resolves. */
  gate: (signal: AbortSignal) => Promise<void>;
  onStream: (stream: MuxStream) => void;
  /** Streams may be opened on this connection from now on; undefined: on none, for the reason given, which may change. */
  onCurrent: (live: LiveConnection | undefined, reason: string) => void;
  /** Another connection takes its place: it is ended when its streams are. */
  onRetire: (live: LiveConnection) => void;
  /** Refused for longer than {@link BELIEVE_REFUSAL_MS}. */
  onRefused: (error: CodedError) => void;
  /** A heartbeat's round trip in milliseconds. */
  onRtt: (ms: number) => void;
}

const REFUSALS: readonly string[] = ['TP-KUBE-UNAUTHORIZED', 'TP-KUBE-FORBIDDEN', 'TP-KUBE-NOT-FOUND', 'TP-TUNNEL-FORBIDDEN', 'TP-SESSION-REFUSED'];

interface Entry {
  live: LiveConnection;
  since: number;
  heartbeat: Heartbeat;
  /** The address it goes out from, where that is one of this machine's. */
  from: string | undefined;
  /** Why it can't be relied on now. */
  doubt: string | undefined;
  /** Its replica ends, or there is a better one: used until another connection is there. */
  leaving: boolean;
  /** It takes no new streams and ends with its last one. */
  retired: boolean;
}

export class TunnelConnection {
  readonly #options: ConnectionOptions;
  readonly #stop = new AbortController();
  /** All that are open, the newest last. */
  readonly #entries: Entry[] = [];
  #current: Entry | undefined;
  #everUp = false;
  #refusedSince: number | undefined;
  #reopening = false;
  #spreading = false;
  #wake: () => void = () => undefined;
  #timer: NodeJS.Timeout | undefined;
  #lookedAt = performance.now();
  #lookedAtWall = Date.now();
  #lastLoss = 'not connected yet';
  /** Connections in a row that ended soon after they came up. */
  #shortLived = 0;

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  /** The connection for new streams, if there is one that can be relied on. */
  get current(): LiveConnection | undefined {
    return this.#current?.live;
  }

  /** Opens the first connection; throws what stood in the way. From then on lost connections are opened again until `abort`. */
  async start(signal: AbortSignal): Promise<void> {
    await this.#open(AbortSignal.any([signal, this.#stop.signal]));
    this.#watch();
  }

  /** As {@link start}, but nobody waits for it: tried until it is up. */
  begin(why: string): void {
    this.#watch();
    this.#reopen(why);
  }

  #watch(): void {
    this.#lookedAt = performance.now();
    this.#lookedAtWall = Date.now();
    this.#timer = setInterval(() => this.#look(), WATCH_MS);
  }

  /** Streams that are open on it. */
  get streams(): number {
    return this.#entries.reduce((sum, { live }) => sum + live.mux.streams, 0);
  }

  /** Opens none any more; what is open is told goodbye. */
  end(): void {
    clearInterval(this.#timer);
    this.#stop.abort(new CodedError('TP-CANCELLED', 'The connection is not needed now.'));
    for (const { live } of this.#entries) void live.mux.close({ signal: AbortSignal.timeout(OPEN_TIMEOUT_MS) });
  }

  /** Ends everything now, without a word to the other end. */
  abort(): void {
    clearInterval(this.#timer);
    const reason = new CodedError('TP-CANCELLED', 'The session was closed.');
    this.#stop.abort(reason);
    for (const { live } of this.#entries) live.mux.abort(reason);
  }

  /** The machine's links have changed: looks and tries at once. */
  linksChanged(): void {
    if (this.#timer === undefined || this.#stop.signal.aborted) return;
    this.#look();
    this.#wake();
  }

  /** The replica ends: its connections are used until another one is there. */
  leave(replica: string, why: string): void {
    for (const entry of this.#entries) if (entry.live.replica === replica) entry.leaving = true;
    this.#review(why);
  }

  /** Moves to a replica that is not among `taken`, if the API server gives us one; what is open stays until then. */
  spread(taken: ReadonlySet<string>): void {
    if (this.#spreading || this.#reopening || this.#stop.signal.aborted) return;
    this.#spreading = true;
    void this.#spread(taken).finally(() => {
      this.#spreading = false;
    });
  }

  async #spread(taken: ReadonlySet<string>): Promise<void> {
    const { log, name } = this.#options;
    for (let tries = 0; tries < SPREAD_TRIES && !this.#stop.signal.aborted; tries++) {
      try {
        if (await this.#open(this.#stop.signal, taken)) return;
      } catch (error) {
        log.debug('no connection to another replica', { place: name, error });
        return;
      }
    }
    log.debug('the API server offered no other replica', { place: name });
  }

  /** Returns false when the replica that answered is one to avoid. */
  async #open(signal: AbortSignal, avoid?: ReadonlySet<string>): Promise<boolean> {
    const { log, kind, session, version, sign, onStream, links } = this.#options;
    const { socket, nonce, replica, version: managerVersion } = await this.#options.open({ signal, timeoutMs: OPEN_TIMEOUT_MS });
    if (signal.aborted || avoid?.has(replica)) {
      socket.destroy();
      signal.throwIfAborted();
      return false;
    }
    const mux = startTunnel(socket, { nonce, session, kind, sign, version, log: log.child('mux'), onStream });
    const live: LiveConnection = { mux, replica, version: managerVersion };
    this.#options.onRtt(await firstAnswer(mux, 'The traffic-manager', signal));
    const address = 'localAddress' in socket && typeof socket.localAddress === 'string' ? socket.localAddress : '';
    const entry: Entry = {
      live,
      since: performance.now(),
      heartbeat: new Heartbeat(mux, socket, { now: performance.now(), onRtt: this.#options.onRtt }),
      from: links.has(address) ? address : undefined,
      doubt: undefined,
      leaving: false,
      retired: false,
    };
    this.#adopt(entry);
    return true;
  }

  #adopt(entry: Entry): void {
    const { log, name } = this.#options;
    const older = [...this.#entries];
    this.#entries.push(entry);
    this.#everUp = true;
    this.#refusedSince = undefined;
    log.info('tunnel connection is up', { place: name, replica: entry.live.replica });
    this.#review('');
    for (const one of older) this.#retireSoon(one);
    void entry.live.mux.closed.then((error) => this.#lost(entry, error));
  }

  #look(): void {
    const now = performance.now();
    const wall = Date.now();
    const gap = now - this.#lookedAt;
    const asleep = wall - this.#lookedAtWall - gap;
    this.#lookedAt = now;
    this.#lookedAtWall = wall;
    const stoodStill = gap > WATCH_MS + STOOD_STILL_MS || asleep > SLEPT_MS;
    for (const entry of [...this.#entries]) this.#lookAt(entry, now, stoodStill);
    this.#review('');
    if (asleep > SLEPT_MS) this.#reopen('this machine slept');
  }

  #lookAt(entry: Entry, now: number, stoodStill: boolean): void {
    const { heartbeat, from, live } = entry;
    if (stoodStill) heartbeat.restart(now);
    const silence = heartbeat.tick(now);
    const limit = this.#entries.at(-1) === entry ? SILENCE_DEAD_MS : SILENCE_DEAD_BESIDE_MS;
    if (silence > 0 && now - heartbeat.heardAt > limit) {
      live.mux.abort(new CodedError('TP-TUNNEL-LOST', `The tunnel was silent for ${limit / 1000} s.`));
    } else if (from !== undefined && !this.#options.links.has(from)) {
      entry.doubt = `the network link with the address ${from} is down`;
    } else {
      entry.doubt = silence > SILENCE_SUSPECT_MS ? `no answer for ${Math.round((now - heartbeat.heardAt) / 100) / 10} s` : undefined;
    }
  }

  /** Settles which connection takes new streams, and opens another one where none can, or the best one ends. */
  #review(why: string): void {
    if (this.#stop.signal.aborted) return;
    const usable = this.#entries.filter(({ doubt, retired, live }) => doubt === undefined && !retired && live.mux.goneAway === undefined);
    const best = usable.findLast(({ leaving }) => !leaving) ?? usable.at(-1);
    const newest = this.#entries.at(-1);
    const reason = newest?.doubt ?? newest?.live.mux.goneAway ?? (why === '' ? this.#lastLoss : why);
    if (best !== this.#current) {
      this.#current = best;
      this.#options.onCurrent(best?.live, reason);
    }
    if (best === undefined || best.leaving) this.#reopen(reason);
  }

  /** One that its replica leaves stays usable for a while, so that agents learn of its successor first. */
  #retireSoon(entry: Entry): void {
    if (!entry.leaving) return this.#retire(entry);
    void sleep(RETIRE_AFTER_MS, this.#stop.signal).then(
      () => this.#retire(entry),
      () => undefined,
    );
  }

  #retire(entry: Entry): void {
    if (entry.retired) return;
    entry.retired = true;
    this.#options.onRetire(entry.live);
    void entry.live.mux.close();
  }

  #lost(entry: Entry, error: Error | undefined): void {
    this.#entries.splice(this.#entries.indexOf(entry), 1);
    if (this.#stop.signal.aborted) return;
    const { log, name } = this.#options;
    const fields = { place: name, replica: entry.live.replica, error };
    if (entry.retired) log.debug('a retired tunnel connection ended', fields);
    else {
      log.warn('tunnel connection is lost', fields);
      this.#shortLived = performance.now() - entry.since < SHORT_LIVED_MS ? this.#shortLived + 1 : 0;
      this.#lastLoss = error === undefined ? 'the manager closed the connection' : messageOf(error);
    }
    this.#review('');
  }

  /** Opens a new connection, until one is up or the tunnel is closed. One such loop at a time. */
  #reopen(why: string): void {
    if (this.#reopening || this.#stop.signal.aborted) return;
    this.#reopening = true;
    this.#options.log.info('opening another tunnel connection', { place: this.#options.name, why });
    void this.#openAgain()
      .catch((error: unknown) => this.#options.log.debug('no connection was opened', { place: this.#options.name, error }))
      .finally(() => {
        this.#reopening = false;
      });
  }

  async #openAgain(): Promise<void> {
    const { signal } = this.#stop;
    await this.#options.gate(signal);
    // what comes up and ends at once, again and again, is tried no more often than what fails
    if (this.#shortLived > 0) await sleep(backoff(this.#shortLived - 1, RECONNECT_FIRST_MS, RECONNECT_MOST_MS), signal);
    await tryUntilOne({
      signal,
      attempt: async (either) => {
        await this.#open(either);
      },
      onFailed: (error, attempt) => this.#failed(error, attempt),
      onWake: (wake) => {
        this.#wake = wake;
      },
    });
    this.#wake = () => undefined;
  }

  /** Returns true when a refusal is to be believed. */
  #failed(error: unknown, attempt: number): boolean {
    this.#options.log.debug('tunnel connection could not be opened', { place: this.#options.name, attempt, error });
    this.#lastLoss = messageOf(error);
    if (this.#current === undefined) this.#options.onCurrent(undefined, this.#lastLoss);
    if (!(error instanceof CodedError && REFUSALS.includes(error.code) && this.#everUp)) {
      this.#refusedSince = undefined;
      return false;
    }
    this.#refusedSince ??= performance.now();
    if (performance.now() - this.#refusedSince <= BELIEVE_REFUSAL_MS || this.#current !== undefined) return false;
    this.#options.onRefused(error);
    return true;
  }
}
