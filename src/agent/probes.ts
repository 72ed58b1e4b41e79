import type { RequestView } from '../http/index.ts';
import { INTERCEPT_ID_HEADER } from '../protocol/cloud.ts';
import { probeValue } from '../protocol/tunnel.ts';
import { PROBE_REPORT_MS } from './limits.ts';

/** What was seen while it was looked for a probe's mark. */
export interface Sighting {
  /** Requests with the mark, and others. */
  marked: number;
  unmarked: number;
}
interface Probe extends Sighting {
  value: string;
  tell: (seen: Sighting) => void;
  timer: NodeJS.Timeout | undefined;
}

/** `doctor --propagation`: looks for a mark in the requests that are looked into anyway, for some seconds. */
export class Probes {
  readonly #probes = new Map<string, Probe>();
  readonly #onChange: (look: ((request: RequestView) => void) | undefined) => void;
  readonly #ends = new Set<NodeJS.Timeout>();

  /** @param onChange is given what is to see every request; undefined: nothing is looked for */
  constructor(onChange: (look: ((request: RequestView) => void) | undefined) => void) {
    this.#onChange = onChange;
  }

  /** @param tell is told soon after each change, by totals */
  arm(id: string, forMs: number, tell: (seen: Sighting) => void): void {
    this.#probes.set(id, { value: probeValue(id), marked: 0, unmarked: 0, tell, timer: undefined });
    const end = setTimeout(() => {
      this.#ends.delete(end);
      clearTimeout(this.#probes.get(id)?.timer);
      this.#probes.delete(id);
      if (this.#probes.size === 0) this.#onChange(undefined);
    }, forMs).unref();
    this.#ends.add(end);
    this.#onChange((request) => this.#look(request));
  }

  close(): void {
    for (const end of this.#ends) clearTimeout(end);
    for (const { timer } of this.#probes.values()) clearTimeout(timer);
    this.#probes.clear();
  }

  #look({ names, values }: RequestView): void {
    const marks = values.filter((_, i) => names[i]?.toLowerCase() === INTERCEPT_ID_HEADER);
    for (const probe of this.#probes.values()) {
      if (marks.includes(probe.value)) probe.marked += 1;
      else probe.unmarked += 1;
      probe.timer ??= setTimeout(() => {
        probe.timer = undefined;
        probe.tell({ marked: probe.marked, unmarked: probe.unmarked });
      }, PROBE_REPORT_MS).unref();
    }
  }
}
