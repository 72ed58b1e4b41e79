/** Role-based access control: what the roles allow that a user's bindings name. */
import type { Authorizer } from '../contract.ts';
import type { RoleLookup } from './rbac-store.ts';
import { ruleAllows } from './rules.ts';
import { MASTERS } from './user.ts';

export function createRbacAuthorizer(store: RoleLookup): Authorizer {
  return {
    authorize(attributes) {
      if (attributes.user.groups.includes(MASTERS)) return { allowed: true, reason: '' };
      const { grants, missing } = store.grants(attributes.user, attributes.namespace === '' ? undefined : attributes.namespace);
      const grant = grants.find(({ rules }) => rules.some((rule) => ruleAllows(rule, attributes)));
      if (grant !== undefined) return { allowed: true, reason: `RBAC: allowed by ${grant.because}` };
      if (missing.length === 0) return { allowed: false, reason: '' };
      return { allowed: false, reason: `RBAC: ${missing.length === 1 ? missing[0] : `[${missing.join(', ')}]`}` };
    },
  };
}
