/**
 * A line that can be cut and mended at will, between two ends in one process. Connections are byte streams, as TCP's are: what was on
 * the way when the line fell silent arrives after it is mended, or never, as the test says.
 */
import { type Duplex, duplexPair } from 'node:stream';

type State = 'up' | 'cut' | 'silent';

interface Connection {
  ends: [Duplex, Duplex];
  /** Bytes that wait for the line, in the order of their arrival. */
  held: { to: Duplex; chunk: Buffer | undefined }[];
  /** Its path has forgotten it, as a NAT's table does: nothing of it ever arrives again. */
  forgotten: boolean;
}

export class FlakyLink {
  #state: State = 'up';
  readonly #connections = new Set<Connection>();
  readonly #accept: (far: Duplex) => void;
  #opened = 0;

  /** @param accept gets the far end of each new connection */
  constructor(accept: (far: Duplex) => void) {
    this.#accept = accept;
  }

  /** Connections that ever came through. */
  get opened(): number {
    return this.#opened;
  }

  get open(): number {
    return this.#connections.size;
  }

  /** The near end of a new connection. Rejects on a cut line; on a silent one it hangs until the line is mended or `signal` aborts. */
  async connect(signal: AbortSignal): Promise<Duplex> {
    while (this.#state === 'silent') await this.#mended(signal);
    signal.throwIfAborted();
    if (this.#state === 'cut') throw Object.assign(new Error('connect ENETUNREACH'), { code: 'ENETUNREACH' });
    this.#opened++;
    const [near, a] = duplexPair();
    const [far, b] = duplexPair();
    const connection: Connection = { ends: [near, far], held: [], forgotten: false };
    this.#connections.add(connection);
    this.#carry(connection, a, b);
    this.#carry(connection, b, a);
    for (const end of [near, far, a, b]) {
      end.on('error', () => undefined);
      end.once('close', () => this.#over(connection, end === near || end === a ? far : near));
    }
    this.#accept(far);
    return near;
  }

  readonly #waiters = new Set<() => void>();
  #mended(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const wake = (): void => {
        this.#waiters.delete(wake);
        signal.removeEventListener('abort', stop);
        resolve();
      };
      const stop = (): void => {
        this.#waiters.delete(wake);
        reject(signal.reason);
      };
      if (signal.aborted) return stop();
      this.#waiters.add(wake);
      signal.addEventListener('abort', stop, { once: true });
    });
  }

  #carry(connection: Connection, from: Duplex, to: Duplex): void {
    const pass = (chunk: Buffer | undefined): void => {
      if (connection.forgotten) return;
      if (this.#state === 'up') this.#deliver(to, chunk);
      else connection.held.push({ to, chunk });
    };
    from.on('data', (chunk: Buffer) => pass(chunk));
    from.on('end', () => pass(undefined));
  }

  #deliver(to: Duplex, chunk: Buffer | undefined): void {
    if (to.destroyed || to.writableEnded) return;
    if (chunk === undefined) to.end();
    else to.write(chunk);
  }

  /** One end was destroyed: the other hears of it, if the line carries that. */
  #over(connection: Connection, other: Duplex): void {
    if (this.#state !== 'up' || connection.forgotten) return;
    this.#connections.delete(connection);
    setImmediate(() => other.destroy());
  }

  /** All connections are reset, and new ones refused. */
  cut(): void {
    this.#state = 'cut';
    this.reset();
  }

  /** All connections are reset; new ones work. */
  reset(): void {
    for (const { ends } of this.#connections) for (const end of ends) end.destroy(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }));
    this.#connections.clear();
  }

  /** Nothing arrives, and nobody is told. */
  silence(): void {
    this.#state = 'silent';
  }

  /** The line works again. `forget`: the connections of before stay silent for ever. */
  mend({ forget = false } = {}): void {
    this.#state = 'up';
    for (const connection of this.#connections) {
      connection.forgotten ||= forget;
      for (const { to, chunk } of connection.held.splice(0)) if (!connection.forgotten) this.#deliver(to, chunk);
    }
    for (const wake of [...this.#waiters]) wake();
  }
}
