import { createHash } from 'node:crypto';
import { Hono } from 'hono';
import { OAUTH_CLIENT_ID, OAUTH_TOKEN_PATH, type TokenAnswer } from '../../protocol/cloud.ts';
import type { CloudContext } from '../context.ts';
import type { CloudEnv } from '../http/environment.ts';
import { readForm } from '../http/forms.ts';
import { Problem } from '../problem.ts';
import { sameSecret } from '../secrets.ts';

const VERIFIER = /^[A-Za-z0-9._~-]{43,128}$/;

/** Turns a code into an access token. The code is used up by the first try, right or wrong; a second takes back what the first gave. */
export function createTokenRoute(context: CloudContext): Hono<CloudEnv> {
  const { store, limits, log } = context;
  const routes = new Hono<CloudEnv>();

  routes.post(OAUTH_TOKEN_PATH, async (c) => {
    const address = c.get('address');
    const refuse = async (error: string, description: string) => {
      await limits.take('token', address);
      return c.json({ error, error_description: description }, 400);
    };
    let form: Record<string, string>;
    try {
      await limits.check('token', address);
      form = await readForm(c);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      for (const [name, value] of Object.entries(error.headers)) c.header(name, value);
      return c.json({ error: error.status === 429 ? 'slow_down' : 'invalid_request', error_description: error.message }, error.status);
    }
    if (form['grant_type'] !== 'authorization_code') return refuse('unsupported_grant_type', 'grant_type must be authorization_code');
    if (form['client_id'] !== OAUTH_CLIENT_ID) return refuse('invalid_client', 'client_id is not known');
    const verifier = form['code_verifier'] ?? '';
    const taken = await store.oauthCodes.take(form['code'] ?? '');
    if (taken !== undefined && 'replayed' in taken) {
      await store.tokens.revokeOfCode(taken.replayed);
      log.warn('an authorization code was used twice: the token it gave is revoked', { address });
      await store.audit.write({ organisationId: null, actor: 'unknown', action: 'token.replay', subject: 'authorization code', address });
      return refuse('invalid_grant', 'the code was used before');
    }
    if (taken === undefined) return refuse('invalid_grant', 'the code is not known, or too old');
    const { code } = taken;
    if (code.redirectUri !== form['redirect_uri']) return refuse('invalid_grant', 'redirect_uri is not the one of the authorization');
    if (!VERIFIER.test(verifier) || !sameSecret(createHash('sha256').update(verifier).digest('base64url'), code.challenge)) {
      return refuse('invalid_grant', 'code_verifier does not fit');
    }
    const [user, organisation, role] = await Promise.all([
      store.users.find(code.userId),
      store.organisations.find(code.organisationId),
      store.organisations.role(code.organisationId, code.userId),
    ]);
    if (user === undefined || organisation === undefined || role === undefined) return refuse('invalid_grant', 'the membership is gone');
    const { id, token } = await store.tokens.create({
      kind: 'access',
      userId: user.id,
      organisationId: organisation.id,
      name: 'telepresence',
      codeHash: code.hash,
    });
    await store.audit.write({
      organisationId: organisation.id,
      userId: user.id,
      actor: user.name,
      action: 'token.create',
      subject: id,
      detail: { kind: 'access' },
      address,
    });
    return c.json({ access_token: token, token_type: 'Bearer', user: { ...user }, organisation: { ...organisation } } satisfies TokenAnswer);
  });

  return routes;
}
