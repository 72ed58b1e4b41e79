/**
 * The dashboard: server-rendered pages that work without JavaScript. Where it runs, a small script keeps the list of intercepts
 * live and acts without reloading; the same list, made once for all who look at an organisation, is what it gets.
 */
import { Hono } from 'hono';
import type { CloudContext } from '../context.ts';
import type { CloudEnv, SignedInEnv } from '../http/environment.ts';
import { signedIn } from '../http/sessions.ts';
import { createAssetRoutes } from './assets.ts';
import { createLive } from './live.ts';
import { createDesk } from './routes/context.ts';
import { interceptRoutes } from './routes/intercepts.ts';
import { organisationRoutes } from './routes/organisation.ts';

export { dashboardPages } from './views/doors.ts';

export function createDashboard(context: CloudContext): Hono<CloudEnv> {
  const desk = createDesk(context, createLive(context));
  const pages = new Hono<SignedInEnv>();
  for (const path of ['/', '/events', '/visits', '/audit', '/organisation', '/organisations/new']) pages.use(path, signedIn(context));
  for (const area of ['intercepts', 'previews', 'clusters', 'members', 'keys', 'invitations-sent']) pages.use(`/${area}/*`, signedIn(context));
  pages.route('/', interceptRoutes(desk));
  pages.route('/', organisationRoutes(desk));
  const routes = new Hono<CloudEnv>();
  routes.route('/', createAssetRoutes());
  routes.route('/', pages as unknown as Hono<CloudEnv>);
  return routes;
}
