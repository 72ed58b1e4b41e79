/**
 * The e2e files in as many shards as there are sandboxes beside each other, each shard about as long as the others. A shard runs its
 * files one after the other.
 */

/** Seconds of each file on a sandbox, in `npm test` on two cores, which prints them. A file that is not here counts as one of middling length. */
const SECONDS: Readonly<Record<string, number>> = {
  'admission.test.ts': 3,
  'bad-input.test.ts': 52,
  'cloud-faults.test.ts': 130,
  'compliance.test.ts': 5,
  'crash.test.ts': 37,
  'direct.test.ts': 36,
  'dns.test.ts': 31,
  'faults.test.ts': 147,
  'identity.test.ts': 46,
  'ingress.test.ts': 20,
  'install.test.ts': 20,
  'intercept-again.test.ts': 30,
  'kubectl.test.ts': 82,
  'kubectl-compliance.test.ts': 70,
  'long-streams.test.ts': 29,
  'outbound.test.ts': 105,
  'outbound-borders.test.ts': 39,
  'preview-load.test.ts': 38,
  'propagation.test.ts': 41,
  'rollout.test.ts': 65,
  'rollout-alone.test.ts': 72,
  'rollout-borders.test.ts': 95,
  'rollout-costly.test.ts': 43,
  'rollout-shapes.test.ts': 102,
  'rollout-uninstall.test.ts': 127,
  'seed-guide.test.ts': 25,
  'seed-guide-preview.test.ts': 64,
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
