/** Names of the objects that belong to one manager. Those outside of its namespace carry it, so that two managers can share a cluster. */
import { MANAGER_NAME } from '../protocol/resources.ts';

export interface Naming {
  namespace: string;
  /** ClusterRole and ClusterRoleBinding of the manager, and its Roles in other namespaces. */
  managerRole: string;
  webhookConfiguration: string;
  policy(what: string): string;
}

export function namingOf(namespace: string): Naming {
  return {
    namespace,
    managerRole: `${MANAGER_NAME}-${namespace}`,
    webhookConfiguration: `agent-injector-webhook-${namespace}`,
    policy: (what) => `telepresence-${what}-${namespace}`,
  };
}

/** On every object; the chart has the same. */
export const COMMON_LABELS = { 'app.kubernetes.io/name': MANAGER_NAME, 'app.kubernetes.io/part-of': 'telepresence' } as const;
/** What selects the manager's pods. Never changed: a Deployment's selector is immutable. */
export const SELECTOR = { app: MANAGER_NAME, telepresence: 'manager' } as const;
