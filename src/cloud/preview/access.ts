/**
 * Who may see a preview. A private one asks for a cookie of its own host, which the dashboard gives by a detour: preview →
 * dashboard (signed in? a member?) → preview with a grant for one use, in exchange for the cookie. The detour belongs to the browser that
 * set out: a nonce in a cookie here, its hash on the way. The cookie is looked up at each request.
 */
import { createHash, randomBytes } from 'node:crypto';
import { type HeaderList, valuesOf } from '../../http/index.ts';
import { PREVIEW_SESSION_MS } from '../limits.ts';
import { sameSecret } from '../secrets.ts';
import type { Preview, Store, User } from '../store/index.ts';
import { ENTER_COOKIE, ownCookie, ownCookieValues, PREVIEW_COOKIE } from './cookies.ts';
import type { Explanation } from './explain.ts';
import { cookieHeader } from './headers.ts';
import { type Mapping, previewLabel } from './hosts.ts';
import { ENTER_MS, ENTER_PATH_LIMIT } from './limits.ts';

/** Where the dashboard begins its part, and where the browser comes back to. */
export const DASHBOARD_ENTER_PATH = '/previews/enter';
export const PREVIEW_ENTER_PATH = '/.telepresence/enter';
/** Values of the cookie that are looked up; more is nobody's honest request. */
const COOKIES_TRIED = 3;

/** The member who looks, by the cookies that the browser sent. */
export async function viewerOf(store: Store, preview: Preview, cookies: string, secure: boolean): Promise<User | undefined> {
  for (const secret of ownCookieValues(cookies, PREVIEW_COOKIE, secure).slice(0, COOKIES_TRIED)) {
    const user = await store.previewSessions.find(secret, preview.id);
    if (user !== undefined) return user;
  }
  return undefined;
}

/** A person in front of a page, who can be sent to sign in. */
export function isNavigation(method: string, headers: HeaderList): boolean {
  if (method !== 'GET' && method !== 'HEAD') return false;
  const mode = valuesOf(headers, 'sec-fetch-mode')[0];
  return mode === undefined ? /text\/html/i.test(valuesOf(headers, 'accept').join()) : mode === 'navigate';
}

/** Another preview's page is of the same site: SameSite does not keep it from sending this preview's cookies along. */
export function fromSibling(method: string, headers: HeaderList, mapping: Mapping, previewDomain: string): boolean {
  const origin = valuesOf(headers, 'origin')[0]?.toLowerCase();
  if (origin !== undefined && origin !== mapping.preview.origin && previewLabel(origin.replace(/^\w+:\/\//, ''), previewDomain) !== undefined) return true;
  if (valuesOf(headers, 'sec-fetch-site')[0] !== 'same-site') return false;
  return !isNavigation(method, headers) || valuesOf(headers, 'sec-fetch-dest')[0] !== 'document';
}

const stateOf = (nonce: string) => createHash('sha256').update(nonce).digest('base64url');

function redirect(location: string, cookies: string[]): Explanation {
  const headers: HeaderList = [
    ['Location', location],
    ['Cache-Control', 'no-store'],
    ['Referrer-Policy', 'no-referrer'],
    ['Content-Length', '0'],
    ...cookies.map((cookie): [string, string] => ['Set-Cookie', cookie]),
  ];
  return { status: 303, headers, body: '' };
}

/** To the dashboard. A nonce that is there is kept, so that several tabs can be on their way. */
export function toDashboard(preview: Preview, path: string, headers: HeaderList, dashboardUrl: string): Explanation {
  const secure = dashboardUrl.startsWith('https:');
  const nonce =
    ownCookieValues(cookieHeader(headers), ENTER_COOKIE, secure).find((value) => /^[\w-]{43}$/.test(value)) ?? randomBytes(32).toString('base64url');
  const query = new URLSearchParams({ label: preview.label, path: path.length > ENTER_PATH_LIMIT ? '/' : path, state: stateOf(nonce) });
  return redirect(`${dashboardUrl}${DASHBOARD_ENTER_PATH}?${query}`, [ownCookie(ENTER_COOKIE, nonce, ENTER_MS, secure)]);
}

/** Back from the dashboard; `undefined`: the grant or the browser is not the right one. */
export async function enter(store: Store, preview: Preview, path: string, headers: HeaderList, mapping: Mapping): Promise<Explanation | undefined> {
  const { secure } = mapping.preview;
  const cookies = cookieHeader(headers);
  const query = new URLSearchParams(path.slice(path.indexOf('?') + 1));
  const state = query.get('state') ?? '';
  if (!ownCookieValues(cookies, ENTER_COOKIE, secure).some((nonce) => sameSecret(stateOf(nonce), state))) return undefined;
  const redeemed = await store.previewSessions.redeem(query.get('grant') ?? '', preview.id);
  if (redeemed !== undefined) {
    return redirect(backTo(redeemed.path, mapping), [
      ownCookie(PREVIEW_COOKIE, redeemed.secret, PREVIEW_SESSION_MS, secure),
      ownCookie(ENTER_COOKIE, '', 0, secure),
    ]);
  }
  // Back and reload: somebody who is in already goes on.
  return (await viewerOf(store, preview, cookies, secure)) === undefined ? undefined : redirect(`${mapping.preview.origin}/`, []);
}

/** Only ever a page of this preview, whatever the path says. */
function backTo(path: string, { preview }: Mapping): string {
  const url = URL.parse(path, preview.origin);
  return url !== null && url.origin === preview.origin && url.pathname !== PREVIEW_ENTER_PATH ? url.href : `${preview.origin}/`;
}
