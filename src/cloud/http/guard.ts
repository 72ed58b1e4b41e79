import type { HttpBindings } from '@hono/node-server';
import { createMiddleware } from 'hono/factory';
import type { CloudConfig } from '../config.ts';
import { Problem } from '../problem.ts';
import { newSecret } from '../secrets.ts';
import type { CloudEnv } from './environment.ts';

/** Of the client: the last address that a trusted proxy added, or the connection's own. */
export function clientAddress(direct: string | undefined, forwarded: string | undefined, hops: number): string {
  const chain = (forwarded ?? '').split(',').map((part) => part.trim());
  const seen = hops === 0 ? undefined : chain.at(-hops);
  return (seen === undefined || seen === '' ? direct : seen) ?? 'unknown';
}

const YEAR_S = 31_536_000;

/** Headers of every answer of the dashboard's host, its policy made per response. */
export function guard(config: CloudConfig) {
  return createMiddleware<CloudEnv & { Bindings: HttpBindings }>(async (c, next) => {
    const nonce = newSecret();
    c.set('nonce', nonce);
    c.set('allow', new Map());
    c.set('address', clientAddress(c.env.incoming.socket.remoteAddress, c.req.header('x-forwarded-for'), config.behindProxy));
    await next();
    const more = c.get('allow');
    const policy: [string, string][] = [
      ['default-src', "'none'"],
      ['script-src', `'self' 'nonce-${nonce}'`],
      ['style-src', `'self' 'nonce-${nonce}'`],
      ['img-src', "'self' data:"],
      ['font-src', "'self'"],
      ['connect-src', "'self'"],
      ['form-action', "'self'"],
      ['base-uri', "'none'"],
      ['frame-ancestors', "'none'"],
    ];
    const header = (name: string, value: string) => c.header(name, value);
    header('content-security-policy', policy.map(([name, value]) => `${name} ${value}${more.has(name) ? ` ${more.get(name)}` : ''}`).join('; '));
    header('x-frame-options', 'DENY');
    header('x-content-type-options', 'nosniff');
    // `no-referrer` would make browsers send `Origin: null` with forms.
    header('referrer-policy', 'same-origin');
    header('cross-origin-opener-policy', 'same-origin');
    header('cross-origin-resource-policy', 'same-origin');
    header('permissions-policy', 'camera=(), geolocation=(), microphone=()');
    if (config.secure) header('strict-transport-security', `max-age=${YEAR_S}`);
    if (!c.res.headers.has('cache-control')) header('cache-control', 'no-store');
  });
}

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Refuses what changes something unless the browser says that it came from the dashboard itself. For routes that cookies open. */
export function sameOrigin(config: CloudConfig) {
  return createMiddleware<CloudEnv>(async (c, next) => {
    if (!SAFE.has(c.req.method)) {
      const origin = c.req.header('origin');
      const ours = origin === undefined ? c.req.header('sec-fetch-site') === 'same-origin' : origin === config.url;
      if (!ours) throw new Problem(403, 'origin', 'This request came from another site.');
    }
    await next();
  });
}
