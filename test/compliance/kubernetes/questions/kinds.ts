/** Each kind that the project and its tests use: a small one, asked for in every way that a kind can be asked for. */
import type { KubeObject } from '../../../../src/kube/index.ts';
import { resourcePath } from '../../../../src/kube/index.ts';
import { dry, get, object, patch, post, put, type Question, remove, type Scene } from '../question.ts';

const container = { name: 'web', image: 'example.com/web:1' };
const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [container] } };
const selector = { matchLabels: { app: 'web' } };

interface Kind {
  plural: string;
  global?: true;
  sample: KubeObject;
  /** What controllers write of it is not waited for: only dry runs. */
  watched?: true;
}

const kind = (apiVersion: string, name: string, plural: string, rest: Record<string, unknown>, more: Partial<Kind> = {}): Kind => ({
  plural,
  sample: object(apiVersion, name, 'one', rest),
  ...more,
});

const KINDS: Kind[] = [
  kind('v1', 'ConfigMap', 'configmaps', { data: { a: '1' } }),
  kind('v1', 'Secret', 'secrets', { stringData: { a: 'one' }, data: { b: 'dHdv' } }),
  kind('v1', 'Service', 'services', { spec: { selector: { app: 'web' }, ports: [{ port: 80 }] } }),
  kind('v1', 'ServiceAccount', 'serviceaccounts', {}),
  kind('v1', 'Endpoints', 'endpoints', { subsets: [{ addresses: [{ ip: '198.51.100.7' }], ports: [{ port: 80 }] }] }, { watched: true }),
  kind('v1', 'Pod', 'pods', { spec: { containers: [container] } }, { watched: true }),
  kind('v1', 'Event', 'events', { involvedObject: { kind: 'Pod', name: 'web', namespace: 'NS' }, reason: 'Asked', message: 'why', type: 'Normal' }),
  kind('v1', 'LimitRange', 'limitranges', { spec: { limits: [{ type: 'Container', default: { cpu: '100m' } }] } }),
  kind('v1', 'Namespace', 'namespaces', {}, { global: true, watched: true }),
  kind('apps/v1', 'Deployment', 'deployments', { spec: { selector, template } }, { watched: true }),
  kind('apps/v1', 'ReplicaSet', 'replicasets', { spec: { selector, template } }, { watched: true }),
  kind('apps/v1', 'StatefulSet', 'statefulsets', { spec: { selector, serviceName: 'web', template } }, { watched: true }),
  kind('apps/v1', 'DaemonSet', 'daemonsets', { spec: { selector, template } }, { watched: true }),
  kind(
    'batch/v1',
    'CronJob',
    'cronjobs',
    { spec: { schedule: '0 0 1 1 *', jobTemplate: { spec: { template: { spec: { restartPolicy: 'Never', containers: [container] } } } } } },
    { watched: true },
  ),
  kind('networking.k8s.io/v1', 'Ingress', 'ingresses', {
    spec: {
      rules: [{ host: 'a.example.com', http: { paths: [{ path: '/', pathType: 'Prefix', backend: { service: { name: 'web', port: { number: 80 } } } }] } }],
    },
  }),
  kind('networking.k8s.io/v1', 'NetworkPolicy', 'networkpolicies', { spec: { podSelector: {}, ingress: [{ ports: [{ port: 80 }] }] } }),
  kind('discovery.k8s.io/v1', 'EndpointSlice', 'endpointslices', { addressType: 'IPv4', endpoints: [{ addresses: ['198.51.100.7'] }], ports: [{ port: 80 }] }),
  kind('policy/v1', 'PodDisruptionBudget', 'poddisruptionbudgets', { spec: { minAvailable: 1, selector } }, { watched: true }),
  kind('coordination.k8s.io/v1', 'Lease', 'leases', { spec: { holderIdentity: 'me', leaseDurationSeconds: 15 } }),
  kind('rbac.authorization.k8s.io/v1', 'Role', 'roles', { rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }] }),
  kind('rbac.authorization.k8s.io/v1', 'RoleBinding', 'rolebindings', {
    roleRef: { kind: 'Role', name: 'one' },
    subjects: [
      { kind: 'User', name: 'jane' },
      { kind: 'ServiceAccount', name: 'a', namespace: 'NS' },
    ],
  }),
  kind(
    'rbac.authorization.k8s.io/v1',
    'ClusterRole',
    'clusterroles',
    { rules: [{ apiGroups: ['apps'], resources: ['deployments'], verbs: ['*'] }] },
    { global: true },
  ),
  kind(
    'rbac.authorization.k8s.io/v1',
    'ClusterRoleBinding',
    'clusterrolebindings',
    { roleRef: { kind: 'ClusterRole', name: 'view' }, subjects: [{ kind: 'Group', name: 'all' }] },
    { global: true },
  ),
  kind(
    'admissionregistration.k8s.io/v1',
    'MutatingWebhookConfiguration',
    'mutatingwebhookconfigurations',
    {
      webhooks: [
        {
          name: 'a.example.com',
          clientConfig: { service: { name: 'a', namespace: 'nowhere' } },
          sideEffects: 'None',
          admissionReviewVersions: ['v1'],
          rules: [{ apiGroups: ['nowhere.example.com'], apiVersions: ['v1'], operations: ['CREATE'], resources: ['nothings'] }],
        },
      ],
    },
    { global: true },
  ),
  kind(
    'admissionregistration.k8s.io/v1',
    'ValidatingAdmissionPolicy',
    'validatingadmissionpolicies',
    {
      spec: {
        matchConstraints: { resourceRules: [{ apiGroups: ['nowhere.example.com'], apiVersions: ['v1'], operations: ['CREATE'], resources: ['nothings'] }] },
        validations: [{ expression: 'true' }],
      },
    },
    { global: true, watched: true },
  ),
  kind(
    'admissionregistration.k8s.io/v1',
    'ValidatingAdmissionPolicyBinding',
    'validatingadmissionpolicybindings',
    { spec: { policyName: 'one', validationActions: ['Deny'] } },
    { global: true },
  ),
  kind('scheduling.k8s.io/v1', 'PriorityClass', 'priorityclasses', { value: 100 }, { global: true }),
  kind('storage.k8s.io/v1', 'StorageClass', 'storageclasses', { provisioner: 'example.com/none' }, { global: true }),
];

export const KIND_SCENES: Scene[] = KINDS.map(({ plural, global, sample, watched }) => {
  const all = resourcePath(sample.apiVersion, plural, global === true ? undefined : 'NS');
  const named = (name: string) => ({ ...sample, metadata: { ...sample.metadata, name } });
  // Those that are in no namespace are told apart by their name.
  const name = global === true ? `one-${plural.slice(0, 8)}-NS` : 'one';
  const one = named(name);
  const kindOnly = (answer: Record<string, unknown>) => ({ kind: answer['kind'], apiVersion: answer['apiVersion'] });
  const questions: Question[] = [
    get(all, { query: { limit: '1', fieldSelector: 'metadata.name=nobody' }, pick: kindOnly }),
    get(`${all}/nobody`),
    remove(`${all}/nobody`),
    patch('merge', `${all}/nobody`, { metadata: { labels: { a: 'b' } } }),
    dry(all, one),
    dry(all, one, { fieldManager: 'somebody-else' }),
    dry(all, { ...one, surprise: true }, { fieldValidation: 'Strict' }),
    dry(all, { ...one, surprise: true }, { fieldValidation: 'Ignore' }),
    dry(all, named('Not_A_Name')),
    dry(all, { ...one, metadata: {} }),
    dry(all, { ...one, metadata: { ...one.metadata, labels: { 'a b': 'c' } } }),
    dry(all, { ...one, kind: 'Nothing' }),
    dry(all, { ...one, apiVersion: 'nowhere.example.com/v1' }),
    dry(all, { ...one, metadata: { ...one.metadata, resourceVersion: '5' } }),
    dry(all, { ...one, metadata: { ...one.metadata, namespace: 'elsewhere' } }),
    patch('apply', `${all}/${name}`, one, { query: { dryRun: 'All' } }),
  ];
  if (watched !== true)
    questions.push(
      post(all, one),
      post(all, one),
      get(`${all}/${name}`),
      patch('merge', `${all}/${name}`, { metadata: { labels: { a: 'b' }, annotations: { 'example.com/x': 'y' } } }),
      patch('json', `${all}/${name}`, [{ op: 'replace', path: '/metadata/labels/a', value: 'c' }]),
      patch('json', `${all}/${name}`, [{ op: 'remove', path: '/metadata/labels/nobody' }]),
      patch('strategic', `${all}/${name}`, { metadata: { finalizers: ['example.com/wait'] } }),
      patch('apply', `${all}/${name}`, { apiVersion: sample.apiVersion, kind: sample.kind, metadata: { name, labels: { a: 'd' } } }),
      patch(
        'apply',
        `${all}/${name}`,
        { apiVersion: sample.apiVersion, kind: sample.kind, metadata: { name, labels: { a: 'd' } } },
        { query: { force: 'true' } },
      ),
      put(`${all}/${name}`, { ...one, metadata: { ...one.metadata, resourceVersion: '1' } }),
      get(all, { query: { labelSelector: 'a=d' }, pick: ({ items }) => (items as unknown[] | undefined)?.length }),
      remove(`${all}/${name}`),
      patch('json', `${all}/${name}`, [{ op: 'remove', path: '/metadata/finalizers' }]),
      get(`${all}/${name}`),
    );
  return { name: `${sample.kind} of ${sample.apiVersion}`, questions, ...(global === true ? { cleanup: [] } : {}) };
});
