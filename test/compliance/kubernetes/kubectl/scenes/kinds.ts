/** Each kind made, shown in every way, changed and deleted, as one types it for any kind. */
import type { KubectlScene, Line } from '../scene.ts';
import { until } from '../scene.ts';
import { container, labels, NOWHERE, object, selector, template } from './objects.ts';

interface Kind {
  /** As one types it. */
  resource: string;
  sample: Record<string, unknown>;
  /** Of the cluster, not of the namespace. */
  global?: true;
  /** What shows that controllers have done their part. */
  settled?: Line;
}

const kind = (resource: string, apiVersion: string, name: string, rest: Record<string, unknown> = {}, more: Partial<Kind> = {}): Kind => ({
  resource,
  sample: object(apiVersion, name, more.global === true ? 'one-NS' : 'one', { ...rest }),
  ...more,
});

const RBAC = 'rbac.authorization.k8s.io/v1';
const ADMISSION = 'admissionregistration.k8s.io/v1';
const roleRef = (name: string, of = 'Role') => ({ roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: of, name } });
const subjects = [
  { kind: 'ServiceAccount', name: 'robot', namespace: 'NS' },
  { kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'ada' },
  { kind: 'Group', apiGroup: 'rbac.authorization.k8s.io', name: 'team' },
];
const rules = [{ apiGroups: ['nowhere.example.com'], apiVersions: ['v1'], operations: ['CREATE'], resources: ['nothings'] }];
const webhook = {
  name: 'asked.example.com',
  clientConfig: { service: { name: 'asked', namespace: 'NS' } },
  sideEffects: 'None',
  admissionReviewVersions: ['v1'],
  rules,
};
const workload = { replicas: 0, selector, template };

const KINDS: Kind[] = [
  kind(
    'pods',
    'v1',
    'Pod',
    { spec: { ...NOWHERE, containers: [container] } },
    { settled: until(/FailedScheduling/, 'kubectl events --for pod/one | tail -1') },
  ),
  kind('deployments', 'apps/v1', 'Deployment', { spec: workload }, { settled: 'kubectl rollout status deployment/one | tail -1' }),
  kind('replicasets', 'apps/v1', 'ReplicaSet', { spec: workload }, { settled: 'kubectl wait --for=jsonpath={.status.observedGeneration}=1 rs/one' }),
  kind('statefulsets', 'apps/v1', 'StatefulSet', { spec: { ...workload, serviceName: 'one' } }, { settled: 'kubectl rollout status sts/one | tail -1' }),
  kind('daemonsets', 'apps/v1', 'DaemonSet', { spec: { selector, template } }, { settled: 'kubectl rollout status ds/one | tail -1' }),
  kind(
    'jobs',
    'batch/v1',
    'Job',
    { spec: { suspend: true, template: { metadata: { labels }, spec: { restartPolicy: 'Never', containers: [container] } } } },
    {
      settled: 'kubectl wait --for=condition=Suspended job/one',
    },
  ),
  kind('cronjobs', 'batch/v1', 'CronJob', {
    spec: { schedule: '0 0 1 1 *', suspend: true, jobTemplate: { spec: { template: { spec: { restartPolicy: 'OnFailure', containers: [container] } } } } },
  }),
  kind('services', 'v1', 'Service', {
    spec: {
      selector: labels,
      ports: [
        { name: 'http', port: 80, targetPort: 'http' },
        { name: 'dns', port: 53, protocol: 'UDP' },
      ],
    },
  }),
  kind('endpointslices', 'discovery.k8s.io/v1', 'EndpointSlice', {
    addressType: 'IPv4',
    endpoints: [{ addresses: ['192.0.2.1'], conditions: { ready: true } }],
    ports: [{ name: 'http', port: 80, protocol: 'TCP' }],
  }),
  kind('configmaps', 'v1', 'ConfigMap', { data: { 'b.txt': 'first\nsecond\n' }, binaryData: { c: 'AAEC' } }),
  kind('secrets', 'v1', 'Secret', { type: 'Opaque', data: { a: 'dHdv' } }),
  kind('serviceaccounts', 'v1', 'ServiceAccount', { imagePullSecrets: [{ name: 'pull' }] }),
  kind('limitranges', 'v1', 'LimitRange', { spec: { limits: [{ type: 'Container', default: { cpu: '100m' }, max: { memory: '1Gi' } }] } }),
  kind(
    'resourcequotas',
    'v1',
    'ResourceQuota',
    { spec: { hard: { pods: '10', 'count/jobs.batch': '5' } } },
    {
      settled: until(/jobs/, 'kubectl get quota one -o jsonpath={.status.used}'),
    },
  ),
  kind('networkpolicies', 'networking.k8s.io/v1', 'NetworkPolicy', {
    spec: { podSelector: selector, policyTypes: ['Ingress'], ingress: [{ from: [{ namespaceSelector: {} }], ports: [{ port: 80 }] }] },
  }),
  kind('ingresses', 'networking.k8s.io/v1', 'Ingress', {
    spec: {
      ingressClassName: 'nobody',
      tls: [{ hosts: ['a.example.com'], secretName: 'tls' }],
      rules: [{ host: 'a.example.com', http: { paths: [{ path: '/', pathType: 'Prefix', backend: { service: { name: 'one', port: { number: 80 } } } }] } }],
    },
  }),
  kind(
    'poddisruptionbudgets',
    'policy/v1',
    'PodDisruptionBudget',
    { spec: { minAvailable: 1, selector } },
    {
      settled: 'kubectl wait --for=jsonpath={.status.observedGeneration}=1 pdb/one',
    },
  ),
  kind('leases', 'coordination.k8s.io/v1', 'Lease', { spec: { holderIdentity: 'me', leaseDurationSeconds: 15 } }),
  kind('roles', RBAC, 'Role', { rules: [{ apiGroups: ['', 'apps'], resources: ['pods', 'deployments'], resourceNames: ['x'], verbs: ['get', 'list'] }] }),
  kind('rolebindings', RBAC, 'RoleBinding', { ...roleRef('one'), subjects }),
  kind('clusterroles', RBAC, 'ClusterRole', { rules: [{ nonResourceURLs: ['/healthz'], verbs: ['get'] }] }, { global: true }),
  kind('clusterrolebindings', RBAC, 'ClusterRoleBinding', { ...roleRef('view', 'ClusterRole'), subjects }, { global: true }),
  kind('mutatingwebhookconfigurations', ADMISSION, 'MutatingWebhookConfiguration', { webhooks: [webhook] }, { global: true }),
  kind('validatingwebhookconfigurations', ADMISSION, 'ValidatingWebhookConfiguration', { webhooks: [webhook] }, { global: true }),
  kind(
    'validatingadmissionpolicies',
    ADMISSION,
    'ValidatingAdmissionPolicy',
    {
      spec: { failurePolicy: 'Fail', matchConstraints: { resourceRules: rules }, validations: [{ expression: 'true' }] },
    },
    { global: true, settled: 'kubectl wait --for=jsonpath={.status.observedGeneration}=1 validatingadmissionpolicy/one-NS' },
  ),
  kind(
    'validatingadmissionpolicybindings',
    ADMISSION,
    'ValidatingAdmissionPolicyBinding',
    {
      spec: { policyName: 'asked', validationActions: ['Deny'] },
    },
    { global: true },
  ),
  kind('priorityclasses', 'scheduling.k8s.io/v1', 'PriorityClass', { value: 100, description: 'for tests' }, { global: true }),
  kind('storageclasses', 'storage.k8s.io/v1', 'StorageClass', { provisioner: 'nowhere.example.com/none' }, { global: true }),
  kind('ingressclasses', 'networking.k8s.io/v1', 'IngressClass', { spec: { controller: 'nowhere.example.com/none' } }, { global: true }),
];

function sceneOf({ resource, sample, global, settled }: Kind): KubectlScene {
  const name = global === true ? 'one-NS' : 'one';
  const it = `${resource} ${name}`;
  return {
    name: `kubectl and ${resource}`,
    files: { 'one.json': sample },
    cleanup: global === true ? [it] : [],
    lines: [
      'kubectl create -f one.json',
      ...(settled === undefined ? [] : [settled]),
      `kubectl get ${it} -o wide --show-labels`,
      `kubectl get ${it} -o yaml`,
      `kubectl describe ${it}`,
      `kubectl patch ${it} --type=json -p '[{"op":"replace","path":"/metadata/labels/tier","value":"back"}]'`,
      'kubectl apply -f one.json',
      'kubectl apply --server-side -f one.json',
      // what follows a pod's is its spec as Go writes it
      `kubectl replace -f one.json${resource === 'pods' ? ' 2>&1 | head -1' : ''}`,
      `kubectl delete ${it}`,
    ],
  };
}

export const KIND_SCENES: KubectlScene[] = KINDS.map(sceneOf);
