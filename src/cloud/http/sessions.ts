import { createMiddleware } from 'hono/factory';
import type { CloudContext } from '../context.ts';
import { SESSION_LIFE_MS } from '../limits.ts';
import { Problem } from '../problem.ts';
import { derive, newSecret, sameSecret } from '../secrets.ts';
import { clearCookie, readCookie, SESSION_COOKIE, VISITOR_COOKIE, writeCookie } from './cookies.ts';
import type { CloudContextOf, CloudEnv, SignedInEnv } from './environment.ts';

type Deps = Pick<CloudContext, 'config' | 'store'>;

/** Looks the session up for every route behind it. */
export function withSession({ config, store }: Deps) {
  return createMiddleware<CloudEnv>(async (c, next) => {
    const secret = readCookie(c, SESSION_COOKIE, config.secure);
    c.set('session', secret === undefined ? undefined : await store.sessions.find(secret));
    await next();
  });
}

/** Sends a browser without a session to sign in and back; other requests get 401. Sets `memberships` and `membership`. */
export function signedIn({ store }: Deps) {
  return createMiddleware<SignedInEnv>(async (c, next) => {
    const session = (c as unknown as CloudContextOf).get('session');
    if (session === undefined) {
      if (c.req.method !== 'GET') throw new Problem(401, 'signed-out', 'You are not signed in any more. Sign in and try again.');
      const url = new URL(c.req.url);
      return c.redirect(signInPath(url.pathname + url.search), 303);
    }
    const memberships = await store.organisations.of(session.user.id);
    c.set('memberships', memberships);
    c.set('membership', memberships.find(({ id }) => id === session.organisationId) ?? memberships[0]);
    await next();
    return undefined;
  });
}

export const SIGN_IN_PATH = '/sign-in';
export const signInPath = (next: string): string => (next === '/' ? SIGN_IN_PATH : `${SIGN_IN_PATH}?next=${encodeURIComponent(next)}`);

/** Only a path of the dashboard itself; anything else becomes `/`. */
export function localPath(next: string | undefined): string {
  if (next === undefined || !next.startsWith('/') || /[\\\p{Cc}\s]/u.test(next)) return '/';
  const base = 'http://dashboard.invalid';
  const url = URL.parse(next, base);
  return url === null || url.origin !== base || url.pathname.startsWith('//') ? '/' : url.pathname + url.search;
}

/** Begins a session under a new secret; whatever session the browser had is over. */
export async function beginSession(c: CloudContextOf, { config, store }: Deps, userId: string): Promise<void> {
  const old = c.get('session');
  if (old !== undefined) await store.sessions.end(old.hash);
  const organisations = await store.organisations.of(userId);
  const secret = await store.sessions.create(userId, organisations[0]?.id ?? null);
  writeCookie(c, SESSION_COOKIE, secret, config.secure, SESSION_LIFE_MS);
  clearCookie(c, VISITOR_COOKIE, config.secure);
  c.set('session', await store.sessions.find(secret));
}

export async function endSession(c: CloudContextOf, { config, store }: Deps): Promise<void> {
  const session = c.get('session');
  if (session !== undefined) await store.sessions.end(session.hash);
  clearCookie(c, SESSION_COOKIE, config.secure);
  c.set('session', undefined);
}

/** The cookie that binds a browser's forms and flows to it; made when it has none. */
export function browserSecret(c: CloudContextOf, { config }: Pick<CloudContext, 'config'>): string {
  const session = c.get('session') === undefined ? undefined : readCookie(c, SESSION_COOKIE, config.secure);
  return session ?? visitorSecret(c, { config });
}

export function visitorSecret(c: CloudContextOf, { config }: Pick<CloudContext, 'config'>): string {
  const known = readCookie(c, VISITOR_COOKIE, config.secure);
  if (known !== undefined && known.length === newSecret().length) return known;
  const secret = newSecret();
  writeCookie(c, VISITOR_COOKIE, secret, config.secure);
  return secret;
}

/** What forms of this browser carry in CSRF_FIELD. */
export function csrfToken(c: CloudContextOf, deps: Pick<CloudContext, 'config'>): string {
  return derive(browserSecret(c, deps), 'csrf');
}

/** Throws 403 unless the form came from a page that this browser was given. */
export function checkCsrf(c: CloudContextOf, deps: Pick<CloudContext, 'config'>, token: unknown): void {
  if (typeof token !== 'string' || !sameSecret(token, csrfToken(c, deps))) {
    throw new Problem(403, 'csrf', 'This form is too old, or it came from another site. Go back, load the page again and try once more.');
  }
}
