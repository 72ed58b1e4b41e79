/** The roles and bindings of the cluster, kept true by watches, so that a decision needs no question. */
import type { Log } from '../../base/log.ts';
import type { Informer } from '../../kube/index.ts';
import { resourcePath } from '../../kube/paths.ts';
import type { ClusterClient, UserInfo } from '../contract.ts';
import { type Binding, type PolicyRule, RBAC_VERSION, type Role } from './rbac-objects.ts';
import { subjectMatches } from './rules.ts';

export interface Grant {
  /** `ClusterRoleBinding "x" of ClusterRole "y" to User "z"`. */
  because: string;
  rules: PolicyRule[];
}

/** What a decision asks. */
export interface RoleLookup {
  /** What the user's bindings give, cluster-wide ones first, and which roles they name that are not there. */
  grants(user: UserInfo, namespace: string | undefined): { grants: Grant[]; missing: string[] };
  rulesOf(roleRef: Binding['roleRef'], namespace: string | undefined): PolicyRule[] | undefined;
}

export interface RbacStore extends RoleLookup {
  readonly ready: Promise<void>;
  clusterRoles(): Role[];
  onClusterRoleChange(listener: () => void): void;
  close(): void;
}

export function createRbacStore(client: ClusterClient, log: Log): RbacStore {
  const listeners: (() => void)[] = [];
  const watch = <T>(plural: string, onChange?: () => void): Informer<T> =>
    client.createInformer<T>(resourcePath(RBAC_VERSION, plural), { log, ...(onChange === undefined ? {} : { onChange }) });
  const roles = watch<Role>('roles');
  const clusterRoles = watch<Role>('clusterroles', () => {
    for (const listener of listeners) listener();
  });
  const bindingsOf = new Map<string, Map<string, Binding>>();
  const bindings = client.createInformer<Binding>(resourcePath(RBAC_VERSION, 'rolebindings'), {
    log,
    onChange(kind, binding) {
      const { namespace = '', name } = binding.metadata;
      const inNamespace = bindingsOf.get(namespace) ?? new Map<string, Binding>();
      bindingsOf.set(namespace, inNamespace);
      if (kind === 'deleted') inNamespace.delete(name);
      else inNamespace.set(name, binding);
      if (inNamespace.size === 0) bindingsOf.delete(namespace);
    },
  });
  const clusterBindings = watch<Binding>('clusterrolebindings');
  const informers = [roles, clusterRoles, bindings, clusterBindings];

  function rulesOf(roleRef: Binding['roleRef'], namespace: string | undefined): PolicyRule[] | undefined {
    const role = roleRef.kind === 'Role' ? roles.get(namespace ?? '', roleRef.name) : clusterRoles.get('', roleRef.name);
    return role === undefined ? undefined : (role.rules ?? []);
  }

  return {
    ready: Promise.all(informers.map((informer) => informer.ready)).then(() => {}),
    rulesOf,
    clusterRoles: () => clusterRoles.list(),
    onClusterRoleChange: (listener) => listeners.push(listener),
    grants(user, namespace) {
      const grants: Grant[] = [];
      const missing: string[] = [];
      const inNamespace = namespace === undefined ? [] : [...(bindingsOf.get(namespace)?.values() ?? [])];
      const all: [Binding, string | undefined][] = [
        ...clusterBindings.list().map((binding): [Binding, undefined] => [binding, undefined]),
        ...inNamespace.map((binding): [Binding, string | undefined] => [binding, namespace]),
      ];
      for (const [binding, where] of all) {
        const subject = binding.subjects?.find((one) => subjectMatches(one, user, where ?? ''));
        if (subject === undefined) continue;
        const { kind, name } = binding.roleRef;
        const rules = rulesOf(binding.roleRef, where);
        if (rules === undefined) {
          missing.push(`${kind.toLowerCase()}.rbac.authorization.k8s.io ${JSON.stringify(name)} not found`);
          continue;
        }
        const what = where === undefined ? 'ClusterRoleBinding' : 'RoleBinding';
        const bindingName = where === undefined ? binding.metadata.name : `${binding.metadata.name}/${where}`;
        const whom = subject.kind === 'ServiceAccount' ? `${subject.name}/${subject.namespace ?? where ?? ''}` : subject.name;
        grants.push({ because: `${what} "${bindingName}" of ${kind} "${name}" to ${subject.kind} "${whom}"`, rules });
      }
      return { grants, missing };
    },
    close() {
      for (const informer of informers) informer.close();
    },
  };
}
