/** Who gets a port: pure decisions over claims. */
import type { HttpFilter } from '../../protocol/resources.ts';

export interface Claim {
  uid: string;
  /** creationTimestamp. */
  created: string;
  /** What is claimed: the workload, its container port, the protocol. */
  port: string;
  /** Undefined: everything (mechanism `tcp`). */
  filter: HttpFilter | undefined;
  /** It was given the port before. */
  granted: boolean;
  /** The session's tunnel has been lost for longer than its claims are kept. */
  expired: boolean;
}

/** Granted, or the claim that stands in the way. */
export type Verdict = { granted: true } | { granted: false; holder: Claim };

/** What a filter asks for, as a set: all of it must hold for a request. */
function keysOf(filter: HttpFilter): Set<string> {
  const text = (value: Record<string, unknown>) => JSON.stringify(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  return new Set([
    ...filter.headers.map(({ name, value }) => `header ${name.toLowerCase()} ${text(value)}`),
    ...filter.paths.map((path) => `path ${text(path)}`),
  ]);
}

/** Claims on one port exclude each other when one's requests include the other's: everything, or a subset of the other's conditions. */
export function overlap(a: HttpFilter | undefined, b: HttpFilter | undefined): boolean {
  if (a === undefined || b === undefined) return true;
  return keysOf(a).isSubsetOf(keysOf(b)) || keysOf(b).isSubsetOf(keysOf(a));
}

/** Holders before others, those whose session is there before those whose is lost, then the oldest first; the uid settles ties. */
function order(a: Claim, b: Claim): number {
  const rank = (claim: Claim) => (claim.expired ? 2 : claim.granted ? 0 : 1);
  return rank(a) - rank(b) || Date.parse(a.created) - Date.parse(b.created) || (a.uid < b.uid ? -1 : 1);
}

/**
 * A verdict for each claim. What was granted stays granted while its session is there, so that no older claim that comes back takes
 * a port away from somebody at work.
 */
export function decideClaims(claims: readonly Claim[]): Map<string, Verdict> {
  const verdicts = new Map<string, Verdict>();
  const holders: Claim[] = [];
  for (const claim of claims.toSorted(order)) {
    const holder = holders.find((other) => other.port === claim.port && overlap(other.filter, claim.filter));
    if (holder === undefined) holders.push(claim);
    verdicts.set(claim.uid, holder === undefined ? { granted: true } : { granted: false, holder });
  }
  return verdicts;
}
