import type { Context } from 'hono';
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import { SESSION_LIFE_MS } from '../limits.ts';

/** Cookies of the dashboard's host. Over TLS they are `__Host-`: no other host can set them, none but this one gets them. */
export const SESSION_COOKIE = 'telepresence-session';
/** Marks a browser that is not signed in: binds its forms and its sign-in at a provider to it. */
export const VISITOR_COOKIE = 'telepresence-visitor';

export const cookieName = (name: string, secure: boolean): string => (secure ? `__Host-${name}` : name);

export function readCookie(c: Context, name: string, secure: boolean): string | undefined {
  return getCookie(c, cookieName(name, secure));
}

/** For as long as the browser runs, unless `maxAgeMs`. */
export function writeCookie(c: Context, name: string, value: string, secure: boolean, maxAgeMs?: number): void {
  const age = maxAgeMs === undefined ? {} : { maxAge: Math.floor(Math.min(maxAgeMs, SESSION_LIFE_MS) / 1000) };
  setCookie(c, cookieName(name, secure), value, { path: '/', httpOnly: true, sameSite: 'Lax', secure, ...age });
}

export function clearCookie(c: Context, name: string, secure: boolean): void {
  deleteCookie(c, cookieName(name, secure), { path: '/', secure });
}
