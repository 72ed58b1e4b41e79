import type { Node, Pod } from '../../controllers/core/types.ts';

/** The nodes there are, and which pods they have: those too that the API does not show there yet. */
export interface Cluster {
  nodes: readonly Node[];
  podsOf(nodeName: string): readonly Pod[];
}
