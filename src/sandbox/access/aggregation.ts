/** Keeps the rules of aggregated ClusterRoles (`admin`, `edit`, `view`) the union of those that their selectors match. */
import { isDeepStrictEqual } from 'node:util';
import { messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { resourcePath } from '../../kube/paths.ts';
import type { ClusterClient } from '../contract.ts';
import { isNotFound } from './get-if-there.ts';
import { selectorMatches } from './label-selector.ts';
import { type PolicyRule, RBAC_VERSION, type Role } from './rbac-objects.ts';
import type { RbacStore } from './rbac-store.ts';

export function aggregatedRules(role: Role, all: Role[]): PolicyRule[] {
  const rules: PolicyRule[] = [];
  const sorted = all.toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  for (const selector of role.aggregationRule?.clusterRoleSelectors ?? [])
    for (const other of sorted)
      if (other.metadata.name !== role.metadata.name && selectorMatches(selector, other.metadata.labels ?? {}))
        for (const rule of other.rules ?? []) if (!rules.some((known) => isDeepStrictEqual(known, rule))) rules.push(rule);
  return rules;
}

/** Starts it; it ends with the store. */
export function aggregateClusterRoles(client: ClusterClient, store: RbacStore, log: Log): void {
  let running = false;
  let again = false;

  async function round(): Promise<void> {
    const all = store.clusterRoles();
    for (const role of all) {
      if (role.aggregationRule === undefined) continue;
      const rules = aggregatedRules(role, all);
      if (isDeepStrictEqual(rules, role.rules ?? [])) continue;
      await client.patch(resourcePath(RBAC_VERSION, 'clusterroles', undefined, role.metadata.name), 'merge', { rules }).catch((error: unknown) => {
        if (!isNotFound(error)) log.warn('the rules of a ClusterRole could not be aggregated', { role: role.metadata.name, reason: messageOf(error) });
      });
    }
  }
  async function run(): Promise<void> {
    running = true;
    while (again) {
      again = false;
      await round();
    }
    running = false;
  }
  const start = () => {
    again = true;
    if (!running) void run();
  };
  store.onClusterRoleChange(start);
  store.ready.then(start, () => {});
}
