/** Links that make members: for somebody who has an account, a provider's account, or none yet. The first administrator's is one of them. */
import { Hono } from 'hono';
import { checkedName, invitationPath } from '../actions.ts';
import type { CloudContext } from '../context.ts';
import type { CloudContextOf, CloudEnv } from '../http/environment.ts';
import { readForm } from '../http/forms.ts';
import { beginSession, checkCsrf, csrfToken, signInPath } from '../http/sessions.ts';
import { CSRF_FIELD } from '../pages.ts';
import { Problem } from '../problem.ts';
import type { Invitation, User } from '../store/index.ts';
import type { SignIn } from './index.ts';
import { checkPassword, hashPassword } from './password.ts';

/** Name of the first organisation until its administrator gives one. */
export const FIRST_ORGANISATION = 'My organisation';
const EMAIL = /^[^\s@\p{Cc}]{1,64}@[^\s@\p{Cc}]{1,190}$/u;

export function createInvitationRoutes(context: CloudContext, signIn: SignIn): Hono<CloudEnv> {
  const { config, store, feed, limits, pages } = context;
  const routes = new Hono<CloudEnv>();

  const find = async (c: CloudContextOf, token: string): Promise<Invitation & { first: boolean }> => {
    await limits.check('invitation', c.get('address'));
    const invitation = await store.invitations.find(token);
    if (invitation === undefined) {
      await limits.take('invitation', c.get('address'));
      throw new Problem(410, 'invitation', 'This invitation was used, withdrawn, or is too old. Ask for another one.');
    }
    return { ...invitation, first: (await store.organisations.members(invitation.organisationId)).length === 0 };
  };

  const page = async (
    c: CloudContextOf,
    token: string,
    invitation: Invitation & { first: boolean },
    values = { name: '', email: invitation.email ?? '', organisation: '' },
    problem?: Problem,
  ) => {
    const path = invitationPath(token);
    const user = c.get('session')?.user;
    return c.html(
      await pages.invitation({
        csrf: csrfToken(c, context),
        nonce: c.get('nonce'),
        organisation: invitation.organisationName,
        role: invitation.role,
        first: invitation.first,
        user: user === undefined ? undefined : { name: user.name },
        accept: path,
        providers: signIn.choices(path),
        signIn: signInPath(path),
        create: config.local ? `${path}/account` : undefined,
        values,
        error: problem?.message,
      }),
      problem?.status ?? 200,
    );
  };

  const join = async (c: CloudContextOf, token: string, invitation: { first: boolean }, user: User, organisationName: string | undefined) => {
    const name =
      invitation.first && organisationName !== undefined && organisationName.trim() !== '' ? checkedName(organisationName, 'An organisation') : undefined;
    const accepted = await store.invitations.accept(token, user.id);
    if (accepted === undefined) throw new Problem(410, 'invitation', 'This invitation was used at the same time.');
    const { organisationId } = accepted;
    if (name !== undefined) await store.organisations.rename(organisationId, name);
    await store.audit.write({
      organisationId,
      userId: user.id,
      actor: user.name,
      action: 'invitation.accept',
      subject: accepted.id,
      address: c.get('address'),
    });
    feed.publish({ organisationId, kind: 'members' });
    return organisationId;
  };

  routes.get('/invitations/:token', async (c) => page(c, c.req.param('token'), await find(c, c.req.param('token'))));

  routes.post('/invitations/:token', async (c) => {
    const form = await readForm(c);
    checkCsrf(c, context, form[CSRF_FIELD]);
    const session = c.get('session');
    const token = c.req.param('token');
    if (session === undefined) return c.redirect(signInPath(invitationPath(token)), 303);
    const organisationId = await join(c, token, await find(c, token), session.user, form['organisation']);
    await store.sessions.choose(session.hash, organisationId);
    return c.redirect('/', 303);
  });

  routes.post('/invitations/:token/account', async (c) => {
    const form = await readForm(c);
    checkCsrf(c, context, form[CSRF_FIELD]);
    if (!config.local) throw new Problem(404, 'not-found', 'There are no local accounts here.');
    const token = c.req.param('token');
    const invitation = await find(c, token);
    await limits.take('invitation', c.get('address'));
    const values = { name: form['name'] ?? '', email: (form['email'] ?? '').trim(), organisation: form['organisation'] ?? '' };
    try {
      const name = checkedName(values.name, 'An account');
      if (!EMAIL.test(values.email)) throw new Problem(400, 'email', 'That is no email address.');
      const password = await hashPassword(checkPassword(form['password'], { name, email: values.email }));
      const user = await store.users.createLocal({ name, email: values.email, password });
      if (user === undefined) throw new Problem(409, 'email', 'There is an account of that address already: sign in with it instead.');
      await join(c, token, invitation, user, values.organisation);
      await beginSession(c, context, user.id);
    } catch (error) {
      if (error instanceof Problem && error.status !== 410) return page(c, token, invitation, values, error);
      throw error;
    }
    return c.redirect('/', 303);
  });

  return routes;
}

/** While nobody has an account: a link that makes the first administrator. Links of earlier starts are worth nothing then. */
export async function firstAdministratorLink({ config, store }: Pick<CloudContext, 'config' | 'store'>): Promise<string | undefined> {
  if ((await store.users.count()) > 0) return undefined;
  const organisation = await store.organisations.first(FIRST_ORGANISATION);
  for (const { id } of await store.invitations.open(organisation.id)) await store.invitations.withdraw(organisation.id, id);
  const { token } = await store.invitations.create({ organisationId: organisation.id, role: 'owner', email: null, createdBy: null });
  return config.url + invitationPath(token);
}
