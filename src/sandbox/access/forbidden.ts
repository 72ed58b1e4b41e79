/** How the API server says no. */
import { type RequestAttributes, StatusError } from '../contract.ts';

/** `User "x" cannot get resource "pods" in API group "" in the namespace "y"`. */
export function denialSentence(attributes: RequestAttributes): string {
  const who = `User ${JSON.stringify(attributes.user.username)} cannot ${attributes.verb}`;
  if (attributes.resource === undefined) return `${who} path ${JSON.stringify(attributes.path)}`;
  const where =
    attributes.namespace === undefined || attributes.namespace === '' ? 'at the cluster scope' : `in the namespace ${JSON.stringify(attributes.namespace)}`;
  return `${who} resource ${JSON.stringify(resourceName(attributes))} in API group ${JSON.stringify(attributes.group ?? '')} ${where}`;
}

/** `pods/log`. */
export function resourceName({ resource = '', subresource }: RequestAttributes): string {
  return subresource === undefined || subresource === '' ? resource : `${resource}/${subresource}`;
}

/** The 403 for a request that the authorizer denied, with its reason. */
export function forbidden(attributes: RequestAttributes, reason: string): StatusError {
  const sentence = `${denialSentence(attributes)}${reason === '' ? '' : `: ${reason}`}`;
  if (attributes.resource === undefined) return new StatusError(403, 'Forbidden', `forbidden: ${sentence}`, {});
  const { resource, group = '', name } = attributes;
  const what = group === '' ? resource : `${resource}.${group}`;
  const named = name === undefined || name === '' ? '' : ` ${JSON.stringify(name)}`;
  return new StatusError(403, 'Forbidden', `${what}${named} is forbidden: ${sentence}`, {
    ...(named === '' ? {} : { name }),
    ...(group === '' ? {} : { group }),
    kind: resource,
  });
}
