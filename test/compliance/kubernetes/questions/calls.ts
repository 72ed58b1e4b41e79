/** The calls that the project's own programs make (calls.txt), each asked as they ask it: lists and watches as informers make them, applies by force. */
import { type KubeObject, resourcePath } from '../../../../src/kube/index.ts';
import { get, object, patch, post, type Question, remove, type Scene, watch } from '../question.ts';

interface Meta {
  name?: string;
  namespace?: string;
  labels?: unknown;
  ownerReferences?: unknown;
}
interface Item {
  kind?: string;
  metadata?: Meta;
}

const labels = { app: 'asked' };
const selector = { matchLabels: labels };
const container = { name: 'web', image: 'example.com/web:1' };
const template = { metadata: { labels }, spec: { containers: [container] } };
const rules = [{ apiGroups: ['nowhere.example.com'], apiVersions: ['v1'], operations: ['CREATE'], resources: ['nothings'] }];

/** What controllers write afterwards is left out. */
const asWritten = ({ metadata, status: _status, ...rest }: Record<string, unknown>): unknown => {
  const { name, labels: own } = (metadata ?? {}) as Meta;
  return { ...rest, metadata: { name, labels: own } };
};
/** Not what controllers make of its objects, or give each namespace. */
const isOfScene = ({ metadata: { name = '', namespace: own, ownerReferences } = {} }: Item, namespace: string): boolean =>
  name.startsWith('asked') && ownerReferences === undefined && (own === namespace || name.endsWith(namespace));
const namesOfScene = ({ kind, items }: Record<string, unknown>, namespace: string): unknown => ({
  kind,
  names: (items as Item[] | undefined)?.filter((item) => isOfScene(item, namespace)).map(({ metadata }) => metadata?.name),
});
/** Not what controllers change in between. */
const comingAndGoing = (events: Record<string, unknown>, namespace: string): unknown =>
  (events as unknown as { type: string; object: Item }[])
    .filter(({ type, object: item }) => type === 'ERROR' || (type !== 'MODIFIED' && type !== 'BOOKMARK' && isOfScene(item, namespace)))
    .map(({ type, object: item }) => `${type} ${item.kind} ${item.metadata?.name}`)
    // it takes its time
    .filter((event) => !event.startsWith('DELETED Namespace'));

const sample = (apiVersion: string, kind: string, plural: string, rest: Record<string, unknown> = {}) => ({
  plural,
  global: false,
  sample: object(apiVersion, kind, 'asked', { metadata: { labels }, ...rest }),
});
const globalSample = (apiVersion: string, kind: string, plural: string, rest: Record<string, unknown> = {}) => ({
  plural,
  global: true,
  sample: object(apiVersion, kind, `asked-${plural.slice(0, 8)}-NS`, { metadata: { labels }, ...rest }),
});
type Sample = ReturnType<typeof sample>;

const RBAC = 'rbac.authorization.k8s.io/v1';
const ADMISSION = 'admissionregistration.k8s.io/v1';
const SAMPLES: Sample[] = [
  // never on a node, so that no kubelet has a say
  sample('v1', 'Pod', 'pods', { spec: { containers: [container], nodeSelector: { 'example.com/none': 'x' } } }),
  sample('apps/v1', 'Deployment', 'deployments', { spec: { replicas: 0, selector, template } }),
  sample('apps/v1', 'ReplicaSet', 'replicasets', { spec: { replicas: 0, selector, template } }),
  sample('apps/v1', 'StatefulSet', 'statefulsets', { spec: { replicas: 0, selector, serviceName: 'asked', template } }),
  sample('v1', 'Service', 'services', { spec: { selector: labels, ports: [{ port: 443, name: 'tunnel' }] } }),
  sample('v1', 'ConfigMap', 'configmaps', { data: { a: '1' } }),
  sample('v1', 'Secret', 'secrets', { data: { a: 'dHdv' } }),
  sample('v1', 'ServiceAccount', 'serviceaccounts'),
  sample('networking.k8s.io/v1', 'NetworkPolicy', 'networkpolicies', { spec: { podSelector: {} } }),
  // of a class, so that no default class has a say
  sample('networking.k8s.io/v1', 'Ingress', 'ingresses', {
    spec: { ingressClassName: 'asked', defaultBackend: { service: { name: 'asked', port: { number: 443 } } } },
  }),
  sample('policy/v1', 'PodDisruptionBudget', 'poddisruptionbudgets', { spec: { minAvailable: 1, selector } }),
  sample('coordination.k8s.io/v1', 'Lease', 'leases', { spec: { holderIdentity: 'me', leaseDurationSeconds: 15 } }),
  sample(RBAC, 'Role', 'roles', { rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }] }),
  sample(RBAC, 'RoleBinding', 'rolebindings', {
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'asked' },
    subjects: [{ kind: 'ServiceAccount', name: 'asked', namespace: 'NS' }],
  }),
  globalSample(RBAC, 'ClusterRole', 'clusterroles', { rules: [{ apiGroups: ['apps'], resources: ['deployments'], verbs: ['get'] }] }),
  globalSample(RBAC, 'ClusterRoleBinding', 'clusterrolebindings', {
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' },
    subjects: [{ kind: 'ServiceAccount', name: 'asked', namespace: 'NS' }],
  }),
  globalSample(ADMISSION, 'MutatingWebhookConfiguration', 'mutatingwebhookconfigurations', {
    webhooks: [
      {
        name: 'asked.example.com',
        clientConfig: { service: { name: 'asked', namespace: 'NS' } },
        sideEffects: 'None',
        admissionReviewVersions: ['v1'],
        rules,
      },
    ],
  }),
  globalSample(ADMISSION, 'ValidatingAdmissionPolicy', 'validatingadmissionpolicies', {
    spec: { matchConstraints: { resourceRules: rules }, validations: [{ expression: 'true' }] },
  }),
  globalSample(ADMISSION, 'ValidatingAdmissionPolicyBinding', 'validatingadmissionpolicybindings', {
    spec: { policyName: 'asked', validationActions: ['Deny'] },
  }),
  globalSample('v1', 'Namespace', 'namespaces'),
  // last: they have a say in what comes after them
  sample('v1', 'LimitRange', 'limitranges', { spec: { limits: [{ type: 'Container', default: { cpu: '100m' } }] } }),
  sample('v1', 'ResourceQuota', 'resourcequotas', { spec: { hard: { pods: '100' } } }),
];

const LABEL = 'app=asked';
const INFORMER = { allowWatchBookmarks: 'true', resourceVersion: 'VERSION' };
const NOBODY = '00000000-0000-0000-0000-000000000000';
const BACKGROUND = { apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy: 'Background' };
const places = ({ plural, global, sample: { apiVersion } }: Sample): string[] => [
  resourcePath(apiVersion, plural),
  ...(global ? [] : [resourcePath(apiVersion, plural, 'NS')]),
];
const placeOf = (one: Sample): string => `${places(one).at(-1)}/${one.sample.metadata.name}`;
const applied = (one: Sample, query: Record<string, string>): Question => patch('apply', placeOf(one), one.sample, { query, pick: asWritten });
const watches = (path: string): Question[] => [
  watch(path, { query: INFORMER, pick: comingAndGoing }),
  watch(path, { query: { ...INFORMER, labelSelector: LABEL }, pick: comingAndGoing }),
];

const SECRETS = '/api/v1/namespaces/NS/secrets';
const NAMED = { fieldSelector: 'metadata.name=asked' };
const eviction = (name: string) => object('policy/v1', 'Eviction', name);
/** One that no budget protects, and one that is not there. */
const evicted: Question[] = [
  post('/api/v1/namespaces/NS/pods', object('v1', 'Pod', 'evicted', { spec: { containers: [container], nodeSelector: { 'example.com/none': 'x' } } }), {
    pick: ({ kind }) => kind,
  }),
  post('/api/v1/namespaces/NS/pods/evicted/eviction', eviction('evicted')),
  post('/api/v1/namespaces/NS/pods/nobody/eviction', eviction('nobody')),
  get('/api/v1/namespaces/NS/pods/evicted', { pick: ({ code, reason }) => ({ code, reason }) }),
];

const WIDGETS = 'asked.compliance.example.com';
const DEFINITION: KubeObject = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `widgets.${WIDGETS}` },
  spec: {
    group: WIDGETS,
    scope: 'Namespaced',
    names: { kind: 'Widget', plural: 'widgets' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    ],
  },
};
const widget = sample(`${WIDGETS}/v1`, 'Widget', 'widgets', { size: 1 });
const definition = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.${WIDGETS}`;
const defined = ({ kind, spec }: Record<string, unknown>): unknown => ({ kind, names: (spec as { names?: { plural?: string } } | undefined)?.names?.plural });

export const CALL_SCENES: Scene[] = [
  {
    name: 'what the project’s programs ask for',
    cleanup: [...SAMPLES.filter(({ global }) => global).map(placeOf), definition],
    questions: [
      get('/version', { pick: ({ major, minor }) => ({ major, minor }) }),
      get('/api/v1/nodes', { query: { limit: '500' }, pick: ({ kind }) => kind }),
      get('/apis/networking.k8s.io/v1/servicecidrs', { query: { limit: '500' }, pick: ({ kind }) => kind }),
      patch('apply', definition, DEFINITION, { query: { force: 'true' }, pick: defined }),
      get(definition, { pick: defined }),
      // from here on things are watched: a kind that was just defined knows nothing from before
      { ...get(`/apis/${WIDGETS}/v1/namespaces/NS/widgets`, { query: { limit: '500' }, pick: ({ kind }) => kind }), untilThere: true, remember: true },
      ...SAMPLES.flatMap((one) => [
        applied(one, { force: 'true', dryRun: 'All' }),
        applied(one, { force: 'true' }),
        applied(one, {}),
        get(placeOf(one), { pick: asWritten }),
        ...places(one).flatMap((path) => [
          get(path, { query: { limit: '500' }, pick: namesOfScene }),
          get(path, { query: { limit: '500', labelSelector: LABEL }, pick: namesOfScene }),
        ]),
      ]),
      get(`/apis/${WIDGETS}/v1`, { pick: ({ kind, resources }) => ({ kind, names: (resources as { name: string }[] | undefined)?.map(({ name }) => name) }) }),
      post(`/apis/${WIDGETS}/v1/namespaces/NS/widgets`, widget.sample, { query: { dryRun: 'All' }, pick: asWritten }),
      post(`/apis/${WIDGETS}/v1/namespaces/NS/widgets`, widget.sample, { pick: asWritten }),
      get(placeOf(widget), { pick: asWritten }),
      applied(widget, {}),
      applied(widget, { force: 'true' }),
      patch('merge', placeOf(widget), { size: 2 }, { pick: asWritten }),
      patch('merge', `${placeOf(widget)}/status`, { status: { phase: 'Asked' } }, { pick: ({ kind, size, status }) => ({ kind, size, status }) }),
      ...places(widget).flatMap((path) => [
        get(path, { query: { limit: '500' }, pick: namesOfScene }),
        get(path, { query: { limit: '500', labelSelector: LABEL }, pick: namesOfScene }),
      ]),
      // a Service without pods
      { ...get('/api/v1/namespaces/NS/services/https:asked:tunnel/proxy/tunnel'), upgrade: 'telepresence' },
      // a pod that is not there
      { ...get('/api/v1/namespaces/NS/pods/https:nobody:4711/proxy/tunnel'), upgrade: 'telepresence' },
      // another object of this name
      remove(placeOf(widget), { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid: NOBODY } }, { pick: ({ code, reason }) => ({ code, reason }) }),
      ...evicted,
      remove(placeOf(widget), { apiVersion: 'v1', kind: 'DeleteOptions' }, { pick: asWritten }),
      post(`/apis/${WIDGETS}/v1/namespaces/NS/widgets`, { ...widget.sample, metadata: { name: 'asked-too', labels } }, { pick: asWritten }),
      remove(`/apis/${WIDGETS}/v1/namespaces/NS/widgets?labelSelector=${encodeURIComponent(LABEL)}`, undefined, { pick: namesOfScene }),
      get(`/apis/${WIDGETS}/v1/namespaces/NS/widgets`, { query: { limit: '500' }, pick: namesOfScene }),
      ...[...SAMPLES].reverse().map((one) => remove(placeOf(one), BACKGROUND, { pick: asWritten })),
      ...[widget, ...SAMPLES].flatMap((one) => places(one).flatMap(watches)),
      get(SECRETS, { query: { limit: '500', ...NAMED }, pick: namesOfScene }),
      watch(SECRETS, { query: { ...INFORMER, ...NAMED }, pick: comingAndGoing }),
      watch('/api/v1/nodes', { query: INFORMER, pick: comingAndGoing }),
      remove(definition, BACKGROUND, { pick: ({ code, reason }) => ({ code, reason }) }),
    ],
  },
];
