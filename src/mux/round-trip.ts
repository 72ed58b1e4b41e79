import { RTT_LOADED_BYTES, RTT_SAMPLES } from './limits.ts';

/**
 * The round trip of the bare line, as far as it can be seen: the shortest of the last samples. A sample taken while data flowed holds our
 * own queue too; if that counted, windows would grow by it, and the queue with the windows.
 */
export class RoundTrip {
  #samples: number[] = [];
  #shortest: number | undefined;

  get shortest(): number | undefined {
    return this.#shortest;
  }

  /** @param bytes what the session moved, both ways, during the sample. */
  add(ms: number, bytes: number): void {
    if (this.#shortest !== undefined && bytes > RTT_LOADED_BYTES && ms >= this.#shortest) return;
    this.#samples.push(ms);
    if (this.#samples.length > RTT_SAMPLES) this.#samples.shift();
    this.#shortest = Math.min(...this.#samples);
  }
}
