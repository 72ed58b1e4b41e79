/** Who may do what: reviews, and the discovery of kinds. */
import { get, object, post, type Scene } from '../question.ts';

/** Which of several rules allowed it is not compared. */
const decision = ({ status, code, reason }: Record<string, unknown>): unknown => ({
  allowed: (status as { allowed?: boolean } | undefined)?.allowed,
  code,
  reason,
});
const review = (spec: Record<string, unknown>) =>
  post('/apis/authorization.k8s.io/v1/subjectaccessreviews', { apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview', spec }, { pick: decision });
const pods = { namespace: 'NS', verb: 'get', resource: 'pods' };

/** The entries of kinds that the sandbox serves as well. */
const kindsOf =
  (...plurals: string[]) =>
  (answer: Record<string, unknown>): unknown => {
    const entries = (answer['resources'] as { name: string; storageVersionHash?: string }[]).filter(
      ({ name }) => name !== 'pods/resize' && plurals.includes(name.split('/')[0] ?? ''),
    );
    return entries.map(({ storageVersionHash: _hash, ...rest }) => rest).sort((a, b) => (a.name < b.name ? -1 : 1));
  };

export const RIGHTS_SCENES: Scene[] = [
  {
    name: 'reviews',
    questions: [
      review({ user: 'jane', resourceAttributes: pods }),
      review({ user: 'jane', groups: ['system:masters'], resourceAttributes: pods }),
      review({ user: 'system:kube-controller-manager', resourceAttributes: pods }),
      review({ user: 'jane', nonResourceAttributes: { path: '/metrics', verb: 'get' } }),
      review({ user: 'jane', groups: ['system:authenticated'], nonResourceAttributes: { path: '/version', verb: 'get' } }),
      review({}),
      review({ user: 'jane' }),
      post(
        '/apis/rbac.authorization.k8s.io/v1/namespaces/NS/roles',
        object('rbac.authorization.k8s.io/v1', 'Role', 'look', { rules: [{ apiGroups: [''], resources: ['pods', 'pods/log'], verbs: ['get', 'list'] }] }),
      ),
      post(
        '/apis/rbac.authorization.k8s.io/v1/namespaces/NS/rolebindings',
        object('rbac.authorization.k8s.io/v1', 'RoleBinding', 'look', {
          roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'look' },
          subjects: [{ kind: 'User', name: 'jane', apiGroup: 'rbac.authorization.k8s.io' }],
        }),
      ),
      post(
        '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
        {
          apiVersion: 'authorization.k8s.io/v1',
          kind: 'SelfSubjectAccessReview',
          spec: { resourceAttributes: pods },
        },
        { pick: decision },
      ),
      post(
        '/apis/authentication.k8s.io/v1/selfsubjectreviews',
        { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' },
        // whose kubeconfig it is
        { pick: ({ kind, status }) => ({ kind, known: (status as { userInfo: { username: string } }).userInfo.username !== '' }) },
      ),
      post(
        '/apis/authentication.k8s.io/v1/tokenreviews',
        { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token: 'nonsense' } },
        { pick: ({ kind, status }) => ({ kind, authenticated: (status as { authenticated?: boolean }).authenticated === true }) },
      ),
      post('/api/v1/namespaces/NS/serviceaccounts/nobody/token', { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} }),
      post(
        '/api/v1/namespaces/NS/serviceaccounts/default/token',
        { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { audiences: ['x'], expirationSeconds: 600 } },
        { pick: ({ kind, spec }) => ({ kind, spec }) },
      ),
      post('/api/v1/namespaces/NS/serviceaccounts/default/token', {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        spec: { audiences: ['x'], expirationSeconds: 5 },
      }),
      // as kubectl before 1.33 asks
      post(
        '/api/v1/namespaces/NS/serviceaccounts/default/token',
        { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { audiences: null, expirationSeconds: null, boundObjectRef: null } },
        { pick: ({ kind, spec }) => ({ kind, expirationSeconds: (spec as { expirationSeconds?: number } | undefined)?.expirationSeconds }) },
      ),
    ],
  },
  {
    name: 'discovery',
    questions: [
      get('/api/v1', {
        pick: kindsOf('configmaps', 'endpoints', 'events', 'limitranges', 'namespaces', 'nodes', 'pods', 'secrets', 'serviceaccounts', 'services'),
      }),
      get('/apis/apps/v1', { pick: kindsOf('controllerrevisions', 'daemonsets', 'deployments', 'replicasets', 'statefulsets') }),
      get('/apis/batch/v1', { pick: kindsOf('jobs', 'cronjobs') }),
      get('/apis/networking.k8s.io/v1', { pick: kindsOf('ingresses', 'ingressclasses', 'networkpolicies', 'servicecidrs', 'ipaddresses') }),
      get('/apis/rbac.authorization.k8s.io/v1', { pick: kindsOf('roles', 'rolebindings', 'clusterroles', 'clusterrolebindings') }),
      get('/apis/coordination.k8s.io/v1', { pick: kindsOf('leases') }),
      get('/apis/discovery.k8s.io/v1', { pick: kindsOf('endpointslices') }),
      get('/apis/policy/v1', { pick: kindsOf('poddisruptionbudgets') }),
      get('/apis/apiextensions.k8s.io/v1', { pick: kindsOf('customresourcedefinitions') }),
      get('/apis/admissionregistration.k8s.io/v1', {
        pick: kindsOf('mutatingwebhookconfigurations', 'validatingwebhookconfigurations', 'validatingadmissionpolicies', 'validatingadmissionpolicybindings'),
      }),
      get('/apis/authorization.k8s.io/v1', {
        pick: kindsOf('selfsubjectaccessreviews', 'subjectaccessreviews', 'localsubjectaccessreviews', 'selfsubjectrulesreviews'),
      }),
      get('/apis/apps', { pick: ({ kind, name, preferredVersion }) => ({ kind, name, preferredVersion }) }),
      get('/apis/nowhere.example.com'),
      get('/apis/apps/v7'),
    ],
  },
];
