/**
 * The e2e files in as many shards as there are sandboxes beside each other, each shard about as long as the others. A shard runs its
 * files one after the other.
 */

/** Seconds of each file on a sandbox, alone on a machine of two cores; `npm test` prints them. A file that is not here counts as one of middling length. */
const SECONDS: Readonly<Record<string, number>> = {
  'cloud-faults.test.ts': 128,
  'faults.test.ts': 170,
  'long-streams.test.ts': 45,
  'preview-load.test.ts': 90,
  'rollout-alone.test.ts': 83,
  'rollout-borders.test.ts': 111,
  'rollout-costly.test.ts': 50,
  'rollout-shapes.test.ts': 97,
  'rollout-uninstall.test.ts': 136,
  'rollout.test.ts': 72,
};
const UNKNOWN_SECONDS = 30;

/** The longest file first, and each to the shard that has least to do. */
export function shardsOf(files: readonly string[], count: number, seconds = SECONDS): string[][] {
  const secondsOf = (file: string): number => seconds[file] ?? UNKNOWN_SECONDS;
  const shards = Array.from({ length: count }, (): { files: string[]; seconds: number } => ({ files: [], seconds: 0 }));
  for (const file of files.toSorted((a, b) => secondsOf(b) - secondsOf(a) || (a < b ? -1 : 1))) {
    const least = shards.reduce((found, one) => (one.seconds < found.seconds ? one : found));
    least.files.push(file);
    least.seconds += secondsOf(file);
  }
  return shards.filter((shard) => shard.files.length > 0).map((shard) => shard.files);
}
