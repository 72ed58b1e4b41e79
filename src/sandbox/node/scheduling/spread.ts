/** Pods that are to be spread evenly, as far as they insist on it (`whenUnsatisfiable: DoNotSchedule`). */
import { matches } from '../../controllers/core/selector.ts';
import type { Node, Pod } from '../../controllers/core/types.ts';
import type { Cluster } from './cluster.ts';
import { isWanted } from './node-affinity.ts';

export function spreadRefusal(pod: Pod, node: Node, { nodes, podsOf }: Cluster): string | undefined {
  for (const { maxSkew, topologyKey, labelSelector, minDomains = 1, whenUnsatisfiable, matchLabelKeys = [] } of pod.spec.topologySpreadConstraints ?? []) {
    if (whenUnsatisfiable !== 'DoNotSchedule') continue;
    const own = node.metadata.labels?.[topologyKey];
    if (own === undefined) return "node(s) didn't match pod topology spread constraints (missing required label)";
    const same = (other: Pod): boolean => matchLabelKeys.every((key) => other.metadata.labels?.[key] === pod.metadata.labels?.[key]);
    const counted = (other: Pod): boolean =>
      other.metadata.namespace === pod.metadata.namespace &&
      other.metadata.deletionTimestamp === undefined &&
      matches(labelSelector, other.metadata.labels) &&
      same(other);
    const counts = new Map<string, number>();
    for (const one of nodes) {
      const domain = one.metadata.labels?.[topologyKey];
      if (domain === undefined || !isWanted(pod, one)) continue;
      counts.set(domain, (counts.get(domain) ?? 0) + podsOf(one.metadata.name).filter(counted).length);
    }
    const least = counts.size < minDomains ? 0 : Math.min(...counts.values());
    const self = matches(labelSelector, pod.metadata.labels) ? 1 : 0;
    if ((counts.get(own) ?? 0) + self - least > maxSkew) return "node(s) didn't match pod topology spread constraints";
  }
  return undefined;
}
