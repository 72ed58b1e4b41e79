/** From a path to what it names. */

/** `/apis/apps/v1/namespaces/shop/deployments/web/scale`; undefined parts are not in the path. */
export interface ResourcePath {
  group: string;
  version: string;
  resource: string;
  namespace: string | undefined;
  name: string | undefined;
  subresource: string | undefined;
  /** What stands behind `/proxy`, without the query. */
  rest: string;
}

/** Undefined for a path that names no resource, such as `/healthz` or `/apis`. */
export function parsePath(path: string): ResourcePath | undefined {
  const parts = path.split('/').slice(1);
  let group = '';
  let at = 2;
  if (parts[0] === 'apis') {
    group = parts[1] ?? '';
    at = 3;
  } else if (parts[0] !== 'api') return undefined;
  const version = parts[at - 1];
  if (version === undefined || version === '') return undefined;
  const words = parts.slice(at).map(decode);
  if (words[0] === undefined || words[0] === '') return undefined;
  let namespace: string | undefined;
  // `/namespaces/shop` is the namespace itself, and so are its two subresources.
  if (words[0] === 'namespaces' && words.length > 2 && !(words.length === 3 && (words[2] === 'status' || words[2] === 'finalize'))) {
    namespace = words[1];
    words.splice(0, 2);
  }
  const [resource = '', name, subresource, ...rest] = words;
  const own = resource === 'namespaces' && group === '' ? name : namespace;
  return {
    group,
    version,
    resource,
    namespace: own === '' ? undefined : own,
    name: name === '' ? undefined : name,
    subresource: subresource === '' ? undefined : subresource,
    // As it was sent: what is proxied may hold escaped slashes.
    rest: rest.length === 0 ? '' : `/${parts.slice(parts.length - rest.length).join('/')}`,
  };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    // Not an escape: taken as it stands, and found under no name.
    return part;
  }
}
