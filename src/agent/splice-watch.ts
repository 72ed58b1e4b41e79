import { SPLICE_IDLE_MS } from './http-limits.ts';
import type { Splice } from './splice.ts';

/**
 * Ends spliced connections once they are idle: the app has spoken last, and nothing has passed for SPLICE_IDLE_MS. Bytes are not looked
 * into, so a stream that pauses so long, or a WebSocket, ends too, and its client connects anew.
 */
export class SpliceWatch {
  readonly #open: Set<Splice>;
  readonly #reads = new WeakMap<Splice, number>();
  #timer: NodeJS.Timeout | undefined;

  /** @param open what is being spliced, as it changes */
  constructor(open: Set<Splice>) {
    this.#open = open;
  }

  /** Looks on until none is left. */
  start(): void {
    if (this.#timer !== undefined) return;
    for (const splice of this.#open) this.#reads.set(splice, splice.reads);
    this.#timer = setInterval(() => this.#look(), SPLICE_IDLE_MS);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #look(): void {
    for (const splice of this.#open) {
      if (this.#reads.get(splice) === splice.reads && splice.answered) splice.end();
      else this.#reads.set(splice, splice.reads);
    }
    if (this.#open.size === 0) this.stop();
  }
}
