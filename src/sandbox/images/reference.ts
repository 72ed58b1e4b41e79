/** Names of images, as containerd completes and refuses them. */
const DOMAIN = /^(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*(?::\d+)?$/;
const PATH = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const TAG = /^[\w][\w.-]{0,127}$/;
const DIGEST = /^[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[0-9a-fA-F]{32,}$/;

/** `nginx` → `docker.io/library/nginx:latest`; undefined for what is no image name. */
export function normalReference(text: string): string | undefined {
  const [named = '', digest] = text.split('@', 2);
  if (digest !== undefined && !DIGEST.test(digest)) return undefined;
  const colon = named.lastIndexOf(':');
  const hasTag = colon > named.lastIndexOf('/');
  const tag = hasTag ? named.slice(colon + 1) : undefined;
  const name = hasTag ? named.slice(0, colon) : named;
  if (tag !== undefined && !TAG.test(tag)) return undefined;
  const slash = name.indexOf('/');
  const first = slash < 0 ? '' : name.slice(0, slash);
  const withDomain = first === 'localhost' || first.includes('.') || first.includes(':') || first !== first.toLowerCase();
  const domain = withDomain ? first : 'docker.io';
  let path = withDomain ? name.slice(slash + 1) : name;
  if (!DOMAIN.test(domain) || !PATH.test(path)) return undefined;
  if (domain === 'docker.io' && !path.includes('/')) path = `library/${path}`;
  const suffix = tag !== undefined ? `:${tag}` : digest === undefined ? ':latest' : '';
  return `${domain}/${path}${suffix}${digest === undefined ? '' : `@${digest}`}`;
}
