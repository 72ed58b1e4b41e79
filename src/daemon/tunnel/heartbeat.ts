import type { Duplex } from 'node:stream';
import type { Mux } from '../../mux/index.ts';
import { HEARTBEAT_MS } from './limits.ts';

/** Asks the other end for a sign of life, and tells how long one has been waited for. Any byte counts: an answer may stand behind bulk data. */
export class Heartbeat {
  readonly #mux: Mux;
  readonly #onRtt: (ms: number) => void;
  #askedAt = Number.NEGATIVE_INFINITY;
  #waiting = false;
  #heardAt: number;

  constructor(mux: Mux, socket: Duplex, options: { now: number; onRtt: (ms: number) => void }) {
    this.#mux = mux;
    this.#onRtt = options.onRtt;
    this.#heardAt = options.now;
    socket.on('data', () => {
      this.#heardAt = performance.now();
    });
  }

  /** When the last byte came. */
  get heardAt(): number {
    return this.#heardAt;
  }

  /** Asks when it is time; returns for how many milliseconds an answer has been waited for in silence. */
  tick(now: number): number {
    if (!this.#waiting && now - this.#askedAt >= HEARTBEAT_MS) this.#ask(now);
    return this.#waiting ? Math.max(0, now - Math.max(this.#askedAt, this.#heardAt)) : 0;
  }

  /** This process stood still until now: silence counts from now. */
  restart(now: number): void {
    this.#heardAt = now;
    this.#askedAt = Math.max(this.#askedAt, this.#waiting ? now : this.#askedAt);
  }

  #ask(now: number): void {
    this.#askedAt = now;
    this.#waiting = true;
    this.#mux.ping().then(
      (ms) => {
        this.#waiting = false;
        this.#onRtt(ms);
      },
      // the mux is over: its `closed` tells the rest
      () => {
        this.#waiting = false;
      },
    );
  }
}
