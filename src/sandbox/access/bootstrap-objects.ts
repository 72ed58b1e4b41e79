/** The roles and bindings that every cluster is born with, as objects to create at start. */
import type { KubeObject } from '../../kube/index.ts';
import { BOOTSTRAP_RULES } from './bootstrap-rules.ts';
import { type PolicyRule, RBAC_GROUP, RBAC_VERSION } from './rbac-objects.ts';

const VERBS: Record<string, string> = { READ: 'get,list,watch', WRITE: 'create,delete,deletecollection,patch,update' };
const RULE = /^(?:(?<groups>[^/]*)\/ (?<resources>\S+)(?: \[(?<names>[^\]]+)\])?|(?<urls>\S+)) = (?<verbs>\S+)$/;

/** @throws {Error} for a line that is none; a test reads them all. */
export function parseRule(line: string): PolicyRule {
  const groups = RULE.exec(line)?.groups;
  if (groups === undefined) throw new Error(`no rule: ${line}`);
  const verbs = (VERBS[groups['verbs'] ?? ''] ?? groups['verbs'] ?? '').split(',');
  if (groups['urls'] !== undefined) return { nonResourceURLs: groups['urls'].split(','), verbs };
  const resources = (groups['resources'] ?? '').split(',');
  const apiGroups = (groups['groups'] ?? '').trim().split('|');
  const names = groups['names'];
  return { apiGroups, ...(names === undefined ? {} : { resourceNames: names.split(',') }), resources, verbs };
}

const BORN = {
  labels: { 'kubernetes.io/bootstrapping': 'rbac-defaults' },
  annotations: { 'rbac.authorization.kubernetes.io/autoupdate': 'true' },
};
const aggregateTo = (role: string) => ({ [`rbac.authorization.k8s.io/aggregate-to-${role}`]: 'true' });

function clusterRole(name: string, labels: Record<string, string>, rest: Record<string, unknown>): KubeObject {
  return { apiVersion: RBAC_VERSION, kind: 'ClusterRole', metadata: { name, labels: { ...BORN.labels, ...labels }, annotations: BORN.annotations }, ...rest };
}
function aggregated(name: string, labels: Record<string, string>): KubeObject {
  return clusterRole(name, labels, { aggregationRule: { clusterRoleSelectors: [{ matchLabels: aggregateTo(name) }] }, rules: [] });
}

const subject = (kind: 'User' | 'Group', name: string) => ({ apiGroup: RBAC_GROUP, kind, name });
const BOUND: [role: string, subjects: Record<string, string>[]][] = [
  ['cluster-admin', [subject('Group', 'system:masters')]],
  ['system:basic-user', [subject('Group', 'system:authenticated')]],
  ['system:discovery', [subject('Group', 'system:authenticated')]],
  ['system:public-info-viewer', [subject('Group', 'system:authenticated'), subject('Group', 'system:unauthenticated')]],
  ['system:service-account-issuer-discovery', [subject('Group', 'system:serviceaccounts')]],
  ['system:monitoring', [subject('Group', 'system:monitoring')]],
  ['system:kube-controller-manager', [subject('User', 'system:kube-controller-manager')]],
  ['system:kube-scheduler', [subject('User', 'system:kube-scheduler')]],
  ['system:volume-scheduler', [subject('User', 'system:kube-scheduler')]],
  ['system:node-proxier', [subject('User', 'system:kube-proxy')]],
  ['system:kube-dns', [{ kind: 'ServiceAccount', name: 'kube-dns', namespace: 'kube-system' }]],
  // In Kubernetes a node may only reach what its own pods use, by an authorizer of its own; the sandbox has one node, and trusts it.
  ['system:node', [subject('Group', 'system:nodes')]],
];

function binding(name: string, subjects: Record<string, string>[]): KubeObject {
  const roleRef = { apiGroup: RBAC_GROUP, kind: 'ClusterRole', name };
  return { apiVersion: RBAC_VERSION, kind: 'ClusterRoleBinding', metadata: { name, ...BORN }, roleRef, subjects };
}

const CONTROLLER = 'system:controller:';

export function bootstrapRbacObjects(): KubeObject[] {
  const roles = Object.entries(BOOTSTRAP_RULES).map(([name, lines]) => {
    const target = /^system:aggregate-to-(.*)$/.exec(name)?.[1];
    return clusterRole(name, target === undefined ? {} : aggregateTo(target), { rules: lines.map(parseRule) });
  });
  const controllers = Object.keys(BOOTSTRAP_RULES)
    .filter((name) => name.startsWith(CONTROLLER))
    .map((name) => binding(name, [{ kind: 'ServiceAccount', name: name.slice(CONTROLLER.length), namespace: 'kube-system' }]));
  return [
    ...roles,
    aggregated('admin', {}),
    aggregated('edit', aggregateTo('admin')),
    aggregated('view', aggregateTo('edit')),
    ...BOUND.map(([name, subjects]) => binding(name, subjects)),
    ...controllers,
  ];
}
