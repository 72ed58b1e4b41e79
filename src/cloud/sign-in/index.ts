/**
 * Signing in and out: local accounts, GitHub, any OpenID provider. Whatever the way, it ends in a new session (a cookie that was
 * there before means nothing) and goes on to `next`, which is a path of the dashboard and nothing else.
 */
import { Hono } from 'hono';
import { CodedError, messageOf } from '../../base/errors.ts';
import type { CloudContext } from '../context.ts';
import { readCookie, VISITOR_COOKIE } from '../http/cookies.ts';
import type { CloudContextOf, CloudEnv } from '../http/environment.ts';
import { readForm } from '../http/forms.ts';
import { beginSession, checkCsrf, csrfToken, endSession, localPath, SIGN_IN_PATH, visitorSecret } from '../http/sessions.ts';
import { CSRF_FIELD, type ProviderChoice } from '../pages.ts';
import { DASHBOARD_ENTER_PATH } from '../preview/access.ts';
import { Problem } from '../problem.ts';
import { normalEmail } from '../store/users.ts';
import { resumeFlow, startFlow } from './flow.ts';
import { createGithubProvider } from './github.ts';
import { createOidcProvider } from './oidc.ts';
import { verifyPassword } from './password.ts';
import { callbackPath, type SignInProvider } from './provider.ts';

export interface SignIn {
  readonly routes: Hono<CloudEnv>;
  /** Links that begin a sign-in and come back to `next`. */
  choices(next: string): ProviderChoice[];
}

export function createSignIn(context: CloudContext): SignIn {
  const { config, store, limits, pages, log } = context;
  const { github, oidc } = config.providers;
  const providers: SignInProvider[] = [
    ...(github === undefined ? [] : [createGithubProvider(github, config)]),
    ...oidc.map((settings) => createOidcProvider(settings, config)),
  ];
  const signIns = context.metrics.counter('sign_ins_total', 'Sign-ins by provider and result');
  const choices = (next: string) => providers.map(({ name, label }) => ({ href: `${SIGN_IN_PATH}/${name}?next=${encodeURIComponent(next)}`, label }));

  /** Browsers hold form-action against redirects that follow the form: here the way into a private preview. */
  const allowPreviews = (c: CloudContextOf, next: string): CloudContextOf => {
    const scheme = config.secure ? 'https' : 'http';
    if (next.startsWith(DASHBOARD_ENTER_PATH)) c.get('allow').set('form-action', `${scheme}://*.${config.preview.domain}${config.preview.port}`);
    return c;
  };
  const page = async (c: CloudContextOf, next: string, failed?: { error: string; email: string; status: Problem['status'] }) =>
    allowPreviews(c, next).html(
      await pages.signIn({
        csrf: csrfToken(c, context),
        nonce: c.get('nonce'),
        providers: choices(next),
        local: config.local ? { action: SIGN_IN_PATH, email: failed?.email ?? '' } : undefined,
        next,
        error: failed?.error,
      }),
      failed?.status ?? 200,
    );
  const failed = async (c: CloudContextOf, provider: string, account: string, why: string) => {
    signIns.add({ provider, result: 'refused' });
    log.info('a sign-in was refused', { provider, address: c.get('address'), why });
    await store.audit.write({ organisationId: null, actor: account, action: 'user.sign-in-failed', subject: provider, address: c.get('address') });
  };
  const succeeded = async (c: CloudContextOf, provider: string, user: { id: string; name: string }) => {
    await beginSession(c, context, user.id);
    signIns.add({ provider, result: 'ok' });
    for (const { id } of await store.organisations.of(user.id)) {
      await store.audit.write({ organisationId: id, userId: user.id, actor: user.name, action: 'user.sign-in', subject: provider, address: c.get('address') });
    }
  };

  const routes = new Hono<CloudEnv>();

  routes.get(SIGN_IN_PATH, async (c) => {
    const next = localPath(c.req.query('next'));
    return c.get('session') === undefined ? page(c, next) : c.redirect(next, 303);
  });

  routes.post(SIGN_IN_PATH, async (c) => {
    const form = await readForm(c);
    checkCsrf(c, context, form[CSRF_FIELD]);
    if (!config.local) throw new Problem(404, 'not-found', 'There are no local accounts here.');
    const next = localPath(form['next']);
    const email = normalEmail(form['email'] ?? '');
    const address = c.get('address');
    try {
      // Points are taken before the password is looked at: many tries at the same time get no further than one after the other.
      await limits.take('sign-in-address', address);
      await limits.take('sign-in-account', email);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      c.header('retry-after', error.headers['retry-after']);
      return page(c, next, { error: error.message, email, status: error.status });
    }
    const account = await store.users.findLocal(email);
    if (!(await verifyPassword(form['password'] ?? '', account?.password)) || account === undefined) {
      await failed(c, 'local', email.slice(0, 200), 'wrong password');
      return page(c, next, { error: 'The email or the password is wrong.', email, status: 401 });
    }
    await succeeded(c, 'local', account);
    return c.redirect(next, 303);
  });

  routes.post('/sign-out', async (c) => {
    checkCsrf(c, context, (await readForm(c))[CSRF_FIELD]);
    const session = c.get('session');
    if (session?.organisationId) {
      await store.audit.write({
        organisationId: session.organisationId,
        userId: session.user.id,
        actor: session.user.name,
        action: 'user.sign-out',
        subject: session.user.id,
        address: c.get('address'),
      });
    }
    await endSession(c, context);
    return c.redirect(SIGN_IN_PATH, 303);
  });

  for (const provider of providers) {
    routes.get(`${SIGN_IN_PATH}/${provider.name}`, async (c) => {
      await limits.take('sign-in-provider', c.get('address'));
      const flow = startFlow(visitorSecret(c, context), provider.name, localPath(c.req.query('next')), context.now());
      try {
        return c.redirect((await provider.authorizeUrl(flow)).href, 303);
      } catch (error) {
        log.warn('a sign-in provider does not answer', { provider: provider.name, error: messageOf(error) });
        throw new Problem(502, 'provider', `${provider.label} can't be reached now. Try again in a minute.`);
      }
    });

    routes.get(callbackPath(provider.name), async (c) => {
      await limits.take('sign-in-provider', c.get('address'));
      const flow = resumeFlow(readCookie(c, VISITOR_COOKIE, config.secure), provider.name, c.req.query('state'), context.now());
      if (flow === undefined) {
        await failed(c, provider.name, 'unknown', 'state');
        throw new Problem(400, 'state', 'This sign-in was not begun in this browser, or too long ago. Sign in again.');
      }
      let found: Awaited<ReturnType<SignInProvider['finish']>>;
      try {
        found = await provider.finish(new URL(config.url + new URL(c.req.url).pathname + new URL(c.req.url).search), flow);
      } catch (error) {
        await failed(c, provider.name, 'unknown', messageOf(error));
        if (error instanceof Problem || error instanceof CodedError) throw error;
        throw new Problem(400, 'provider', `${provider.label} did not confirm who you are. Sign in again.`);
      }
      const user = await store.users.fromIdentity({ provider: provider.name, subject: found.subject, name: found.name, email: found.email });
      if (found.organisations !== undefined) await store.organisations.sync(user.id, provider.name, found.organisations);
      await succeeded(c, provider.name, user);
      return c.redirect(flow.next, 303);
    });
  }

  return { routes, choices };
}
