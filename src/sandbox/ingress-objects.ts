/** The ingress controller as the objects of a cluster: what `up --ingress` makes, and whoever wants none of it any more deletes. */
import { NODE_FLAGS } from '../base/node-flags.ts';
import { VERSION } from '../base/version.ts';
import type { KubeObject } from '../kube/index.ts';

/** Where it is: `sandbox-ingress.ingress`, ports 80 and 443. */
export const INGRESS_SERVICE = { namespace: 'ingress', name: 'sandbox-ingress' } as const;
/** The class by which an Ingress may name it. */
const INGRESS_CLASS = 'sandbox';
/** What its programs take for theirs: src/ingress/ownership.ts. */
const CONTROLLER = 'telepresence.io/sandbox-ingress';
/** The image that `npm run image` makes. */
const IMAGE = `telepresence.local/telepresence:${VERSION}`;
/** Within its pod; not 80 and 443, which would need a right. */
const PORTS = { http: 8080, https: 8443 } as const;
/** Longer than it drains. */
const GRACE_SECONDS = 10;

export function ingressObjects(): KubeObject[] {
  const { namespace, name } = INGRESS_SERVICE;
  const labels = { 'app.kubernetes.io/name': name };
  const rbac = { apiVersion: 'rbac.authorization.k8s.io/v1' };
  return [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace } },
    {
      ...rbac,
      kind: 'ClusterRole',
      metadata: { name },
      rules: [
        // Secrets of all namespaces, since Ingresses name certificates in theirs
        { apiGroups: [''], resources: ['services', 'secrets'], verbs: ['list', 'watch'] },
        { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['list', 'watch'] },
        { apiGroups: ['networking.k8s.io'], resources: ['ingresses', 'ingressclasses'], verbs: ['list', 'watch'] },
        { apiGroups: ['networking.k8s.io'], resources: ['ingresses/status'], verbs: ['patch'] },
      ],
    },
    {
      ...rbac,
      kind: 'ClusterRoleBinding',
      metadata: { name },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
      subjects: [{ kind: 'ServiceAccount', name, namespace }],
    },
    { apiVersion: 'networking.k8s.io/v1', kind: 'IngressClass', metadata: { name: INGRESS_CLASS }, spec: { controller: CONTROLLER } },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, namespace, labels },
      spec: {
        selector: labels,
        ports: [
          { name: 'http', port: 80, targetPort: 'http', protocol: 'TCP' },
          { name: 'https', port: 443, targetPort: 'https', protocol: 'TCP' },
        ],
      },
    },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name, namespace, labels },
      spec: { replicas: 1, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: podSpec() } },
    },
  ];
}

function podSpec(): Record<string, unknown> {
  const { namespace, name } = INGRESS_SERVICE;
  const container = {
    name,
    image: IMAGE,
    imagePullPolicy: 'IfNotPresent',
    command: ['/app/node', ...NODE_FLAGS, '/app/ingress.mjs'],
    env: [
      { name: 'INGRESS_SERVICE', value: `${namespace}/${name}` },
      { name: 'INGRESS_HTTP_PORT', value: String(PORTS.http) },
      { name: 'INGRESS_HTTPS_PORT', value: String(PORTS.https) },
    ],
    ports: [
      { name: 'http', containerPort: PORTS.http, protocol: 'TCP' },
      { name: 'https', containerPort: PORTS.https, protocol: 'TCP' },
    ],
    // it listens when it has read all
    readinessProbe: { tcpSocket: { port: 'https' }, periodSeconds: 1 },
    securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
  };
  return {
    serviceAccountName: name,
    terminationGracePeriodSeconds: GRACE_SECONDS,
    securityContext: { runAsNonRoot: true, runAsUser: 1000, runAsGroup: 1000, seccompProfile: { type: 'RuntimeDefault' } },
    containers: [container],
  };
}
