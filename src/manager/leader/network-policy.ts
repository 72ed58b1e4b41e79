/** NetworkPolicies that would keep an agent from its connections or from the manager: evaluated before anything is changed. Pure. */
import type { NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort } from 'kubernetes-types/networking/v1.js';
import { createIpMatcher, parseCidr } from '../../net/index.ts';
import { selects, type Workload } from './workload.ts';

/** Those that select the workload's pods for a direction. */
function policiesFor(workload: Workload, policies: readonly NetworkPolicy[], direction: 'Ingress' | 'Egress'): NetworkPolicy[] {
  return policies.filter(({ spec, metadata }) => {
    if (metadata?.namespace !== workload.namespace) return false;
    const types = spec?.policyTypes ?? ['Ingress', ...((spec?.egress ?? []).length > 0 ? ['Egress'] : [])];
    // An empty selector selects every pod.
    return types.includes(direction) && selects(spec?.podSelector ?? {}, workload.template.metadata?.labels);
  });
}

const covers = ({ port, endPort, protocol }: NetworkPolicyPort, number: number, wanted: string): boolean =>
  (protocol ?? 'TCP') === wanted && (port === undefined || (typeof port === 'number' && number >= port && number <= (endPort ?? port)));

/**
 * The policy that names ports and so lets nothing through to another port of the pod than the app's own; undefined when every rule
 * that may admit something admits all ports. A port of the agent is then no way in, a redirected one is.
 */
export function portBlockedBy(workload: Workload, policies: readonly NetworkPolicy[]): string | undefined {
  const selecting = policiesFor(workload, policies, 'Ingress');
  return selecting.find(({ spec }) => (spec?.ingress ?? []).some(({ ports = [] }) => ports.length > 0))?.metadata?.name;
}

export interface ManagerAddress {
  namespace: string;
  namespaceLabels: Record<string, string>;
  podLabels: Record<string, string>;
  /** Addresses of its pods. */
  addresses: readonly string[];
  port: number;
}

/** The policy that keeps the workload's pods from the manager's port for agents; undefined when they reach it. */
export function managerBlockedBy(workload: Workload, policies: readonly NetworkPolicy[], manager: ManagerAddress): string | undefined {
  const selecting = policiesFor(workload, policies, 'Egress');
  if (selecting.length === 0) return undefined;
  const open = selecting.some(({ spec }) =>
    (spec?.egress ?? []).some(
      ({ to = [], ports = [] }) =>
        (ports.length === 0 || ports.some((port) => covers(port, manager.port, 'TCP'))) &&
        (to.length === 0 || to.some((peer) => reaches(peer, workload, manager))),
    ),
  );
  return open ? undefined : selecting[0]?.metadata?.name;
}

function reaches({ ipBlock, namespaceSelector, podSelector }: NetworkPolicyPeer, workload: Workload, manager: ManagerAddress): boolean {
  if (ipBlock !== undefined) {
    const matcher = (blocks: readonly string[]) => createIpMatcher(blocks.map(parseCidr).filter((block) => block !== undefined));
    const [inside, excepted] = [matcher([ipBlock.cidr]), matcher(ipBlock.except ?? [])];
    return manager.addresses.some((address) => inside(address) && !excepted(address));
  }
  const namespace = namespaceSelector === undefined ? workload.namespace === manager.namespace : selects(namespaceSelector, manager.namespaceLabels);
  return namespace && (podSelector === undefined || selects(podSelector, manager.podLabels));
}
