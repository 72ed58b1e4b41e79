/** Rows of the bench: what is measured in alternation, how often, and what comes out. */
import type { Cpu, Role } from './processes.ts';
import type { Outcome } from './scene.ts';

/** One measured figure of one variant, in one round. */
export interface Sample {
  value: number;
  /** Further figures, by name: p50, p99, failed, … */
  more: Record<string, number>;
  /** Microseconds a request, or seconds a GB, of each part's CPU: see {@link Row.cpuUnit}. */
  cpu: Cpu;
}

export interface Variant {
  /** `ours` is what others are compared to. */
  name: string;
  run(): Promise<Sample>;
}

export interface Row {
  group: string;
  title: string;
  unit: string;
  rtt: number;
  /** Whether less is better: then the ratio is turned over. */
  lessIsBetter?: boolean;
  cpuUnit?: 'µs a request' | 's per GB';
  rounds?: number;
  variants: Variant[];
  /** The original's figure, from its own measurements on the same kind of machine; only for reading. */
  original?: string;
  target?: Target;
}

export interface Target {
  /** Name of the variant that ours is compared with; without one it is our own figure. */
  against?: string;
  /** At least this ratio, or at least (or at most, if less is better) this figure. */
  bound: number;
}

export interface Measured {
  group: string;
  title: string;
  unit: string;
  rtt: number;
  lessIsBetter: boolean;
  cpuUnit: string | undefined;
  original: string | undefined;
  target: Target | undefined;
  /** Medians over the rounds. */
  variants: Record<string, { value: number; rounds: number[]; more: Record<string, number>; cpu: Cpu }>;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** Runs the variants in turn, round after round. */
export async function measure(row: Row, rounds: number): Promise<Measured> {
  const samples = new Map<string, Sample[]>(row.variants.map(({ name }) => [name, []]));
  for (let round = 0; round < (row.rounds ?? rounds); round++) {
    const order = round % 2 === 0 ? row.variants : row.variants.toReversed();
    for (const { name, run } of order) samples.get(name)?.push(await run());
  }
  const { group, title, unit, rtt, lessIsBetter = false, cpuUnit, original, target } = row;
  return {
    group,
    title,
    unit,
    rtt,
    lessIsBetter,
    cpuUnit,
    original,
    target,
    variants: Object.fromEntries([...samples].map(([name, all]) => [name, summary(all)])),
  };
}

function summary(all: Sample[]): Measured['variants'][string] {
  const rounds = all.map(({ value }) => value);
  const more: Record<string, number> = {};
  for (const key of Object.keys(all[0]?.more ?? {})) {
    const values = all.map((sample) => sample.more[key] ?? 0);
    // A median would hide the one round in which something failed.
    more[key] = key === 'failed' ? values.reduce((sum, value) => sum + value, 0) : median(values);
  }
  const cpu: Cpu = {};
  for (const role of Object.keys(all[0]?.cpu ?? {}) as Role[]) cpu[role] = median(all.map((sample) => sample.cpu[role] ?? 0));
  return { value: median(rounds), rounds, more, cpu };
}

/** How much better ours is than another variant: 2 is twice as good. */
export function ratio(measured: Measured, against: string): number | undefined {
  const ours = measured.variants['ours']?.value;
  const other = measured.variants[against]?.value;
  if (ours === undefined || other === undefined) return undefined;
  return measured.lessIsBetter ? other / ours : ours / other;
}

/** Undefined where there is no target. */
export function reached(measured: Measured): boolean | undefined {
  const { target, lessIsBetter, variants } = measured;
  if (target === undefined) return undefined;
  if (target.against !== undefined) return (ratio(measured, target.against) ?? Number.NaN) >= target.bound;
  const ours = variants['ours']?.value ?? Number.NaN;
  return lessIsBetter ? ours <= target.bound : ours >= target.bound;
}

const number = (value: unknown): number => (typeof value === 'number' ? value : Number.NaN);

function scaled(cpu: Cpu, factor: number): Cpu {
  return Object.fromEntries(Object.entries(cpu).map(([role, ns]) => [role, ns * factor]));
}

/** Requests a second, with latencies and CPU a request. */
export function requestSample({ result, cpu }: Outcome): Sample {
  const requests = number(result['requests']);
  const more = {
    p50: number(result['p50']),
    p99: number(result['p99']),
    failed: number(result['failed']),
    generator: (number(result['cpuMs']) * 1000) / requests,
  };
  return { value: number(result['rate']), more, cpu: scaled(cpu, 1 / 1000 / requests) };
}

/** Mbit/s, with CPU a GB. */
export function bulkSample({ result, cpu }: Outcome): Sample {
  const gigabytes = number(result['bytes']) / 1e9;
  const more = { slowest: number(result['slowest']), failed: number(result['failed']), generator: number(result['cpuMs']) / 1000 / gigabytes };
  return { value: number(result['mbits']), more, cpu: scaled(cpu, 1 / 1e9 / gigabytes) };
}

/** The p50 of a latency. */
export function latencySample({ result, cpu }: Outcome): Sample {
  return {
    value: number(result['p50']),
    more: { p99: number(result['p99']), failed: number(result['failed']) },
    cpu: 'requests' in result ? scaled(cpu, 1 / 1000 / number(result['requests'])) : {},
  };
}

export function plainSample(value: number, more: Record<string, number> = {}): Sample {
  return { value, more, cpu: {} };
}
