/** Where objects live in the API. */

/**
 * The path of a resource: `resourcePath('apps/v1', 'deployments', 'shop', 'web', 'scale')`.
 * Without a namespace: cluster-scoped, or all namespaces.
 */
export function resourcePath(apiVersion: string, plural: string, namespace?: string, name?: string, subresource?: string): string {
  let path = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  if (namespace !== undefined) path += `/namespaces/${encodeURIComponent(namespace)}`;
  path += `/${plural}`;
  // Service and pod proxies name `https:service:port`; RFC 3986 allows a colon in a segment and the authorizer compares it unescaped.
  if (name !== undefined) path += `/${encodeURIComponent(name).replaceAll('%3A', ':')}`;
  return subresource === undefined ? path : `${path}/${subresource}`;
}

/** `path?a=b`; undefined values are left out. */
export function withQuery(path: string, query: Record<string, string | undefined> = {}): string {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) if (value !== undefined) search.append(key, value);
  const text = search.toString();
  return text === '' ? path : `${path}${path.includes('?') ? '&' : '?'}${text}`;
}
