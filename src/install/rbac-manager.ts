/** The manager's service account and its rights: each rule says what it is for. */
import { CLOUD_SECRET } from '../protocol/cloud.ts';
import { CA_SECRET, GROUP, LEASE_NAME, MANAGER_NAME } from '../protocol/resources.ts';
import type { KubeObject } from './kube-object.ts';
import { COMMON_LABELS, type Naming } from './naming.ts';
import type { Values } from './values.ts';

export interface Rule {
  apiGroups: string[];
  resources: string[];
  verbs: string[];
  resourceNames?: string[];
}
const READ = ['get', 'list', 'watch'];

/** Rights in the namespaces that are served. */
function workloadRules(): Rule[] {
  return [
    // list: find workloads; patch: annotate a pod template, which rolls the pods as `kubectl rollout restart` does.
    { apiGroups: ['apps'], resources: ['deployments', 'replicasets', 'statefulsets'], verbs: [...READ, 'patch'] },
    // Pods of a workload and whether they have an agent; pod addresses; likely causes of a time-out.
    { apiGroups: [''], resources: ['pods'], verbs: READ },
    // Bare ReplicaSets, OnDelete and partitioned StatefulSets get new pods by eviction, which respects budgets.
    { apiGroups: [''], resources: ['pods/eviction'], verbs: ['create'] },
    // Which budget keeps a pod from being evicted.
    { apiGroups: ['policy'], resources: ['poddisruptionbudgets'], verbs: ['get', 'list'] },
    // Ports of Services; patch: a numeric targetPort becomes a name where NET_ADMIN is refused.
    { apiGroups: [''], resources: ['services'], verbs: [...READ, 'patch'] },
    // Headless names, and when a changed targetPort has arrived.
    { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: READ },
    // list: why a pod does not start; create: tell the owner of a workload what is done to it.
    { apiGroups: [''], resources: ['events'], verbs: [...READ, 'create', 'patch'] },
    // Whether a policy would cut the agent off.
    { apiGroups: ['networking.k8s.io'], resources: ['networkpolicies'], verbs: READ },
    // Whether a LimitRange or a ResourceQuota would refuse the agent's container.
    { apiGroups: [''], resources: ['limitranges', 'resourcequotas'], verbs: READ },
    // Claims; delete: those whose session is gone.
    { apiGroups: [GROUP], resources: ['intercepts'], verbs: [...READ, 'update', 'patch', 'delete'] },
    // The leader's decisions.
    { apiGroups: [GROUP], resources: ['intercepts/status'], verbs: ['get', 'update', 'patch'] },
  ];
}

/** Rights on what is in no namespace. */
function clusterRules(naming: Naming, values: Values): Rule[] {
  return [
    // Names of namespaces for DNS, and their pod security level.
    { apiGroups: [''], resources: ['namespaces'], verbs: READ },
    // Pod subnets; node addresses, whose traffic is never captured.
    { apiGroups: [''], resources: ['nodes'], verbs: READ },
    // Service subnets.
    { apiGroups: ['networking.k8s.io'], resources: ['servicecidrs'], verbs: READ },
    // Proof of who an agent is.
    { apiGroups: ['authentication.k8s.io'], resources: ['tokenreviews'], verbs: ['create'] },
    // Whether a user may read what an intercept shows.
    { apiGroups: ['authorization.k8s.io'], resources: ['subjectaccessreviews'], verbs: ['create'] },
    ...(values.agentInjector.enabled
      ? // The CA under which the API server trusts the injector.
        [
          {
            apiGroups: ['admissionregistration.k8s.io'],
            resources: ['mutatingwebhookconfigurations'],
            resourceNames: [naming.webhookConfiguration],
            verbs: [...READ, 'patch', 'update'],
          },
        ]
      : []),
  ];
}

/** Rights in the manager's own namespace. */
function ownRules(): Rule[] {
  return [
    // Sessions; delete: those lost for longer than they are kept.
    { apiGroups: [GROUP], resources: ['sessions'], verbs: [...READ, 'update', 'patch', 'delete'] },
    { apiGroups: [GROUP], resources: ['sessions/status'], verbs: ['get', 'update', 'patch'] },
    // One replica leads. A create has no name that a rule could hold it to.
    { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['create'] },
    { apiGroups: ['coordination.k8s.io'], resources: ['leases'], resourceNames: [LEASE_NAME], verbs: [...READ, 'update', 'patch'] },
    // The manager's CA, made by whichever replica comes first.
    { apiGroups: [''], resources: ['secrets'], verbs: ['create'] },
    { apiGroups: [''], resources: ['secrets'], resourceNames: [CA_SECRET], verbs: [...READ, 'update', 'patch'] },
    // Its token for the cloud, which the first user who is logged in brings.
    { apiGroups: [''], resources: ['secrets'], resourceNames: [CLOUD_SECRET], verbs: [...READ, 'update', 'patch'] },
    // Its settings.
    { apiGroups: [''], resources: ['configmaps'], resourceNames: [MANAGER_NAME], verbs: READ },
    // A dry run of a Service with an impossible address: the refusal names the subnet where there are no ServiceCIDR objects.
    { apiGroups: [''], resources: ['services'], verbs: ['create'] },
    // Its own replicas and Services: peers, and addresses that outbound never dials.
    { apiGroups: [''], resources: ['pods', 'services'], verbs: READ },
    { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: READ },
  ];
}

export const RBAC = 'rbac.authorization.k8s.io';
const labels = COMMON_LABELS;

export function role(name: string, namespace: string | undefined, rules: Rule[]): KubeObject {
  return {
    apiVersion: `${RBAC}/v1`,
    kind: namespace === undefined ? 'ClusterRole' : 'Role',
    metadata: { name, ...(namespace === undefined ? {} : { namespace }), labels: { ...labels } },
    rules,
  };
}

export function binding(name: string, namespace: string | undefined, roleKind: 'ClusterRole' | 'Role', roleName: string, subjects: unknown[]): KubeObject {
  return {
    apiVersion: `${RBAC}/v1`,
    kind: namespace === undefined ? 'ClusterRoleBinding' : 'RoleBinding',
    metadata: { name, ...(namespace === undefined ? {} : { namespace }), labels: { ...labels } },
    roleRef: { apiGroup: RBAC, kind: roleKind, name: roleName },
    subjects,
  };
}

/** The service account and, unless somebody else grants them, its rights; in single namespaces where `namespaces` names them. */
export function managerAccess(naming: Naming, values: Values): KubeObject[] {
  const { namespace, managerRole } = naming;
  const account: KubeObject = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: MANAGER_NAME, namespace, labels: { ...labels } } };
  if (!values.managerRbac.create) return [account];
  const subjects = [{ kind: 'ServiceAccount', name: MANAGER_NAME, namespace }];
  const everywhere = values.namespaces.length === 0;
  const cluster = role(managerRole, undefined, [...clusterRules(naming, values), ...(everywhere ? workloadRules() : [])]);
  return [
    account,
    cluster,
    binding(managerRole, undefined, 'ClusterRole', managerRole, subjects),
    role(MANAGER_NAME, namespace, ownRules()),
    binding(MANAGER_NAME, namespace, 'Role', MANAGER_NAME, subjects),
    ...values.namespaces.flatMap((served) => [role(managerRole, served, workloadRules()), binding(managerRole, served, 'Role', managerRole, subjects)]),
  ];
}
