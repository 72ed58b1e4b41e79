/** Which rules hold for which built-in kind. */

import { builtInSchema } from '../schema/built-in.ts';
import { emptyStatus } from '../schema/canonical.ts';
import { metadataCauses, type NameForm } from '../write/names.ts';
import { PLAIN, type Strategy } from './strategy.ts';
import type { StoredType } from './table.ts';

const WITH_GENERATION = new Set([
  'pods',
  'replicationcontrollers',
  'mutatingwebhookconfigurations.admissionregistration.k8s.io',
  'validatingadmissionpolicies.admissionregistration.k8s.io',
  'validatingadmissionpolicybindings.admissionregistration.k8s.io',
  'validatingwebhookconfigurations.admissionregistration.k8s.io',
  'customresourcedefinitions.apiextensions.k8s.io',
  'daemonsets.apps',
  'deployments.apps',
  'replicasets.apps',
  'statefulsets.apps',
  'cronjobs.batch',
  'jobs.batch',
  'endpointslices.discovery.k8s.io',
  'ingressclasses.networking.k8s.io',
  'ingresses.networking.k8s.io',
  'networkpolicies.networking.k8s.io',
  'poddisruptionbudgets.policy',
  'priorityclasses.scheduling.k8s.io',
]);
const CREATE_ON_UPDATE = new Set([
  'endpoints',
  'events',
  'limitranges',
  'leases.coordination.k8s.io',
  'clusterroles.rbac.authorization.k8s.io',
  'clusterrolebindings.rbac.authorization.k8s.io',
  'roles.rbac.authorization.k8s.io',
  'rolebindings.rbac.authorization.k8s.io',
]);
const CONDITIONAL = new Set(['customresourcedefinitions.apiextensions.k8s.io', 'leases.coordination.k8s.io', 'poddisruptionbudgets.policy']);
const RETURNS_DELETED = new Set(['pods', 'podtemplates', 'persistentvolumes', 'persistentvolumeclaims', 'serviceaccounts', 'services', 'resourcequotas']);
const NAME_FORMS: Record<string, NameForm> = {
  namespaces: 'label',
  services: 'label1035',
  events: 'any',
  'poddisruptionbudgets.policy': 'any',
  'statefulsets.apps': 'label',
  'clusterroles.rbac.authorization.k8s.io': 'segment',
  'clusterrolebindings.rbac.authorization.k8s.io': 'segment',
  'roles.rbac.authorization.k8s.io': 'segment',
  'rolebindings.rbac.authorization.k8s.io': 'segment',
};

/** A kind's own rules, over what all have in common. */
export type KindRules = Partial<
  Pick<
    Strategy,
    'defaults' | 'prepareCreate' | 'prepareUpdate' | 'validate' | 'validateUpdate' | 'deleted' | 'changedBesides' | 'deletionFinalizer' | 'present'
  >
>;

export function strategyOf(type: StoredType, rules: KindRules = {}): Strategy {
  const status = type.subresources.includes('status');
  const schema = builtInSchema(type);
  const form = NAME_FORMS[type.collection] ?? 'subdomain';
  return {
    ...PLAIN,
    ...rules,
    generation: WITH_GENERATION.has(type.collection),
    unconditionalUpdate: !CONDITIONAL.has(type.collection),
    createOnUpdate: CREATE_ON_UPDATE.has(type.collection),
    returnsDeleted: RETURNS_DELETED.has(type.collection),
    status,
    prepareCreate(object, context) {
      if (status) delete object['status'];
      const empty = emptyStatus(schema);
      if (empty !== undefined) object['status'] = empty;
      rules.prepareCreate?.(object, context);
    },
    validate: (object, context) => [...metadataCauses(object, form), ...(rules.validate?.(object, context) ?? [])],
  };
}
