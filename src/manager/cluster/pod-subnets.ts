/** The ranges of pod addresses: the nodes' podCIDRs where they are true, else what covers the pods that are there. */
import { type KubeClient, resourcePath } from '../../kube/index.ts';
import { cidrSet } from '../outbound/policy.ts';
import { aggregate, cover } from './subnets.ts';

export interface Node {
  spec?: { podCIDR?: string; podCIDRs?: string[] };
  status?: { addresses?: { type: string; address: string }[] };
}
interface Pod {
  spec?: { hostNetwork?: boolean };
  status?: { podIP?: string; podIPs?: { ip: string }[] };
}

/** CIDRs of all nodes, aggregated. */
export function nodePodSubnets(nodes: readonly Node[]): string[] {
  return aggregate(nodes.flatMap((node) => node.spec?.podCIDRs ?? (node.spec?.podCIDR === undefined ? [] : [node.spec.podCIDR])));
}

/** Some networks (Calico, Cilium, cloud ones) have ranges of their own and leave the nodes' as they are: then this pod's address is outside. */
export function believable(subnets: readonly string[], podIP: string): boolean {
  return cidrSet(subnets).has(podIP);
}

/** @param options.namespaces those that may be read; empty: all. */
export async function coverPods(kube: KubeClient, options: { podIP: string; namespaces: readonly string[]; signal: AbortSignal }): Promise<string[]> {
  const places = options.namespaces.length === 0 ? [undefined] : options.namespaces;
  const lists = await Promise.all(
    places.map((namespace) => kube.list<Pod>(resourcePath('v1', 'pods', namespace), { fieldSelector: 'status.phase=Running', signal: options.signal })),
  );
  const pods = lists.flatMap(({ items }) => items).filter((pod) => pod.spec?.hostNetwork !== true);
  return cover([options.podIP, ...pods.flatMap((pod) => pod.status?.podIPs?.map(({ ip }) => ip) ?? [pod.status?.podIP ?? ''])]);
}

export function nodeAddresses(nodes: readonly Node[]): string[] {
  const wanted = nodes.flatMap((node) => node.status?.addresses ?? []).filter(({ type }) => type === 'InternalIP' || type === 'ExternalIP');
  return [...new Set(wanted.map(({ address }) => address))].sort();
}
