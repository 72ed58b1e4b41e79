/** Nodes that a pod insists on. Pure. */
import type { NodeSelectorTerm } from 'kubernetes-types/core/v1.js';
import { hasAll, matches } from '../../controllers/core/selector.ts';
import type { Node, Pod } from '../../controllers/core/types.ts';

/** By its selector and its affinity to nodes. */
export function isWanted({ spec }: Pod, { metadata }: Node): boolean {
  if (!hasAll(metadata.labels, spec.nodeSelector ?? {})) return false;
  const terms = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  return terms === undefined || terms.some((term) => matchesTerm(term, metadata));
}

function matchesTerm({ matchExpressions = [], matchFields = [] }: NodeSelectorTerm, { labels, name }: Node['metadata']): boolean {
  return matches({ matchExpressions }, labels) && matches({ matchExpressions: matchFields }, { 'metadata.name': name });
}
