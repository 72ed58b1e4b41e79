/**
 * Nobody gives what they do not have: whoever writes a role must hold its rules (or `escalate`), and whoever binds one too (or `bind`).
 */
import { isDeepStrictEqual } from 'node:util';
import { type AdmissionAttributes, type Authorizer, StatusError, type UserInfo } from '../contract.ts';
import { type Binding, type PolicyRule, RBAC_GROUP, type Role } from './rbac-objects.ts';
import type { RoleLookup } from './rbac-store.ts';
import { ALL, pathMatches } from './rules.ts';
import { MASTERS } from './user.ts';

export type EscalationCheck = (attributes: AdmissionAttributes) => void;

export function createEscalationCheck(store: RoleLookup, authorizer: Authorizer): EscalationCheck {
  /** Whether the user has the verb that stands above the check. */
  function has(user: UserInfo, verb: string, resource: string, namespace: string | undefined, name: string): boolean {
    const place = namespace === undefined ? {} : { namespace };
    return authorizer.authorize({ user, verb, path: '', group: RBAC_GROUP, version: 'v1', resource, name, ...place }).allowed;
  }

  function check(attributes: AdmissionAttributes, rules: PolicyRule[]): void {
    const { user, namespace, type, name } = attributes;
    const { grants, missing } = store.grants(user, namespace);
    const uncovered = notCovered(
      grants.flatMap((grant) => grant.rules),
      rules,
    );
    if (uncovered.length === 0) return;
    const groups = `(groups=[${user.groups.map((group) => JSON.stringify(group)).join(' ')}])`;
    const unresolved = missing.length === 0 ? '' : `; resolution errors: [${missing.join(', ')}]`;
    throw new StatusError(
      403,
      'Forbidden',
      `${type.plural}.${RBAC_GROUP} ${JSON.stringify(name ?? '')} is forbidden: user ${JSON.stringify(user.username)} ${groups} is attempting to grant RBAC permissions not currently held:\n${uncovered.join('\n')}${unresolved}`,
      { name: name ?? '', group: RBAC_GROUP, kind: type.plural },
    );
  }

  return (attributes) => {
    const { type, user, operation, subresource, object, oldObject, namespace, name = '' } = attributes;
    if (type.group !== RBAC_GROUP || subresource !== undefined || object === undefined) return;
    if ((operation !== 'CREATE' && operation !== 'UPDATE') || user.groups.includes(MASTERS)) return;
    if (type.plural === 'roles' || type.plural === 'clusterroles') {
      const role = object as unknown as Role;
      const old = oldObject as unknown as Role | undefined;
      if (isDeepStrictEqual([role.rules ?? [], role.aggregationRule], [old?.rules, old?.aggregationRule])) return;
      if (has(user, 'escalate', type.plural, namespace, name)) return;
      // What an aggregated role will hold is not known yet: only who has everything may make one.
      const everything: PolicyRule[] = [
        { apiGroups: [ALL], resources: [ALL], verbs: [ALL] },
        { nonResourceURLs: [ALL], verbs: [ALL] },
      ];
      check(attributes, role.aggregationRule === undefined ? (role.rules ?? []) : everything);
    } else if (type.plural === 'rolebindings' || type.plural === 'clusterrolebindings') {
      const binding = object as unknown as Binding;
      const old = oldObject as unknown as Binding | undefined;
      if (isDeepStrictEqual([binding.roleRef, binding.subjects], [old?.roleRef, old?.subjects])) return;
      const { roleRef } = binding;
      if (has(user, 'bind', roleRef.kind === 'Role' ? 'roles' : 'clusterroles', namespace, roleRef.name)) return;
      const rules = store.rulesOf(roleRef, namespace);
      if (rules === undefined) {
        const kind = roleRef.kind === 'Role' ? 'roles' : 'clusterroles';
        throw new StatusError(404, 'NotFound', `${kind}.${RBAC_GROUP} ${JSON.stringify(roleRef.name)} not found`, {
          name: roleRef.name,
          group: RBAC_GROUP,
          kind,
        });
      }
      check(attributes, rules);
    }
  };
}

/** One verb on one resource (or path), with the names it is limited to. */
interface Single {
  verb: string;
  group?: string;
  resource?: string;
  name?: string;
  url?: string;
}

function* singles(rule: PolicyRule): Generator<Single> {
  for (const verb of rule.verbs) {
    for (const url of rule.nonResourceURLs ?? []) yield { verb, url };
    for (const group of rule.apiGroups ?? [])
      for (const resource of rule.resources ?? []) {
        if (rule.resourceNames === undefined || rule.resourceNames.length === 0) yield { verb, group, resource };
        else for (const name of rule.resourceNames) yield { verb, group, resource, name };
      }
  }
}

function covers(rule: PolicyRule, { verb, group = '', resource = '', name, url }: Single): boolean {
  const has = (list: string[] | undefined, word: string) => list !== undefined && (list.includes(ALL) || list.includes(word));
  if (!has(rule.verbs, verb)) return false;
  if (url !== undefined) return rule.nonResourceURLs?.some((own) => pathMatches(own, url)) ?? false;
  if (!has(rule.apiGroups, group)) return false;
  const [, sub] = resource.split('/');
  if (!has(rule.resources, resource) && !(sub !== undefined && rule.resources?.includes(`${ALL}/${sub}`))) return false;
  const limited = rule.resourceNames !== undefined && rule.resourceNames.length > 0;
  return !limited || (name !== undefined && rule.resourceNames?.includes(name) === true);
}

/** What of `wanted` the rules do not hold, as the API server prints it. */
function notCovered(held: PolicyRule[], wanted: PolicyRule[]): string[] {
  const verbsOf = new Map<string, string[]>();
  for (const rule of wanted)
    for (const single of singles(rule)) {
      if (held.some((own) => covers(own, single))) continue;
      const { verb, group, resource, name, url } = single;
      const parts =
        url === undefined ? [`APIGroups:[${JSON.stringify(group)}]`, `Resources:[${JSON.stringify(resource)}]`] : [`NonResourceURLs:[${JSON.stringify(url)}]`];
      if (name !== undefined) parts.push(`ResourceNames:[${JSON.stringify(name)}]`);
      const key = parts.join(', ');
      verbsOf.set(key, [...(verbsOf.get(key) ?? []), verb]);
    }
  return Array.from(verbsOf, ([what, verbs]) => `{${what}, Verbs:[${verbs.map((verb) => JSON.stringify(verb)).join(' ')}]}`).toSorted();
}
