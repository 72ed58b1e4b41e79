/** The key somebody probably meant. */

/** Levenshtein distance, ignoring case. */
function distance(a: string, b: string): number {
  const [from, to] = [a.toLowerCase(), b.toLowerCase()];
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}

/** The candidate nearest to `key`; undefined where none is near enough to be what was meant. */
export function nearestKey(key: string, candidates: readonly string[]): string | undefined {
  const most = Math.max(2, Math.floor(key.length / 3));
  const ranked = candidates.map((candidate) => ({ candidate, far: distance(key, candidate) })).sort((a, b) => a.far - b.far);
  const [best] = ranked;
  return best !== undefined && best.far <= most ? best.candidate : undefined;
}
