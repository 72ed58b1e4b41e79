import { Hono } from 'hono';
import { raw } from 'hono/html';
import { streamSSE } from 'hono/streaming';
import { readCookie, SESSION_COOKIE } from '../../http/cookies.ts';
import type { SignedInEnv } from '../../http/environment.ts';
import { Problem } from '../../problem.ts';
import type { AuditAction, AuditEntry } from '../../store/index.ts';
import { html } from '../html.ts';
import { END_SHOWN_MS, LIVE_BEAT_MS, LIVE_CHECK_MS, LOG_PAGE, RECENT_VISITS } from '../limits.ts';
import { readOverview } from '../rows.ts';
import { newOrganisationForm } from '../views/doors.ts';
import { actionForm, interceptPage } from '../views/intercept.ts';
import { visitsPage } from '../views/lists.ts';
import type { Desk, PageContext, Routes } from './context.ts';

/** The live list, one intercept, what is done to them, and who visited. */
export function interceptRoutes(desk: Desk): Routes {
  const { context, live } = desk;
  const { store, actions } = context;
  const routes: Routes = new Hono<SignedInEnv>();

  routes.get('/', async (c) => {
    const organisation = c.get('membership');
    if (organisation === undefined) {
      return desk.show(c, {
        title: 'Welcome',
        at: undefined,
        lead: 'You belong to no organisation yet. Make one for your team, or open an invitation that somebody sent you.',
        body: newOrganisationForm(desk.csrf(c)),
      });
    }
    const view = await live.view(organisation.id);
    return desk.show(c, {
      title: 'Intercepts',
      at: '/',
      lead: html`Who takes which requests, across the clusters of ${organisation.name}.`,
      aside: html`<p class="live" id="live-state" hidden></p>`,
      // Made by liveList(), which escapes.
      body: [actionForm(desk.csrf(c), '/'), html`<div id="live" class="live-region" data-events="/events">${raw(view.html)}</div>`],
    });
  });

  routes.get('/events', (c) => {
    const organisation = desk.membership(c);
    const secret = readCookie(c, SESSION_COOKIE, context.config.secure);
    const stillIn = async () => {
      const session = secret === undefined ? undefined : await store.sessions.find(secret);
      return session !== undefined && (await store.organisations.role(organisation.id, session.user.id)) !== undefined;
    };
    c.header('x-accel-buffering', 'no');
    return streamSSE(c, async (stream) => {
      const over = Promise.withResolvers<void>();
      stream.onAbort(over.resolve);
      const send = (event: string, data: string) => void stream.writeSSE({ event, data }).catch(over.resolve);
      const unsubscribe = live.subscribe(organisation.id, (fragment) => send('fragment', fragment));
      const beat = setInterval(() => void stream.write(': \n\n').catch(over.resolve), LIVE_BEAT_MS);
      const check = setInterval(() => {
        stillIn().then(
          (yes) => {
            if (yes) return;
            send('over', '');
            over.resolve();
          },
          // The database is away for a moment: the next look decides.
          () => {},
        );
      }, LIVE_CHECK_MS);
      try {
        await stream.writeSSE({ event: 'fragment', data: (await live.view(organisation.id)).html });
        await over.promise;
      } finally {
        clearInterval(beat);
        clearInterval(check);
        unsubscribe();
      }
    });
  });

  routes.get('/intercepts/:uid', async (c) => {
    const organisation = desk.membership(c);
    const { overview, traffic } = await live.view(organisation.id);
    const line = overview.rows.find(({ intercept }) => intercept.uid === c.req.param('uid'));
    if (line === undefined) throw new Problem(404, 'not-found', 'This intercept has ended.');
    const lists = await Promise.all(
      line.previews.map(({ id }) => store.audit.list(organisation.id, { actions: ['preview.visit'], subject: id, limit: RECENT_VISITS })),
    );
    const visits = lists
      .flat()
      .sort((a, b) => b.at - a.at)
      .slice(0, RECENT_VISITS);
    return desk.show(c, {
      title: line.intercept.name,
      at: '/',
      crumb: { href: '/', label: '← Intercepts' },
      body: [actionForm(desk.csrf(c), c.req.path), ...interceptPage(line, traffic, visits, context.now())],
    });
  });

  routes.post('/intercepts/:uid/end', async (c) => {
    await desk.form(c);
    const organisation = desk.membership(c);
    const { uid } = await actions.endIntercept(desk.actor(c), c.req.param('uid'));
    // The manager's next list lacks it: the page that follows should not show it any more.
    await gone(organisation.id, uid);
    return desk.done(c, '/', 'ended');
  });

  const gone = async (organisationId: string, uid: string): Promise<void> => {
    const there = async () => (await readOverview(context, organisationId)).rows.some(({ intercept }) => intercept.uid === uid);
    const changed = Promise.withResolvers<void>();
    const unsubscribe = context.feed.subscribe(organisationId, () => {
      there().then((still) => (still ? undefined : changed.resolve()), changed.resolve);
    });
    const timer = setTimeout(changed.resolve, END_SHOWN_MS);
    try {
      if (await there()) await changed.promise;
    } finally {
      clearTimeout(timer);
      unsubscribe();
    }
  };

  for (const [action, value] of [
    ['public', true],
    ['private', false],
  ] as const) {
    routes.post(`/previews/:id/${action}`, async (c) => {
      const { back } = await desk.form(c);
      await actions.setPreviewPublic(desk.actor(c), c.req.param('id'), value);
      return desk.done(c, back, action);
    });
  }
  routes.post('/previews/:id/remove', async (c) => {
    const { back } = await desk.form(c);
    await actions.removePreview(desk.actor(c), c.req.param('id'));
    return desk.done(c, back, 'removed');
  });

  routes.get('/visits', async (c) => {
    const { entries, next } = await logPage(desk, c, ['preview.visit']);
    return desk.show(c, {
      title: 'Visits',
      at: '/visits',
      lead: 'Who opened which preview: a row for each visitor’s stay.',
      body: visitsPage(entries, context.now(), next),
    });
  });
  return routes;
}

/** One page of the audit log, and the address of the next. */
export async function logPage(desk: Desk, c: PageContext, actions?: readonly AuditAction[]): Promise<{ entries: AuditEntry[]; next: string | undefined }> {
  const before = Number(c.req.query('before'));
  const entries = await desk.context.store.audit.list(desk.membership(c).id, {
    ...(actions === undefined ? {} : { actions }),
    ...(Number.isSafeInteger(before) && before > 0 ? { before } : {}),
    limit: LOG_PAGE,
  });
  const last = entries.at(-1);
  const url = new URL(c.req.url);
  if (last !== undefined) url.searchParams.set('before', String(last.at));
  return { entries, next: entries.length < LOG_PAGE ? undefined : url.pathname + url.search };
}
