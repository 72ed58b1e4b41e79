/**
 * The e2e files in as many shards as there are sandboxes beside each other, each shard about as long as the others. A shard runs its
 * files one after the other.
 */

/** Seconds of each file on a sandbox, alone on a machine of two cores; `npm test` prints them. A file that is not here counts as one of middling length. */
const SECONDS: Readonly<Record<string, number>> = {
  'admission.test.ts': 6,
  'bad-input.test.ts': 35,
  'cloud-faults.test.ts': 120,
  'compliance.test.ts': 25,
  'crash.test.ts': 60,
  'dns.test.ts': 35,
  'faults.test.ts': 170,
  'identity.test.ts': 50,
  'ingress.test.ts': 20,
  'install.test.ts': 40,
  'kubectl.test.ts': 80,
  'long-streams.test.ts': 45,
  'outbound.test.ts': 90,
  'outbound-borders.test.ts': 40,
  'preview-load.test.ts': 55,
  'propagation.test.ts': 40,
  'rollout.test.ts': 75,
  'rollout-alone.test.ts': 70,
  'rollout-borders.test.ts': 110,
  'rollout-costly.test.ts': 50,
  'rollout-shapes.test.ts': 95,
  'rollout-uninstall.test.ts': 125,
  'seed-guide.test.ts': 35,
  'seed-guide-preview.test.ts': 60,
  'tls-port.test.ts': 20,
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
