/** Pods that want to be with others, or apart from them, as far as they insist on it. */
import type { PodAffinityTerm } from 'kubernetes-types/core/v1.js';
import { matches } from '../../controllers/core/selector.ts';
import type { Node, Pod } from '../../controllers/core/types.ts';
import type { Cluster } from './cluster.ts';

export function affinityRefusal(pod: Pod, node: Node, cluster: Cluster): string | undefined {
  /** All that run where nodes have the same value of this label. */
  const near = (key: string): Pod[] => {
    const value = node.metadata.labels?.[key];
    if (value === undefined) return [];
    return cluster.nodes.flatMap(({ metadata }) => (metadata.labels?.[key] === value ? cluster.podsOf(metadata.name) : []));
  };
  const wanted = pod.spec.affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
  for (const term of wanted) {
    if (near(term.topologyKey).some((other) => selects(term, pod, other))) continue;
    // the first of a group that wants to be together
    const anywhere = cluster.nodes.some(({ metadata }) => cluster.podsOf(metadata.name).some((other) => selects(term, pod, other)));
    if (anywhere || !selects(term, pod, pod) || node.metadata.labels?.[term.topologyKey] === undefined) return "node(s) didn't match pod affinity rules";
  }
  if (apartOf(pod).some((term) => near(term.topologyKey).some((other) => selects(term, pod, other)))) return "node(s) didn't match pod anti-affinity rules";
  for (const { metadata } of cluster.nodes)
    for (const other of cluster.podsOf(metadata.name))
      for (const term of apartOf(other))
        if (selects(term, other, pod) && near(term.topologyKey).includes(other)) return "node(s) didn't satisfy existing pods anti-affinity rules";
  return undefined;
}

const apartOf = ({ spec }: Pod): PodAffinityTerm[] => spec.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];

/** @param owner whose term it is. Namespaces by their labels are not looked at, but for the selector of all. */
function selects({ labelSelector, namespaces = [], namespaceSelector }: PodAffinityTerm, owner: Pod, other: Pod): boolean {
  const all = namespaceSelector !== undefined && Object.keys(namespaceSelector).length === 0;
  const named = namespaces.length === 0 && namespaceSelector === undefined ? [owner.metadata.namespace] : namespaces;
  return (all || named.includes(other.metadata.namespace)) && matches(labelSelector, other.metadata.labels);
}
