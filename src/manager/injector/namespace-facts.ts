/** What the injector must know of a pod's namespace, looked up when a pod comes and kept for some seconds. */
import type { LimitRange, Namespace, ResourceQuota } from 'kubernetes-types/core/v1.js';
import type { Log } from '../../base/log.ts';
import { type KubeClient, resourcePath } from '../../kube/index.ts';
import { NAMESPACE_FACTS_MS, REVIEW_LOOKUP_MS } from './limits.ts';
import { asksForMesh } from './mesh.ts';

export interface NamespaceFacts {
  meshed: boolean;
  netAdminRefused: boolean;
  limitRanges: LimitRange[];
  quotas: ResourceQuota[];
}
export const NOTHING_KNOWN: NamespaceFacts = { meshed: false, netAdminRefused: false, limitRanges: [], quotas: [] };

/** Both levels refuse NET_ADMIN to every container. */
export function refusesNetAdmin(namespaceLabels: Record<string, string> | undefined): boolean {
  const level = namespaceLabels?.['pod-security.kubernetes.io/enforce'];
  return level === 'baseline' || level === 'restricted';
}

/** Never rejects: what can't be learned in time is taken as absent, and the pod starts. */
export function createNamespaceFacts(kube: KubeClient, log: Log, now: () => number = Date.now): (namespace: string) => Promise<NamespaceFacts> {
  const known = new Map<string, { at: number; facts: Promise<NamespaceFacts> }>();
  const lookUp = async (name: string): Promise<NamespaceFacts> => {
    const signal = AbortSignal.timeout(REVIEW_LOOKUP_MS);
    const [namespace, limitRanges, quotas] = await Promise.all([
      kube.get<Namespace>(resourcePath('v1', 'namespaces', undefined, name), { signal }),
      kube.list<LimitRange>(resourcePath('v1', 'limitranges', name), { signal }),
      kube.list<ResourceQuota>(resourcePath('v1', 'resourcequotas', name), { signal }),
    ]);
    const labels = namespace.metadata?.labels;
    return { meshed: asksForMesh(labels), netAdminRefused: refusesNetAdmin(labels), limitRanges: limitRanges.items, quotas: quotas.items };
  };
  return (name) => {
    const at = now();
    const kept = known.get(name);
    if (kept !== undefined && at - kept.at < NAMESPACE_FACTS_MS) return kept.facts;
    for (const [other, { at: since }] of known) if (at - since >= NAMESPACE_FACTS_MS) known.delete(other);
    const facts = lookUp(name).catch((error: unknown) => {
      log.warn('the namespace of a pod could not be looked up', { namespace: name, error });
      known.delete(name);
      return NOTHING_KNOWN;
    });
    known.set(name, { at, facts });
    return facts;
  };
}
