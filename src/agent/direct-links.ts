import { CodedError, messageOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Mux, MuxStream } from '../mux/index.ts';
import type { Hello } from '../protocol/tunnel.ts';
import { createLiveness, type Liveness, verifyNonce, watchSilence } from '../tunnel/index.ts';
import { type DirectConnection, type DirectPort, openDirectPort } from './direct-port.ts';
import { DIRECT_RENEW_MS, DIRECT_RETRY_MS, DIRECT_SESSION_LIMIT } from './limits.ts';

export interface DirectLinksOptions {
  pod: string;
  namespace: string;
  /** Asks a manager. */
  certificate: () => Promise<{ certificate: string; key: string }>;
  /** Managers are to know where direct connections are taken; undefined: nowhere any more. */
  onPort: (port: number | undefined) => void;
  /** A session came within reach, or went. */
  onChange: () => void;
  log: Log;
}

/**
 * The workstations that reach this agent directly. Listens only while a session is expected that could come; a session that is here counts as
 * held whatever the managers say, so that an intercept outlives them.
 */
export class DirectLinks {
  readonly #options: DirectLinksOptions;
  #keys: ReadonlyMap<string, string> = new Map();
  #port: DirectPort | undefined;
  #opening = false;
  #renew: NodeJS.Timeout | undefined;
  readonly #connections = new Map<DirectConnection, Liveness>();
  #stopWatching: (() => void) | undefined;
  #closed = false;

  constructor(options: DirectLinksOptions) {
    this.#options = options;
  }

  get port(): number | undefined {
    return this.#port?.port;
  }

  /** The sessions that may come, by uid, with their public keys. Connections of others end with their last stream. */
  expect(keys: ReadonlyMap<string, string>): void {
    this.#keys = keys;
    for (const { session, mux } of this.#connections.keys()) if (!keys.has(session)) void mux.close();
    if (keys.size === 0) this.#unlisten();
    else void this.#listen();
  }

  /** Whether a workstation of the session is here and answers. */
  holds(session: string): boolean {
    for (const [connection, liveness] of this.#connections) if (usable(connection, liveness, session)) return true;
    return false;
  }

  /** Its connections that can take a stream now. */
  muxes(session: string): Mux[] {
    return [...this.#connections].flatMap(([connection, liveness]) => (usable(connection, liveness, session) ? [connection.mux] : []));
  }

  /** The stream was just opened on one of them: it is reset when its connection turns out to have been lost by then. */
  watch(mux: Mux, stream: MuxStream): void {
    for (const [connection, liveness] of this.#connections) if (connection.mux === mux) liveness.watch(stream, performance.now());
  }

  close(): void {
    this.#closed = true;
    this.#unlisten();
    this.#stopWatching?.();
    for (const { mux } of this.#connections.keys()) mux.abort(new Error('the agent is ending'));
  }

  async #listen(): Promise<void> {
    if (this.#port !== undefined || this.#opening || this.#closed) return;
    this.#opening = true;
    const { log, onPort, pod } = this.#options;
    let again = DIRECT_RENEW_MS;
    try {
      const { certificate, key } = await this.#options.certificate();
      const port = await openDirectPort({
        certificate,
        key,
        pod,
        log,
        verify: (hello, nonce) => this.#verify(hello, nonce),
        onConnection: (connection) => this.#add(connection),
      });
      if (this.#closed || this.#keys.size === 0) return port.close();
      this.#port = port;
      log.info('taking direct connections', { port: port.port });
      onPort(port.port);
    } catch (error) {
      log.info('direct connections can not be taken', { error: messageOf(error) });
      again = DIRECT_RETRY_MS;
    } finally {
      this.#opening = false;
    }
    // One that failed may have been tried again sooner than it said.
    clearTimeout(this.#renew);
    this.#renew = setTimeout(() => {
      this.#port?.close();
      this.#port = undefined;
      if (this.#keys.size > 0) void this.#listen();
    }, again).unref();
  }

  #unlisten(): void {
    clearTimeout(this.#renew);
    if (this.#port === undefined) return;
    this.#port.close();
    this.#port = undefined;
    this.#options.onPort(undefined);
  }

  #verify({ kind, session, signature }: Hello, nonce: string): void {
    const { namespace, pod } = this.#options;
    const publicKey = this.#keys.get(session.uid);
    // A session that is not expected and a wrong signature are answered alike: nobody learns here who intercepts.
    if (kind !== 'direct' || publicKey === undefined || !verifyNonce(publicKey, nonce, session.uid, signature, { pod: `${namespace}/${pod}` }))
      throw new CodedError('TP-SESSION-REFUSED', 'The session is not known here, or the signature is not its own.');
    const others = [...this.#connections.keys()].filter((one) => one.session === session.uid);
    if (others.length >= DIRECT_SESSION_LIMIT) throw new CodedError('TP-SESSION-REFUSED', 'The session has too many connections.');
  }

  #add(connection: DirectConnection): void {
    const { log, onChange } = this.#options;
    const { session, mux } = connection;
    if (this.#closed) return mux.abort(new Error('the agent is ending'));
    this.#connections.set(connection, createLiveness(connection, performance.now()));
    log.info('a workstation is here directly', { session });
    this.#stopWatching ??= watchSilence(() => this.#look());
    void mux.closed.then((error) => {
      this.#connections.delete(connection);
      if (this.#connections.size === 0) {
        this.#stopWatching?.();
        this.#stopWatching = undefined;
      }
      log.info('a direct connection ended', { session, error: error?.message });
      onChange();
    });
    onChange();
  }

  #look(): void {
    const now = performance.now();
    let changed = false;
    for (const [{ mux }, liveness] of this.#connections) {
      const before = liveness.alive;
      if (liveness.tick(now) === 'dead') mux.abort(new Error('the workstation is silent'));
      if (liveness.alive !== before) changed = true;
    }
    if (changed) this.#options.onChange();
  }
}

const usable = ({ session, mux }: DirectConnection, { alive }: Liveness, wanted: string): boolean => session === wanted && alive && mux.goneAway === undefined;
