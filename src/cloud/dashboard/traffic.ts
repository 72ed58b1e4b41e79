/** Requests per second, from the counts that managers send every other second. */
import type { CloudIntercept } from '../../protocol/cloud.ts';
import { TRAFFIC_SAMPLES, TRAFFIC_STEP_MS } from './limits.ts';

interface Series {
  /** Requests in each step, oldest first. */
  steps: number[];
  total: number;
  lastAt: number | undefined;
}

export interface TrafficView {
  /** Per second, over the last few steps; undefined: not watched for long enough. */
  rate: number | undefined;
  /** Requests per second of each step. */
  steps: number[];
  total: number | undefined;
  /** When the count grew last, while it was watched. */
  lastAt: number | undefined;
}

/** Steps that the rate is taken over: long enough for the managers' own rhythm. */
const RATE_STEPS = 3;

export class Traffic {
  #series = new Map<string, Series>();

  /** Called once a step with the whole list. */
  sample(intercepts: readonly CloudIntercept[], now: number): void {
    const seen = new Set<string>();
    for (const { uid, requests } of intercepts) {
      if (requests === undefined) continue;
      seen.add(uid);
      const known = this.#series.get(uid);
      if (known === undefined) {
        this.#series.set(uid, { steps: [], total: requests, lastAt: undefined });
        continue;
      }
      // A manager that started anew counts from nothing.
      const more = Math.max(0, requests - known.total);
      known.steps.push(more);
      if (known.steps.length > TRAFFIC_SAMPLES) known.steps.shift();
      if (more > 0) known.lastAt = now;
      known.total = requests;
    }
    for (const uid of this.#series.keys()) if (!seen.has(uid)) this.#series.delete(uid);
  }

  view({ uid, requests }: CloudIntercept): TrafficView {
    const { steps = [], lastAt } = this.#series.get(uid) ?? {};
    const perSecond = steps.map((value) => value / (TRAFFIC_STEP_MS / 1000));
    const recent = perSecond.slice(-RATE_STEPS);
    const rate = recent.length === 0 ? undefined : recent.reduce((sum, value) => sum + value, 0) / recent.length;
    return { rate, steps: perSecond, total: requests, lastAt };
  }
}

export function rateText(rate: number | undefined): string {
  if (rate === undefined) return '–';
  if (rate === 0) return '0';
  return rate < 10 ? rate.toFixed(1) : Math.round(rate).toLocaleString('en');
}
