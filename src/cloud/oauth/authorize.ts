/**
 * The authorization server for the command line (RFC 6749, 7636, 8252): one public client, loopback redirects, PKCE always. The
 * browser shows who asks and for which organisation before it gives a code.
 */
import { Hono } from 'hono';
import { OAUTH_AUTHORIZE_PATH, OAUTH_CALLBACK_PATH, OAUTH_CLIENT_ID } from '../../protocol/cloud.ts';
import type { CloudContext } from '../context.ts';
import type { CloudContextOf, SignedInEnv } from '../http/environment.ts';
import { readForm, uniqueParams } from '../http/forms.ts';
import { checkCsrf, csrfToken, localPath, signedIn } from '../http/sessions.ts';
import { CSRF_FIELD } from '../pages.ts';
import { Problem } from '../problem.ts';

/** What a client asks for, checked. */
interface AuthorizeRequest {
  redirectUri: string;
  state: string;
  challenge: string;
}

const CHALLENGE = /^[A-Za-z0-9_-]{43}$/;
const STATE = /^[\x20-\x7e]{8,512}$/;

/** `http://127.0.0.1:PORT/callback` and the same on ::1, exactly: nothing but the machine of the browser gets a code. */
export function isLoopbackRedirect(uri: string | undefined): uri is string {
  const match = /^http:\/\/(?:127\.0\.0\.1|\[::1\]):([1-9]\d{0,4})(\/[a-z]+)$/.exec(uri ?? '');
  return match !== null && Number(match[1]) <= 65_535 && match[2] === OAUTH_CALLBACK_PATH;
}

/** Faults of the first kind are shown, for nobody can be trusted with them; the others go back to the client (RFC 6749 4.1.2.1). */
function parseRequest(
  params: Record<string, string>,
): AuthorizeRequest | { redirectUri: string; error: string; description: string; state: string | undefined } {
  if (params['client_id'] !== OAUTH_CLIENT_ID) throw new Problem(400, 'client', 'The program that sent you here is not known.');
  const redirectUri = params['redirect_uri'];
  if (!isLoopbackRedirect(redirectUri))
    throw new Problem(400, 'redirect-uri', 'The program that sent you here wants to be answered elsewhere than on this computer.');
  const state = params['state'];
  const fault = (error: string, description: string) => ({ redirectUri, error, description, state });
  if (state === undefined || !STATE.test(state))
    return { redirectUri, error: 'invalid_request', description: 'state is missing or malformed', state: undefined };
  if (params['response_type'] !== 'code') return fault('unsupported_response_type', 'response_type must be code');
  if (params['code_challenge_method'] !== 'S256') return fault('invalid_request', 'code_challenge_method must be S256');
  const challenge = params['code_challenge'];
  if (challenge === undefined || !CHALLENGE.test(challenge)) return fault('invalid_request', 'code_challenge is missing or malformed');
  return { redirectUri, state, challenge };
}

function answer(redirectUri: string, issuer: string, params: Record<string, string | undefined>): string {
  const url = new URL(redirectUri);
  for (const [name, value] of Object.entries(params)) if (value !== undefined) url.searchParams.set(name, value);
  url.searchParams.set('iss', issuer);
  return url.href;
}

export function createAuthorizeRoutes(context: CloudContext): Hono<SignedInEnv> {
  const { config, store, pages } = context;
  const routes = new Hono<SignedInEnv>();
  routes.use(OAUTH_AUTHORIZE_PATH, signedIn(context));
  routes.use('/organisations', signedIn(context));

  routes.get(OAUTH_AUTHORIZE_PATH, async (c) => {
    const url = new URL(c.req.url);
    const params = uniqueParams(url.searchParams);
    const request = parseRequest(params);
    if ('error' in request) {
      return c.redirect(answer(request.redirectUri, config.url, { error: request.error, error_description: request.description, state: request.state }), 303);
    }
    // Browsers hold form-action against redirects that follow the form too.
    c.get('allow').set('form-action', new URL(request.redirectUri).origin);
    const { user } = c.get('session');
    const fields = Object.fromEntries(
      ['response_type', 'client_id', 'redirect_uri', 'state', 'code_challenge', 'code_challenge_method'].map((name) => [name, params[name] ?? '']),
    );
    return c.html(
      await pages.authorize({
        csrf: csrfToken(c as unknown as CloudContextOf, context),
        nonce: c.get('nonce'),
        user,
        organisations: c.get('memberships'),
        chosen: c.get('membership')?.id,
        action: OAUTH_AUTHORIZE_PATH,
        fields,
        createOrganisation: '/organisations',
        next: url.pathname + url.search,
      }),
    );
  });

  routes.post(OAUTH_AUTHORIZE_PATH, async (c) => {
    const form = await readForm(c);
    checkCsrf(c as unknown as CloudContextOf, context, form[CSRF_FIELD]);
    const request = parseRequest(form);
    if ('error' in request) throw new Problem(400, 'authorize', `The program that sent you here asks wrongly: ${request.description}.`);
    const { redirectUri, state, challenge } = request;
    c.get('allow').set('form-action', new URL(redirectUri).origin);
    if (form['decision'] !== 'allow') {
      return c.redirect(answer(redirectUri, config.url, { error: 'access_denied', error_description: 'access was denied in the browser', state }), 303);
    }
    const membership = c.get('memberships').find(({ id }) => id === form['organisation']);
    if (membership === undefined) throw new Problem(403, 'organisation', 'You are no member of that organisation.');
    const { hash, user } = c.get('session');
    await store.sessions.choose(hash, membership.id);
    const code = await store.oauthCodes.create({ userId: user.id, organisationId: membership.id, redirectUri, challenge });
    return c.redirect(answer(redirectUri, config.url, { code, state }), 303);
  });

  routes.post('/organisations', async (c) => {
    const form = await readForm(c);
    checkCsrf(c as unknown as CloudContextOf, context, form[CSRF_FIELD]);
    const { user, hash } = c.get('session');
    const organisation = await context.actions.createOrganisation(user, c.get('address'), form['name']);
    await store.sessions.choose(hash, organisation.id);
    return c.redirect(localPath(form['next']), 303);
  });

  return routes;
}
