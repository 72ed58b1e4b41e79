/**
 * The rights of people who use telepresence: the ClusterRole `telepresence-user` where their workloads are, and the Role of the same
 * name in the manager's namespace, which holds the one right the tunnel needs.
 */
import { GROUP, MANAGER_NAME, TUNNEL_PORT_NAME, TUNNEL_SERVICE, USER_ROLE } from '../protocol/resources.ts';
import type { KubeObject } from './kube-object.ts';
import type { Naming } from './naming.ts';
import { binding, RBAC, type Rule, role } from './rbac-manager.ts';
import type { Values } from './values.ts';

const READ = ['get', 'list', 'watch'];
/** The tunnel's name in the API server's service proxy: `scheme:service:port`. */
const TUNNEL_PROXY_NAME = `https:${TUNNEL_SERVICE}:${TUNNEL_PORT_NAME}`;

function interceptRules(): Rule[] {
  return [
    // One's own intercepts: whose they are is held by the admission policies.
    { apiGroups: [GROUP], resources: ['intercepts'], verbs: [...READ, 'create', 'patch', 'delete'] },
    // `list`, and finding the workload and port that an intercept means.
    { apiGroups: ['apps'], resources: ['deployments', 'replicasets', 'statefulsets'], verbs: READ },
    { apiGroups: [''], resources: ['services', 'pods'], verbs: READ },
    // Defaults of the ingress dialog.
    { apiGroups: ['networking.k8s.io'], resources: ['ingresses'], verbs: ['get', 'list'] },
    // `list-namespaces`, and names with a namespace in them.
    { apiGroups: [''], resources: ['namespaces'], verbs: READ },
  ];
}

function connectRules(values: Values): Rule[] {
  return [
    // The tunnel, and nothing else that any Service serves.
    { apiGroups: [''], resources: ['services/proxy'], resourceNames: [TUNNEL_PROXY_NAME], verbs: ['get'] },
    // One's own session.
    { apiGroups: [GROUP], resources: ['sessions'], verbs: [...READ, 'create', 'patch', 'delete'] },
    // Whether the manager is there and of which version.
    { apiGroups: ['apps'], resources: ['deployments'], resourceNames: [MANAGER_NAME], verbs: ['get'] },
    { apiGroups: [''], resources: ['services'], resourceNames: [TUNNEL_SERVICE], verbs: ['get'] },
    ...(values.clientRbac.portForward
      ? [
          // The tunnel's fall-back where the API server does not reach pods.
          { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list'] },
          { apiGroups: [''], resources: ['pods/portforward'], verbs: ['create'] },
        ]
      : []),
  ];
}

function subjectObject(subject: Values['clientRbac']['subjects'][number]): Record<string, string> {
  const apiGroup = subject.apiGroup ?? (subject.kind === 'ServiceAccount' ? '' : RBAC);
  return {
    kind: subject.kind,
    name: subject.name,
    ...(subject.namespace === undefined ? {} : { namespace: subject.namespace }),
    ...(apiGroup === '' ? {} : { apiGroup }),
  };
}

/** Both roles, and bindings for the subjects that the values name. */
export function userAccess(naming: Naming, values: Values): KubeObject[] {
  const { create, namespaces, subjects } = values.clientRbac;
  if (!create) return [];
  const roles = [role(USER_ROLE, undefined, interceptRules()), role(USER_ROLE, naming.namespace, connectRules(values))];
  if (subjects.length === 0) return roles;
  const who = subjects.map(subjectObject);
  const places = namespaces.length > 0 ? namespaces : [undefined];
  return [
    ...roles,
    binding(`${USER_ROLE}-connect`, naming.namespace, 'Role', USER_ROLE, who),
    ...places.map((place) => binding(USER_ROLE, place, 'ClusterRole', USER_ROLE, who)),
  ];
}
