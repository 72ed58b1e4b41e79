/** The objects of rbac.authorization.k8s.io/v1, as far as decisions need them. */

export const RBAC_GROUP = 'rbac.authorization.k8s.io';
export const RBAC_VERSION = `${RBAC_GROUP}/v1`;

export interface PolicyRule {
  verbs: string[];
  apiGroups?: string[];
  resources?: string[];
  resourceNames?: string[];
  nonResourceURLs?: string[];
}
export interface LabelSelector {
  matchLabels?: Record<string, string>;
  matchExpressions?: { key: string; operator: string; values?: string[] }[];
}
interface Meta {
  name: string;
  namespace?: string;
  labels?: Record<string, string>;
}
export interface Role {
  metadata: Meta;
  rules?: PolicyRule[] | null;
  aggregationRule?: { clusterRoleSelectors?: LabelSelector[] };
}
export interface Subject {
  kind: string;
  name: string;
  namespace?: string;
}
export interface Binding {
  metadata: Meta;
  subjects?: Subject[] | null;
  roleRef: { apiGroup?: string; kind: string; name: string };
}
