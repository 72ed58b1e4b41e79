/** What a rule allows, and whom a binding means. */
import type { RequestAttributes, UserInfo } from '../contract.ts';
import { resourceName } from './forbidden.ts';
import type { PolicyRule, Subject } from './rbac-objects.ts';
import { accountUser } from './user.ts';

export const ALL = '*';

/** Whether the list names it, or everything. */
const names = (list: string[] | undefined, word: string) => list !== undefined && (list.includes(ALL) || list.includes(word));

export function ruleAllows(rule: PolicyRule, attributes: RequestAttributes): boolean {
  if (!names(rule.verbs, attributes.verb)) return false;
  if (attributes.resource === undefined) return rule.nonResourceURLs?.some((url) => pathMatches(url, attributes.path)) ?? false;
  if (!names(rule.apiGroups, attributes.group ?? '')) return false;
  const { subresource, name = '' } = attributes;
  const resources = rule.resources ?? [];
  const named = names(resources, resourceName(attributes)) || (subresource !== undefined && subresource !== '' && resources.includes(`${ALL}/${subresource}`));
  return named && (rule.resourceNames === undefined || rule.resourceNames.length === 0 || rule.resourceNames.includes(name));
}

/** `/healthz/*`: only a star at the end stands for more than itself. */
export function pathMatches(url: string, path: string): boolean {
  return url === ALL || url === path || (url.endsWith(ALL) && path.startsWith(url.slice(0, -1)));
}

/** @param namespace of the binding, for service accounts that name none. */
export function subjectMatches(subject: Subject, user: UserInfo, namespace: string): boolean {
  if (subject.kind === 'User') return subject.name === user.username;
  if (subject.kind === 'Group') return user.groups.includes(subject.name);
  return subject.kind === 'ServiceAccount' && user.username === accountUser(subject.namespace ?? namespace, subject.name);
}
