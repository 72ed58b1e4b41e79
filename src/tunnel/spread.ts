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

/** A number that all small ones divide. */
const TURNS = 5_040;

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

  /**
   * The connections in the order in which they should be tried.
   * @param others serve as well, but not as fast: they come behind, but before connections that are busy where they are quiet
   */
  order<T extends Busy>(connections: readonly T[], others: readonly T[] = [], now = performance.now()): T[] {
    const all = [...connections, ...others];
    if (all.length < 2) return all;
    this.#sample(all, now);
    const rate = (connection: T) => this.#samples.get(connection)?.rate ?? 0;
    const least = Math.min(...all.map(rate));
    const isQuiet = (connection: T) => rate(connection) <= Math.max(QUIET_BYTES_PER_S, 2 * least);
    this.#turn = (this.#turn + 1) % TURNS;
    const turned = [connections, others].map((group) => {
      const from = group.length === 0 ? 0 : this.#turn % group.length;
      return [...group.slice(from), ...group.slice(0, from)];
    });
    return [true, false].flatMap((quiet) => turned.flatMap((group) => group.filter((connection) => isQuiet(connection) === quiet)));
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
