import { createHash } from 'node:crypto';
import { Hono } from 'hono';
import type { CloudEnv } from '../http/environment.ts';
import { clientScript } from './client/script.ts';
import { BASE } from './style/base.ts';
import { PARTS } from './style/parts.ts';

interface Asset {
  path: string;
  type: string;
  text: string;
}

const asset = (name: string, type: string, text: string): Asset => {
  const hash = createHash('sha256').update(text).digest('base64url').slice(0, 12);
  return { path: `/assets/${hash}/${name}`, type, text };
};

/** Types are stripped when this runs: a function's text is its JavaScript. */
export const SCRIPT = asset('dashboard.js', 'text/javascript; charset=utf-8', `(${clientScript.toString()})(window);\n`);
export const STYLE = asset('dashboard.css', 'text/css; charset=utf-8', BASE + PARTS);
const ICON = asset(
  'icon.svg',
  'image/svg+xml',
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 28 28" fill="none"><rect width="28" height="28" rx="8" fill="#4338ca"/><g stroke="#fff" stroke-width="2" stroke-linecap="round"><circle cx="9" cy="18" r="3.2"/><circle cx="19" cy="10" r="3.2"/><path d="M12.3 15.4l3.4-2.8"/></g></svg>',
);
export const ICON_PATH = ICON.path;

/** Assets carry their hash in the path: they are kept for ever, and a new version has another path. */
export function createAssetRoutes(): Hono<CloudEnv> {
  const routes = new Hono<CloudEnv>();
  for (const { path, type, text } of [SCRIPT, STYLE, ICON]) {
    routes.get(path, (c) => c.body(text, 200, { 'content-type': type, 'cache-control': 'public, max-age=31536000, immutable' }));
  }
  return routes;
}
