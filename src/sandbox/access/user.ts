/** Names and groups that Kubernetes gives to whom it knows. */
import type { UserInfo } from '../contract.ts';

export const AUTHENTICATED = 'system:authenticated';
/** May do everything, whatever the roles say. */
export const MASTERS = 'system:masters';

const ACCOUNT_PREFIX = 'system:serviceaccount:';

export const accountUser = (namespace: string, name: string) => `${ACCOUNT_PREFIX}${namespace}:${name}`;
export const accountGroups = (namespace: string) => ['system:serviceaccounts', `system:serviceaccounts:${namespace}`];

/** Namespace and name of a service account's user name; undefined for other users. */
export function accountOf(username: string): { namespace: string; name: string } | undefined {
  if (!username.startsWith(ACCOUNT_PREFIX)) return undefined;
  const [namespace, name, ...more] = username.slice(ACCOUNT_PREFIX.length).split(':');
  return namespace && name && more.length === 0 ? { namespace, name } : undefined;
}

/** With the group that everybody has who is known. */
export function authenticated(user: Omit<UserInfo, 'uid' | 'extra'> & Partial<UserInfo>): UserInfo {
  const groups = user.groups.includes(AUTHENTICATED) ? user.groups : [...user.groups, AUTHENTICATED];
  return { username: user.username, uid: user.uid ?? '', groups, extra: user.extra ?? {} };
}

/** As reviews and admission requests show it: what is empty is left out. */
export function userObject(user: UserInfo): Record<string, unknown> {
  return {
    username: user.username,
    ...(user.uid === '' ? {} : { uid: user.uid }),
    ...(user.groups.length === 0 ? {} : { groups: user.groups }),
    ...(Object.keys(user.extra).length === 0 ? {} : { extra: user.extra }),
  };
}
