/** `Impersonate-*` headers: acting as somebody else, for whom that is allowed. */
import type { IncomingMessage } from 'node:http';
import { type Authorizer, type RequestAttributes, StatusError, type UserInfo } from '../contract.ts';
import { forbidden } from './forbidden.ts';
import { accountGroups, accountOf, authenticated } from './user.ts';

const EXTRA_PREFIX = 'impersonate-extra-';
const AUTHENTICATION_GROUP = 'authentication.k8s.io';

/**
 * Who the request wants to be; the user themself without such headers.
 * @throws {StatusError} when the user may not impersonate this.
 */
export function impersonated(user: UserInfo, request: IncomingMessage, authorizer: Authorizer): UserInfo {
  const headers = request.headersDistinct;
  const [name = ''] = headers['impersonate-user'] ?? [];
  const groups = headers['impersonate-group'] ?? [];
  const [uid] = headers['impersonate-uid'] ?? [];
  const extra = Object.entries(headers).flatMap(([header, values = []]) =>
    header.startsWith(EXTRA_PREFIX) ? [[decodeURIComponent(header.slice(EXTRA_PREFIX.length)), values] as const] : [],
  );
  if (name === '') {
    if (groups.length === 0 && extra.length === 0 && uid === undefined) return user;
    throw new StatusError(500, 'InternalError', `requested [${groups.map((group) => `{Group  ${group}    }`).join(' ')}] without impersonating a user`);
  }

  const check = (resource: string, asked: Partial<RequestAttributes>) => {
    const attributes: RequestAttributes = { user, verb: 'impersonate', path: request.url ?? '', resource, ...asked };
    const { allowed, reason } = authorizer.authorize(attributes);
    if (!allowed) throw forbidden(attributes, reason);
  };
  const account = accountOf(name);
  if (account === undefined) check('users', { group: '', version: 'v1', name });
  else check('serviceaccounts', { group: '', version: 'v1', ...account });
  for (const group of groups) check('groups', { group: '', version: 'v1', name: group });
  if (uid !== undefined) check('uids', { group: AUTHENTICATION_GROUP, version: 'v1', name: uid });
  for (const [key, values] of extra)
    for (const value of values) check('userextras', { group: AUTHENTICATION_GROUP, version: 'v1', subresource: key, name: value });

  const given = groups.length === 0 && account !== undefined ? accountGroups(account.namespace) : groups;
  return authenticated({ username: name, uid: uid ?? '', groups: given, extra: Object.fromEntries(extra) });
}
