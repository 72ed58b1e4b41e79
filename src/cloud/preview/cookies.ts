/** Cookies on a preview's host: the cloud's own never reach the app, the app's never leave the preview. */
import { isIP } from 'node:net';
import { cookieName } from '../http/cookies.ts';
import type { Mapping } from './hosts.ts';

/** Names of the cloud's own cookies, on whichever of its hosts; over TLS with `__Host-`, which keeps other hosts from setting them. */
const RESERVED = /^\s*=?\s*(__host-)?telepresence-/i;
/** Proves a member who looks at this preview. */
export const PREVIEW_COOKIE = 'telepresence-preview';
/** Binds the way over sign-in to the browser that set out. */
export const ENTER_COOKIE = 'telepresence-enter';

const reserved = (pair: string) => RESERVED.test(pair);

/** The values that a Cookie header has for a cookie of the cloud: several where somebody set it with several paths. */
export function ownCookieValues(header: string, cookie: string, secure: boolean): string[] {
  const name = cookieName(cookie, secure);
  return header
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${name}=`))
    .map((pair) => pair.slice(name.length + 1));
}

/** A Cookie header without the cloud's own; `undefined` when nothing is left. */
export function withoutReserved(header: string): string | undefined {
  const kept = header.split(';').filter((pair) => pair.trim() !== '' && !reserved(pair));
  return kept.length === 0 ? undefined : kept.map((pair) => pair.trim()).join('; ');
}

function domainMatches(hostname: string, domain: string): boolean {
  return hostname === domain || (isIP(hostname) === 0 && hostname.endsWith(`.${domain}`));
}

/**
 * A Set-Cookie of the app as the browser may have it, `undefined` when it must not. A Domain that the ingress' host is in becomes the
 * preview's host; with any other a browser at the ingress would refuse the cookie, and here it could reach other previews.
 */
export function mapSetCookie(value: string, mapping: Mapping): string | undefined {
  const [pair = '', ...attributes] = value.split(';');
  if (reserved(pair)) return undefined;
  const kept: string[] = [pair];
  let domain = '';
  for (const attribute of attributes) {
    const [name = '', ...rest] = attribute.split('=');
    if (name.trim().toLowerCase() === 'domain') domain = rest.join('=').trim().toLowerCase().replace(/^\./, '');
    else kept.push(attribute);
  }
  if (domain !== '') {
    if (!domainMatches(mapping.ingress.hostname, domain)) return undefined;
    kept.push(` Domain=${mapping.preview.hostname}`);
  }
  return kept.join(';');
}

/** A cookie of the cloud on a preview's host. `value` '' removes it. */
export function ownCookie(name: string, value: string, maxAgeMs: number, secure: boolean): string {
  return `${cookieName(name, secure)}=${value}; Path=/;${secure ? ' Secure;' : ''} HttpOnly; SameSite=Lax; Max-Age=${value === '' ? 0 : Math.floor(maxAgeMs / 1000)}`;
}
