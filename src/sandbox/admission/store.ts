/** What admission looks up at each write, kept true by watches. */
import type { Log } from '../../base/log.ts';
import type { Informer } from '../../kube/index.ts';
import { resourcePath } from '../../kube/paths.ts';
import { getIfThere, type LabelSelector } from '../access/index.ts';
import type { ClusterClient } from '../contract.ts';
import type { Binding, Policy } from './policy/objects.ts';
import type { WebhookConfiguration } from './webhook/objects.ts';

export interface Namespace {
  metadata: { name: string; labels?: Record<string, string>; annotations?: Record<string, string>; deletionTimestamp?: string; [key: string]: unknown };
  status?: { phase?: string };
}
export interface LimitRange {
  metadata: { name: string; namespace?: string };
  spec?: { limits?: LimitRangeItem[] };
}
export interface LimitRangeItem {
  type: string;
  default?: Record<string, string>;
  defaultRequest?: Record<string, string>;
  max?: Record<string, string>;
  min?: Record<string, string>;
}
export interface ResourceQuota {
  metadata: { name: string; namespace?: string };
  spec?: { hard?: Record<string, string | number> };
}
export interface PriorityClass {
  metadata: { name: string };
  value: number;
  globalDefault?: boolean;
  preemptionPolicy?: string;
}
export type { LabelSelector };

export interface AdmissionStore {
  readonly ready: Promise<void>;
  namespace(name: string): Promise<Namespace | undefined>;
  limitRanges(namespace: string): LimitRange[];
  resourceQuotas(namespace: string): ResourceQuota[];
  priorityClasses(): PriorityClass[];
  mutatingWebhooks(): WebhookConfiguration[];
  validatingWebhooks(): WebhookConfiguration[];
  policies(): Policy[];
  bindings(): Binding[];
  close(): void;
}

const REGISTRATION = 'admissionregistration.k8s.io/v1';
const byName = (a: { metadata: { name: string } }, b: { metadata: { name: string } }) => (a.metadata.name < b.metadata.name ? -1 : 1);

export function createAdmissionStore(client: ClusterClient, log: Log): AdmissionStore {
  const informers: Informer<unknown>[] = [];
  function watch<T>(apiVersion: string, plural: string): Informer<T> {
    const informer = client.createInformer<T>(resourcePath(apiVersion, plural), { log });
    informers.push(informer as Informer<unknown>);
    return informer;
  }
  const namespaces = watch<Namespace>('v1', 'namespaces');
  const limitRanges = watch<LimitRange>('v1', 'limitranges');
  const resourceQuotas = watch<ResourceQuota>('v1', 'resourcequotas');
  const priorityClasses = watch<PriorityClass>('scheduling.k8s.io/v1', 'priorityclasses');
  const mutating = watch<WebhookConfiguration>(REGISTRATION, 'mutatingwebhookconfigurations');
  const validating = watch<WebhookConfiguration>(REGISTRATION, 'validatingwebhookconfigurations');
  const policies = watch<Policy>(REGISTRATION, 'validatingadmissionpolicies');
  const bindings = watch<Binding>(REGISTRATION, 'validatingadmissionpolicybindings');
  return {
    ready: Promise.all(informers.map((informer) => informer.ready)).then(() => {}),
    // The watch may be a moment behind a namespace that was just made.
    namespace: async (name) => namespaces.get('', name) ?? (await getIfThere<Namespace>(client, resourcePath('v1', 'namespaces', undefined, name))),
    limitRanges: (namespace) => limitRanges.list().filter((range) => range.metadata.namespace === namespace),
    resourceQuotas: (namespace) => resourceQuotas.list().filter((quota) => quota.metadata.namespace === namespace),
    priorityClasses: () => priorityClasses.list(),
    mutatingWebhooks: () => mutating.list().toSorted(byName),
    validatingWebhooks: () => validating.list().toSorted(byName),
    policies: () => policies.list().toSorted(byName),
    bindings: () => bindings.list().toSorted(byName),
    close() {
      for (const informer of informers) informer.close();
    },
  };
}
