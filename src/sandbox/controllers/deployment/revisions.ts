/** A Deployment's ReplicaSets by revision: which is the newest template's, which are older, and what their annotations say. */

import { sameTemplate } from '../core/template-hash.ts';
import type { Deployment, ReplicaSet } from '../core/types.ts';

export const REVISION = 'deployment.kubernetes.io/revision';
const REVISION_HISTORY = 'deployment.kubernetes.io/revision-history';
export const DESIRED_REPLICAS = 'deployment.kubernetes.io/desired-replicas';
export const MAX_REPLICAS = 'deployment.kubernetes.io/max-replicas';
const NOT_COPIED = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  REVISION,
  REVISION_HISTORY,
  DESIRED_REPLICAS,
  MAX_REPLICAS,
  'deprecated.deployment.rollback.to',
]);

export const revisionOf = (object: Deployment | ReplicaSet): number => Number.parseInt(object.metadata.annotations?.[REVISION] ?? '0', 10) || 0;
export const replicasOf = (object: Deployment | ReplicaSet | undefined): number => (object === undefined ? 0 : (object.spec.replicas ?? 1));
export const sum = (sets: readonly ReplicaSet[], what: (set: ReplicaSet) => number): number => sets.reduce((all, set) => all + what(set), 0);

const age = (a: ReplicaSet, b: ReplicaSet): number =>
  a.metadata.creationTimestamp === b.metadata.creationTimestamp
    ? a.metadata.name < b.metadata.name
      ? -1
      : 1
    : a.metadata.creationTimestamp < b.metadata.creationTimestamp
      ? -1
      : 1;

export interface Split {
  newest: ReplicaSet | undefined;
  /** Oldest first. */
  old: ReplicaSet[];
}

/** Of several with the Deployment's own template the oldest is the newest's: all controllers must choose the same. */
export function split(deployment: Deployment, sets: readonly ReplicaSet[]): Split {
  const sorted = [...sets].sort(age);
  const newest = sorted.find((set) => sameTemplate(set.spec.template ?? {}, deployment.spec.template));
  return { newest, old: sorted.filter((set) => set !== newest) };
}

export const maxRevision = (sets: readonly ReplicaSet[]): number => Math.max(0, ...sets.map(revisionOf));

/** The annotations that a ReplicaSet of this revision has to carry; undefined when it has them. */
export function annotationsFor(deployment: Deployment, set: ReplicaSet | undefined, revision: number): Record<string, string> | undefined {
  const before = set?.metadata.annotations ?? {};
  const after = { ...before };
  for (const [key, value] of Object.entries(deployment.metadata.annotations ?? {})) if (!NOT_COPIED.has(key)) after[key] = value;
  const old = Number.parseInt(before[REVISION] ?? '0', 10) || 0;
  if (old < revision) {
    after[REVISION] = String(revision);
    if (old > 0) after[REVISION_HISTORY] = [...(before[REVISION_HISTORY]?.split(',') ?? []), String(old)].join(',');
  }
  const changed = Object.keys(after).length !== Object.keys(before).length || Object.entries(after).some(([key, value]) => before[key] !== value);
  return set === undefined || changed ? after : undefined;
}
