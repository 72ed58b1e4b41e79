/** The dashboard: server-rendered pages that update themselves where JavaScript runs. */
import { Hono } from 'hono';
import type { CloudContext } from '../context.ts';
import type { CloudEnv } from '../http/environment.ts';
import { plainPages } from '../plain-pages.ts';

export const dashboardPages = plainPages;
export function createDashboard(_context: CloudContext): Hono<CloudEnv> {
  return new Hono<CloudEnv>();
}
