import { RTT_SAMPLES } from './limits.ts';

/** The last round trips, and how long most and nearly all of them took. */
export class RoundTrips {
  readonly #samples: number[] = [];

  add(ms: number): void {
    this.#samples.push(ms);
    if (this.#samples.length > RTT_SAMPLES) this.#samples.shift();
  }

  get summary(): { p50: number; p99: number } | undefined {
    if (this.#samples.length === 0) return undefined;
    const sorted = this.#samples.toSorted((a, b) => a - b);
    const at = (part: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
    return { p50: at(0.5), p99: at(0.99) };
  }
}
