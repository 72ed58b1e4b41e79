/** The remaining kinds in tables. */
import { type ApiObject, at, isObject } from '../../object.ts';
import { age, type Column, createdAt, integer, listAt, nameColumn, since, text, textAt, wide } from '../column.ts';
import { volumeTables } from './volumes.ts';

const size = (value: unknown) => (isObject(value) ? Object.keys(value).length : 0);

function source(event: ApiObject): string {
  const component = textAt(event, 'source', 'component') || textAt(event, 'reportingComponent');
  const host = textAt(event, 'source', 'host') || textAt(event, 'reportingInstance');
  return host === '' ? component : `${component}, ${host}`;
}

const firstSeen = (event: ApiObject) => textAt(event, 'firstTimestamp') || textAt(event, 'eventTime');
const lastSeen = (event: ApiObject) => textAt(event, 'series', 'lastObservedTime') || textAt(event, 'lastTimestamp') || firstSeen(event);

function subjects(kind: string): (binding: ApiObject) => string {
  return (binding) =>
    listAt(binding, 'subjects')
      .filter((one) => one['kind'] === kind)
      .map((one) => (kind === 'ServiceAccount' ? `${textAt(one, 'namespace')}/${textAt(one, 'name')}` : textAt(one, 'name')))
      .join(', ');
}

/** What of it is used: that which limits what may be taken, or all else. */
function usage(quota: ApiObject, limits: boolean): string {
  return Object.keys((at(quota, 'status', 'hard') ?? {}) as object)
    .filter((resource) => resource.startsWith('limits.') === limits)
    .sort()
    .map((resource) => `${resource}: ${textAt(quota, 'status', 'used', resource)}/${textAt(quota, 'status', 'hard', resource)}`)
    .join(', ');
}

const binding: Column[] = [
  nameColumn,
  text('Role', (object) => `${textAt(object, 'roleRef', 'kind')}/${textAt(object, 'roleRef', 'name')}`),
  age,
  wide('Users', subjects('User')),
  wide('Groups', subjects('Group')),
  wide('ServiceAccounts', subjects('ServiceAccount')),
];
const webhooks: Column[] = [nameColumn, integer('Webhooks', (object) => listAt(object, 'webhooks').length), age];
const named: Column[] = [nameColumn, createdAt];

export const otherTables: Record<string, Column[]> = {
  namespaces: [nameColumn, text('Status', (object) => textAt(object, 'status', 'phase')), age],
  configmaps: [nameColumn, text('Data', (object) => size(object['data']) + size(object['binaryData'])), age],
  secrets: [nameColumn, text('Type', (object) => textAt(object, 'type')), text('Data', (object) => size(object['data'])), age],
  serviceaccounts: [nameColumn, text('Secrets', (object) => listAt(object, 'secrets').length), age],
  events: [
    text('Last Seen', (event) => since(lastSeen(event))),
    text('Type', (event) => textAt(event, 'type')),
    text('Reason', (event) => textAt(event, 'reason')),
    text('Object', (event) => `${textAt(event, 'involvedObject', 'kind').toLowerCase()}/${textAt(event, 'involvedObject', 'name')}`),
    wide('Subobject', (event) => textAt(event, 'involvedObject', 'fieldPath')),
    wide('Source', source),
    text('Message', (event) => textAt(event, 'message').trim()),
    wide('First Seen', (event) => since(firstSeen(event))),
    { ...integer('Count', (event) => Number(textAt(event, 'series', 'count') || textAt(event, 'count') || '1')), priority: 1 },
    { ...nameColumn, priority: 1 },
  ],
  'leases.coordination.k8s.io': [nameColumn, text('Holder', (object) => textAt(object, 'spec', 'holderIdentity')), age],
  'roles.rbac.authorization.k8s.io': named,
  'clusterroles.rbac.authorization.k8s.io': named,
  'rolebindings.rbac.authorization.k8s.io': binding,
  'clusterrolebindings.rbac.authorization.k8s.io': binding,
  'customresourcedefinitions.apiextensions.k8s.io': named,
  limitranges: named,
  resourcequotas: [nameColumn, text('Request', (quota) => usage(quota, false)), text('Limit', (quota) => usage(quota, true)), age],
  ...volumeTables,
  'mutatingwebhookconfigurations.admissionregistration.k8s.io': webhooks,
  'validatingwebhookconfigurations.admissionregistration.k8s.io': webhooks,
  'validatingadmissionpolicies.admissionregistration.k8s.io': [
    nameColumn,
    integer('Validations', (object) => listAt(object, 'spec', 'validations').length),
    text('ParamKind', (object) => {
      const kind = at(object, 'spec', 'paramKind');
      return isObject(kind) ? `${textAt(kind, 'apiVersion')}/${textAt(kind, 'kind')}` : '<unset>';
    }),
    age,
  ],
  'validatingadmissionpolicybindings.admissionregistration.k8s.io': [
    nameColumn,
    text('PolicyName', (object) => textAt(object, 'spec', 'policyName')),
    text('ParamRef', (object) => {
      const ref = at(object, 'spec', 'paramRef');
      if (!isObject(ref)) return '<unset>';
      const namespace = textAt(ref, 'namespace');
      return namespace === '' ? textAt(ref, 'name') : `${namespace}/${textAt(ref, 'name')}`;
    }),
    age,
  ],
  'priorityclasses.scheduling.k8s.io': [
    nameColumn,
    integer('Value', (object) => object['value']),
    { name: 'Global-Default', type: 'boolean', value: (object) => object['globalDefault'] === true },
    age,
    text('PreemptionPolicy', (object) => textAt(object, 'preemptionPolicy')),
  ],
  'storageclasses.storage.k8s.io': [
    nameColumn,
    text('Provisioner', (object) => textAt(object, 'provisioner')),
    text('ReclaimPolicy', (object) => textAt(object, 'reclaimPolicy')),
    text('VolumeBindingMode', (object) => textAt(object, 'volumeBindingMode')),
    text('AllowVolumeExpansion', (object) => object['allowVolumeExpansion'] === true),
    age,
  ],
};
