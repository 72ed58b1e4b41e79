/** Which of several connections to the same end takes a new stream: the same for daemon, manager and agent. */
import { QUIET_BYTES_PER_S, SPREAD_SAMPLE_MS } from './limits.ts';

/** What is looked at of a connection: how many bytes it has moved so far. */
interface Busy {
  readonly moved: number;
}

interface Sample {
  moved: number;
  rate: number;
}

/**
 * New streams take turns, but none goes beside a bulk flow while another connection is quiet: there it would wait behind what the flow
 * has on the line.
 */
export class Spread {
  #samples = new WeakMap<Busy, Sample>();
  #sampledAt: number;
  #turn = 0;

  constructor(now = performance.now()) {
    this.#sampledAt = now;
  }

  /** The connections in the order in which they should be tried. */
  order<T extends Busy>(connections: readonly T[], now = performance.now()): T[] {
    if (connections.length < 2) return [...connections];
    this.#sample(connections, now);
    const rate = (connection: T) => this.#samples.get(connection)?.rate ?? 0;
    const least = Math.min(...connections.map(rate));
    const isQuiet = (connection: T) => rate(connection) <= Math.max(QUIET_BYTES_PER_S, 2 * least);
    this.#turn = (this.#turn + 1) % connections.length;
    const turned = [...connections.slice(this.#turn), ...connections.slice(0, this.#turn)];
    return [...turned.filter(isQuiet), ...turned.filter((connection) => !isQuiet(connection))];
  }

  #sample(connections: readonly Busy[], now: number): void {
    const elapsed = now - this.#sampledAt;
    if (elapsed < SPREAD_SAMPLE_MS) return;
    this.#sampledAt = now;
    for (const connection of connections) {
      const before = this.#samples.get(connection);
      this.#samples.set(connection, { moved: connection.moved, rate: before === undefined ? 0 : ((connection.moved - before.moved) * 1_000) / elapsed });
    }
  }
}
