import { Hono } from 'hono';
import type { CloudContext } from '../context.ts';
import type { SignedInEnv } from '../http/environment.ts';
import { signedIn } from '../http/sessions.ts';
import { Problem } from '../problem.ts';
import { DASHBOARD_ENTER_PATH, PREVIEW_ENTER_PATH } from './access.ts';

/** The dashboard's part of the way into a private preview: a member gets a grant for one use, and goes back with it. */
export function createEnterRoute(context: Pick<CloudContext, 'store' | 'config'>, previewUrl: (label: string) => string): Hono<SignedInEnv> {
  const { store } = context;
  const routes = new Hono<SignedInEnv>();
  routes.get(DASHBOARD_ENTER_PATH, signedIn(context), async (c) => {
    const { user, hash } = c.get('session');
    const preview = await store.previews.byLabel(c.req.query('label') ?? '');
    if (preview === undefined) throw new Problem(404, 'TP-PREVIEW-UNKNOWN', 'There is no such preview, or it ended a while ago.');
    if ((await store.organisations.role(preview.organisationId, user.id)) === undefined) {
      throw new Problem(
        403,
        'TP-PREVIEW-FORBIDDEN',
        `This preview is private to another organisation, and ${user.name} is no member of it. Ask its owner to invite you, or to make it public.`,
      );
    }
    const grant = await store.previewSessions.grant({ previewId: preview.id, userId: user.id, sessionHash: hash, path: c.req.query('path') ?? '/' });
    const query = new URLSearchParams({ grant, state: c.req.query('state') ?? '' });
    return c.redirect(`${previewUrl(preview.label)}${PREVIEW_ENTER_PATH}?${query}`, 303);
  });
  return routes;
}
