/** The dashboard host's routes, put together: guards first, then what bearers may ask, then what cookies open. */
import type { HttpBindings } from '@hono/node-server';
import { Hono } from 'hono';
import { CodedError, messageOf } from '../../base/errors.ts';
import { createApi } from '../api/index.ts';
import type { CloudContext } from '../context.ts';
import { createAuthorizeRoutes } from '../oauth/authorize.ts';
import { createTokenRoute } from '../oauth/token.ts';
import { Problem } from '../problem.ts';
import { createSignIn } from '../sign-in/index.ts';
import { createInvitationRoutes } from '../sign-in/invitations.ts';
import type { CloudEnv } from './environment.ts';
import { guard, sameOrigin } from './guard.ts';
import { signInPath, withSession } from './sessions.ts';

export function createApp(context: CloudContext, more: readonly Hono<CloudEnv>[]): Hono<CloudEnv & { Bindings: HttpBindings }> {
  const { config, pages, log } = context;
  const app = new Hono<CloudEnv & { Bindings: HttpBindings }>();
  const answers = context.metrics.counter('http_responses_total', 'Answers of the dashboard host by status class');

  app.use(async (c, next) => {
    await next();
    answers.add({ status: `${Math.floor(c.res.status / 100)}xx` });
  });
  app.use(guard(config));

  app.onError(async (error, c) => {
    const problem = error instanceof Problem ? error : undefined;
    if (problem === undefined) {
      // The path may hold an invitation's secret: the route's pattern is enough.
      log.error('a request failed', { method: c.req.method, error: messageOf(error), ...(error instanceof CodedError ? { code: error.code } : {}) });
      context.metrics.counter('http_failures_total', 'Requests that failed by a fault of ours').add();
    }
    const status = problem?.status ?? 500;
    const message = problem?.message ?? 'Something went wrong here. Try again; the log of the cloud says more.';
    for (const [name, value] of Object.entries(problem?.headers ?? {})) c.header(name, value);
    if (c.req.path.startsWith('/api/') || c.req.path.startsWith('/oauth/token'))
      return c.json({ error: { code: problem?.code ?? 'internal', message } }, status);
    const link = status === 401 ? { href: signInPath('/'), label: 'Sign in' } : { href: '/', label: 'Go to the dashboard' };
    return c.html(await pages.message({ status, title: TITLES[status] ?? 'That did not work', message, nonce: c.get('nonce') ?? '', link }), status);
  });
  app.notFound(async (c) =>
    c.html(
      await pages.message({
        status: 404,
        title: 'Not found',
        message: 'There is no such page.',
        nonce: c.get('nonce') ?? '',
        link: { href: '/', label: 'Go to the dashboard' },
      }),
      404,
    ),
  );

  app.route('/', createTokenRoute(context));
  app.route('/', createApi(context));

  app.use(sameOrigin(config), withSession(context));
  const signIn = createSignIn(context);
  app.route('/', signIn.routes);
  app.route('/', createInvitationRoutes(context, signIn));
  app.route('/', createAuthorizeRoutes(context));
  for (const routes of more) app.route('/', routes);
  return app;
}

const TITLES: Record<number, string> = {
  401: 'Signed out',
  403: 'Not allowed',
  404: 'Not found',
  410: 'No longer valid',
  429: 'Too many tries',
  500: 'Something went wrong',
};
