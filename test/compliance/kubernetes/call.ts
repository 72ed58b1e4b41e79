/** What kind of call a request to the API is, in one line: `patch apps/v1/deployments/status, in a namespace, merge-patch+json, dryRun=All`. */
import { resolveRequest } from '../../../src/sandbox/api/core.ts';

export interface AnyRequest {
  method: string;
  /** With its query. */
  url: string;
  /** Of the body. */
  contentType?: string;
  upgrade?: string;
  /** What a DELETE says in its body. */
  options?: Record<string, unknown>;
}

/** Kubernetes' own groups; what others define, the API server serves all in one way. */
const BUILT_IN = /^(|apps|autoscaling|batch|policy|(.*\.)?k8s\.io)$/;
const CUSTOM_KINDS = /^\/apis\/([^/]+)\/[^/]+$/;
const NOBODY = { username: '', uid: '', groups: [], extra: {} };
/** Of these the value says what is done; of others it is enough that they are there. */
const TOLD = ['dryRun', 'force', 'propagationPolicy', 'sendInitialEvents', 'resourceVersionMatch', 'orphanDependents'];
/** Watches are told by the verb; who writes, and how long and how much is asked for at a time, is no other call. */
const NOT_TOLD = ['watch', 'timeoutSeconds', 'limit', 'timeout', 'fieldValidation', 'fieldManager', 'kind', 'apiVersion'];
/** Paths of a proxied program are its own affair, and commands and ports that of who asks. */
const STREAMS = ['proxy', 'exec', 'attach', 'portforward', 'log'];

export function callOf({ method, url, contentType, upgrade, options = {} }: AnyRequest): string {
  const cut = url.indexOf('?');
  const path = cut === -1 ? url : url.slice(0, cut);
  const query = new URLSearchParams(cut === -1 ? '' : url.slice(cut + 1));
  const { attributes } = resolveRequest(method, path, query, NOBODY);
  const { verb, group = '', version = '', resource, subresource, namespace } = attributes;
  if (resource === undefined)
    return `${verb} ${path.replace(CUSTOM_KINDS, (whole, named: string) => (BUILT_IN.test(named) ? whole : 'the kinds of a custom group'))}`;
  const kind = BUILT_IN.test(group) ? `${group === '' ? '' : `${group}/`}${version}/${resource}` : 'a custom resource';
  const words = [`${verb} ${kind}${subresource === undefined ? '' : `/${subresource}`}`];
  if (namespace !== undefined && resource !== 'namespaces') words.push('in a namespace');
  if (verb === 'patch' && contentType !== undefined) words.push(contentType.replace('application/', ''));
  if (upgrade !== undefined) words.push('upgraded');
  if (subresource === undefined || !STREAMS.includes(subresource)) words.push(...optionWords([...query, ...flat(options)]));
  return words.join(', ');
}

function optionWords(pairs: [string, string][]): string[] {
  const told = pairs.filter(([key, value]) => !NOT_TOLD.includes(key) && value !== '').map(([key, value]) => (TOLD.includes(key) ? `${key}=${value}` : key));
  return [...new Set(told)].sort();
}

/** `{ preconditions: { uid: x } }` → `preconditions.uid`. */
function flat(options: Record<string, unknown>): [string, string][] {
  return Object.entries(options).flatMap(([key, value]): [string, string][] =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.entries(value).map(([inner, text]) => [`${key}.${inner}`, String(text)])
      : [[key, String(value)]],
  );
}
