import { Hono } from 'hono';
import type { SignedInEnv } from '../../http/environment.ts';
import { Problem } from '../../problem.ts';
import { AUDIT_ACTIONS } from '../../store/audit.ts';
import type { Part } from '../html.ts';
import { newOrganisationForm } from '../views/doors.ts';
import { AUDIT_GROUPS, auditPage, clustersPage, keysPage, membersPage, secretCard } from '../views/lists.ts';
import type { Desk, PageContext, Routes } from './context.ts';
import { logPage } from './intercepts.ts';

/** Clusters, members, keys, the audit log, and which organisation is looked at. */
export function organisationRoutes(desk: Desk): Routes {
  const { context } = desk;
  const { store, actions, links } = context;
  const routes: Routes = new Hono<SignedInEnv>();

  const clusters = async (c: PageContext, secret: Part = '') => {
    const organisation = desk.membership(c);
    const [all, linkRows, intercepts] = await Promise.all([
      store.clusters.list(organisation.id),
      store.links.ofOrganisation(organisation.id),
      links.intercepts(organisation.id),
    ]);
    const views = all.map((cluster) => ({
      cluster,
      links: linkRows.filter(({ clusterId }) => clusterId === cluster.id),
      intercepts: intercepts.filter(({ clusterId }) => clusterId === cluster.id).length,
    }));
    return desk.show(c, {
      title: 'Clusters',
      at: '/clusters',
      lead: 'Each cluster’s traffic manager connects here by itself; nothing has to reach into the cluster.',
      body: clustersPage(views, organisation.role === 'owner', desk.csrf(c), context.now(), secret),
    });
  };
  routes.get('/clusters', (c) => clusters(c));
  routes.post('/clusters', async (c) => {
    const form = await desk.form(c);
    const uid = form['uid']?.trim() ?? '';
    if (!/^[A-Za-z0-9-]{1,100}$/.test(uid))
      throw new Problem(400, 'cluster', 'A cluster id is the uid of the namespace kube-system: letters, digits and dashes.');
    const name = form['name']?.trim() ?? '';
    if (name === '' || name.length > 253) throw new Problem(400, 'name', 'A cluster needs a name.');
    const { token } = await actions.registerCluster(desk.actor(c), { uid, name });
    return clusters(c, secretCard(`The link token of ${name}`, token, 'the token', 'It is shown this once. All it can do is serve this cluster’s previews.'));
  });
  routes.post('/clusters/:id/remove', async (c) => {
    await desk.form(c);
    await actions.removeCluster(desk.actor(c), c.req.param('id'));
    return desk.done(c, '/clusters', 'cluster-removed');
  });

  const members = async (c: PageContext, secret: Part = '') => {
    const organisation = desk.membership(c);
    const [list, invitations] = await Promise.all([store.organisations.members(organisation.id), store.invitations.open(organisation.id)]);
    return desk.show(c, {
      title: 'Members',
      at: '/members',
      lead: `Members of ${organisation.name} see its intercepts and open its private previews.`,
      body: membersPage({ members: list, invitations, organisation, me: c.get('session').user.id, csrf: desk.csrf(c), now: context.now(), secret }),
    });
  };
  const roleOf = (form: Record<string, string>) => (form['role'] === 'owner' ? 'owner' : 'member');
  routes.get('/members', (c) => members(c));
  routes.post('/members/invite', async (c) => {
    const form = await desk.form(c);
    const email = form['email']?.trim() ?? '';
    if (email.length > 254) throw new Problem(400, 'email', 'That is no email address.');
    const link = await actions.invite(desk.actor(c), { role: roleOf(form), email: email === '' ? null : email });
    return members(
      c,
      secretCard(
        email === '' ? 'An invitation' : `The invitation for ${email}`,
        link,
        'the link',
        'Send it to them. It is shown this once, works once, and ends in seven days.',
      ),
    );
  });
  routes.post('/members/rename', async (c) => {
    const form = await desk.form(c);
    await actions.renameOrganisation(desk.actor(c), form['name']);
    return desk.done(c, '/members', 'renamed');
  });
  routes.post('/members/:id/role', async (c) => {
    const form = await desk.form(c);
    await actions.setRole(desk.actor(c), c.req.param('id'), roleOf(form));
    return desk.done(c, '/members', 'role');
  });
  routes.post('/members/:id/remove', async (c) => {
    await desk.form(c);
    await actions.removeMember(desk.actor(c), c.req.param('id'));
    return c.req.param('id') === c.get('session').user.id ? desk.done(c, '/', 'left') : desk.done(c, '/members', 'member-removed');
  });
  routes.post('/invitations-sent/:id/withdraw', async (c) => {
    await desk.form(c);
    await actions.withdrawInvitation(desk.actor(c), c.req.param('id'));
    return desk.done(c, '/members', 'withdrawn');
  });

  const keys = async (c: PageContext, secret: Part = '') => {
    const tokens = await store.tokens.list(c.get('session').user.id, desk.membership(c).id);
    return desk.show(c, {
      title: 'Access',
      at: '/keys',
      lead: 'What may act in your name, in this organisation.',
      body: keysPage(tokens, desk.csrf(c), context.now(), secret),
    });
  };
  routes.get('/keys', (c) => keys(c));
  routes.post('/keys', async (c) => {
    const form = await desk.form(c);
    const key = await actions.createApiKey(desk.actor(c), form['name']);
    return keys(c, secretCard(`The key “${form['name']?.trim() ?? ''}”`, key, 'the key', 'It is shown this once. Keep it like a password.'));
  });
  routes.post('/keys/:id/revoke', async (c) => {
    await desk.form(c);
    await actions.revokeToken(desk.actor(c), c.req.param('id'));
    return desk.done(c, '/keys', 'revoked');
  });

  routes.get('/audit', async (c) => {
    const asked = c.req.query('kind') ?? '';
    const kind = AUDIT_GROUPS.some(([id]) => id === asked) ? asked : '';
    const prefixes = kind === 'member' ? ['member', 'invitation', 'organisation'] : [kind];
    const wanted = AUDIT_ACTIONS.filter((action) => prefixes.includes(action.split('.')[0] ?? ''));
    const { entries, next } = await logPage(desk, c, ...(kind === '' ? [] : [wanted]));
    return desk.show(c, {
      title: 'Audit log',
      at: '/audit',
      lead: 'What was done in this organisation, by whom, and from where. Kept for a year.',
      body: auditPage(entries, kind, context.now(), next),
    });
  });

  routes.get('/organisations/new', (c) =>
    desk.show(c, {
      title: 'New organisation',
      at: undefined,
      lead: 'Intercepts, previews and clusters belong to one organisation; you may be in several.',
      body: newOrganisationForm(desk.csrf(c)),
    }),
  );
  routes.post('/organisation', async (c) => {
    const form = await desk.form(c);
    const chosen = c.get('memberships').find(({ id }) => id === form['organisation']);
    if (chosen === undefined) throw new Problem(403, 'organisation', 'You are no member of that organisation.');
    await store.sessions.choose(c.get('session').hash, chosen.id);
    return c.redirect('/', 303);
  });
  return routes;
}
