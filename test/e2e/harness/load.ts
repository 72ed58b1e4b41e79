/** Load beside a test, and what became of its requests. */
import { LOAD, loadPod, type Sample, samplesOf } from '../apps/load.ts';
import type { TestCluster } from './cluster.ts';
import { eventually } from './run.ts';
import type { Workstation } from './workstation.ts';

export interface Load extends AsyncDisposable {
  /** All requests that were answered, or failed, so far; in the order of their starts. */
  samples(): Promise<Sample[]>;
}

export interface LoadOptions {
  url: string;
  rate: number;
  limitMs: number;
}

/** A pod of its own in the namespace; resolves when it has an answer. */
export async function loadFromCluster(cluster: TestCluster, name: string, namespace: string, options: LoadOptions): Promise<Load> {
  await cluster.apply(loadPod({ name, namespace, ...options }));
  const samples = async (): Promise<Sample[]> => samplesOf(await cluster.kubectl(['-n', namespace, 'logs', name]));
  await eventually(`${name} has answers`, async () => (await samples()).some(({ what }) => what === '200'), 60_000);
  return {
    samples,
    async [Symbol.asyncDispose]() {
      await cluster.kubectl(['-n', namespace, 'delete', 'pod', name, '--ignore-not-found', '--grace-period=0', '--force', '--wait=false']);
    },
  };
}

export async function loadFromWorkstation(workstation: Workstation, { url, rate, limitMs }: LoadOptions): Promise<Load> {
  const child = workstation.background('node', ['-e', LOAD, url, String(rate), String(limitMs)]);
  const samples = (): Promise<Sample[]> => Promise.resolve(samplesOf(child.output()));
  await eventually(`${url} answers on the workstation`, async () => (await samples()).some(({ what }) => what === '200'), 30_000);
  return { samples, [Symbol.asyncDispose]: () => child[Symbol.asyncDispose]() };
}

type Good = (sample: Sample) => boolean;
export const answeredBy =
  (who: string): Good =>
  (sample) =>
    sample.what === '200' && sample.who === who;
export const answered: Good = ({ what }) => what === '200';

/** Milliseconds from `since` until requests are good and stay so: neither a bad one starts after, nor did a good one end before. */
export function settledAfter(samples: readonly Sample[], since: number, good: Good): number {
  const after = samples.filter(({ start }) => start >= since);
  const lastBad = after.findLast((sample) => !good(sample));
  const first = after.find((sample) => good(sample) && sample.start > (lastBad?.start ?? 0));
  return first === undefined ? Number.POSITIVE_INFINITY : Math.max(first.end, lastBad?.start ?? 0) - since;
}

/** Requests that started in the time and are not good. */
export function bad(samples: readonly Sample[], from: number, to: number, good: Good): Sample[] {
  return samples.filter((sample) => sample.start >= from && sample.start < to && !good(sample));
}

/** The first of them, for a message. */
export const shown = (samples: readonly Sample[], since: number): string =>
  samples
    .slice(0, 12)
    .map(({ start, end, what, who }) => `+${start - since} ms: ${what} ${who} after ${end - start} ms`)
    .join('\n');

export const passed = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
