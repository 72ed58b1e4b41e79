/** The built-in kinds: what each is called, where it lives, and which subresources it has. */
import type { ResourceType } from '../../contract.ts';

export const ALL_VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];

interface Row {
  plural: string;
  kind: string;
  /** Cluster-scoped ones are the fewer. */
  global?: true;
  short?: string[];
  categories?: string[];
  subresources?: string[];
  verbs?: string[];
  /** Kept under another group's name: the same objects in two groups. */
  storedAs?: string;
}

const GROUPS: Record<string, Row[]> = {
  v1: [
    { plural: 'bindings', kind: 'Binding', verbs: ['create'] },
    { plural: 'configmaps', kind: 'ConfigMap', short: ['cm'] },
    { plural: 'endpoints', kind: 'Endpoints', short: ['ep'] },
    { plural: 'events', kind: 'Event', short: ['ev'] },
    { plural: 'limitranges', kind: 'LimitRange', short: ['limits'] },
    {
      plural: 'namespaces',
      kind: 'Namespace',
      global: true,
      short: ['ns'],
      subresources: ['finalize', 'status'],
      verbs: ALL_VERBS.filter((verb) => verb !== 'deletecollection'),
    },
    { plural: 'nodes', kind: 'Node', global: true, short: ['no'], subresources: ['proxy', 'status'] },
    { plural: 'persistentvolumeclaims', kind: 'PersistentVolumeClaim', short: ['pvc'], subresources: ['status'] },
    { plural: 'persistentvolumes', kind: 'PersistentVolume', global: true, short: ['pv'], subresources: ['status'] },
    {
      plural: 'pods',
      kind: 'Pod',
      short: ['po'],
      categories: ['all'],
      subresources: ['attach', 'binding', 'ephemeralcontainers', 'eviction', 'exec', 'log', 'portforward', 'proxy', 'status'],
    },
    { plural: 'podtemplates', kind: 'PodTemplate' },
    { plural: 'replicationcontrollers', kind: 'ReplicationController', short: ['rc'], categories: ['all'], subresources: ['scale', 'status'] },
    { plural: 'resourcequotas', kind: 'ResourceQuota', short: ['quota'], subresources: ['status'] },
    { plural: 'secrets', kind: 'Secret' },
    { plural: 'serviceaccounts', kind: 'ServiceAccount', short: ['sa'], subresources: ['token'] },
    { plural: 'services', kind: 'Service', short: ['svc'], categories: ['all'], subresources: ['proxy', 'status'] },
  ],
  'admissionregistration.k8s.io/v1': [
    { plural: 'mutatingwebhookconfigurations', kind: 'MutatingWebhookConfiguration', global: true, categories: ['api-extensions'] },
    { plural: 'validatingadmissionpolicies', kind: 'ValidatingAdmissionPolicy', global: true, categories: ['api-extensions'], subresources: ['status'] },
    { plural: 'validatingadmissionpolicybindings', kind: 'ValidatingAdmissionPolicyBinding', global: true, categories: ['api-extensions'] },
    { plural: 'validatingwebhookconfigurations', kind: 'ValidatingWebhookConfiguration', global: true, categories: ['api-extensions'] },
  ],
  'apiextensions.k8s.io/v1': [
    {
      plural: 'customresourcedefinitions',
      kind: 'CustomResourceDefinition',
      global: true,
      short: ['crd', 'crds'],
      categories: ['api-extensions'],
      subresources: ['status'],
    },
  ],
  'apps/v1': [
    { plural: 'controllerrevisions', kind: 'ControllerRevision' },
    { plural: 'daemonsets', kind: 'DaemonSet', short: ['ds'], categories: ['all'], subresources: ['status'] },
    { plural: 'deployments', kind: 'Deployment', short: ['deploy'], categories: ['all'], subresources: ['scale', 'status'] },
    { plural: 'replicasets', kind: 'ReplicaSet', short: ['rs'], categories: ['all'], subresources: ['scale', 'status'] },
    { plural: 'statefulsets', kind: 'StatefulSet', short: ['sts'], categories: ['all'], subresources: ['scale', 'status'] },
  ],
  'authentication.k8s.io/v1': [
    { plural: 'selfsubjectreviews', kind: 'SelfSubjectReview', global: true, verbs: ['create'] },
    { plural: 'tokenreviews', kind: 'TokenReview', global: true, verbs: ['create'] },
  ],
  'authorization.k8s.io/v1': [
    { plural: 'localsubjectaccessreviews', kind: 'LocalSubjectAccessReview', verbs: ['create'] },
    { plural: 'selfsubjectaccessreviews', kind: 'SelfSubjectAccessReview', global: true, verbs: ['create'] },
    { plural: 'selfsubjectrulesreviews', kind: 'SelfSubjectRulesReview', global: true, verbs: ['create'] },
    { plural: 'subjectaccessreviews', kind: 'SubjectAccessReview', global: true, verbs: ['create'] },
  ],
  'autoscaling/v2': [{ plural: 'horizontalpodautoscalers', kind: 'HorizontalPodAutoscaler', short: ['hpa'], categories: ['all'], subresources: ['status'] }],
  'batch/v1': [
    { plural: 'cronjobs', kind: 'CronJob', short: ['cj'], categories: ['all'], subresources: ['status'] },
    { plural: 'jobs', kind: 'Job', categories: ['all'], subresources: ['status'] },
  ],
  'coordination.k8s.io/v1': [{ plural: 'leases', kind: 'Lease' }],
  'discovery.k8s.io/v1': [{ plural: 'endpointslices', kind: 'EndpointSlice' }],
  'events.k8s.io/v1': [{ plural: 'events', kind: 'Event', short: ['ev'], storedAs: 'events' }],
  'networking.k8s.io/v1': [
    { plural: 'ingressclasses', kind: 'IngressClass', global: true },
    { plural: 'ingresses', kind: 'Ingress', short: ['ing'], subresources: ['status'] },
    { plural: 'ipaddresses', kind: 'IPAddress', global: true, short: ['ip'] },
    { plural: 'networkpolicies', kind: 'NetworkPolicy', short: ['netpol'] },
    { plural: 'servicecidrs', kind: 'ServiceCIDR', global: true, subresources: ['status'] },
  ],
  'policy/v1': [{ plural: 'poddisruptionbudgets', kind: 'PodDisruptionBudget', short: ['pdb'], subresources: ['status'] }],
  'rbac.authorization.k8s.io/v1': [
    { plural: 'clusterrolebindings', kind: 'ClusterRoleBinding', global: true },
    { plural: 'clusterroles', kind: 'ClusterRole', global: true },
    { plural: 'rolebindings', kind: 'RoleBinding' },
    { plural: 'roles', kind: 'Role' },
  ],
  'scheduling.k8s.io/v1': [{ plural: 'priorityclasses', kind: 'PriorityClass', global: true, short: ['pc'] }],
  'storage.k8s.io/v1': [{ plural: 'storageclasses', kind: 'StorageClass', global: true, short: ['sc'] }],
};

/** A kind as this server keeps it. */
export interface StoredType extends ResourceType {
  /** The collection of the store: `deployments.apps`. */
  collection: string;
}

export function collectionName(group: string, plural: string): string {
  return group === '' ? plural : `${plural}.${group}`;
}

/** Every built-in kind. */
export function builtInTypes(): StoredType[] {
  return Object.entries(GROUPS).flatMap(([groupVersion, rows]) => {
    const [group = '', version = ''] = groupVersion.includes('/') ? groupVersion.split('/') : ['', groupVersion];
    return rows.map((row) => ({
      group,
      version,
      plural: row.plural,
      singular: row.kind.toLowerCase(),
      kind: row.kind,
      shortNames: row.short ?? [],
      categories: row.categories ?? [],
      namespaced: row.global !== true,
      verbs: row.verbs ?? ALL_VERBS,
      subresources: row.subresources ?? [],
      collection: row.storedAs ?? collectionName(group, row.plural),
    }));
  });
}
