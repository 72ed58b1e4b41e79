/** Clusters, members, keys, visits and the audit log. */
import type { AuditEntry, Cluster, Invitation, LinkRow, Member, Membership, TokenInfo } from '../../store/index.ts';
import { avatar, cell, copyable, count, emptyState, field, type Html, html, type Part, pill, row, table, time, until } from '../html.ts';
import { icon } from '../icons.ts';
import { csrfField } from '../layout.ts';
import { visitTable } from './intercept.ts';

/** Something that is shown once and never again. */
export function secretCard(title: string, text: string, label: string, note: string): Html {
  return html`<section class="card secret" role="status"><div class="body"><h2>${title}</h2>${copyable(text, label)}<p class="small-text soft">${note}</p></div></section>`;
}

/** A question that must be answered before something is taken away. */
function removal(id: string, options: { button: Part; title: string; text: string; action: string; yes: string; csrf: string }): Html {
  return html`<button type="button" class="ghost" popovertarget="${id}">${options.button}</button><div popover id="${id}" class="popover" role="dialog" aria-label="${options.title}"><h2>${options.title}</h2><p>${options.text}</p>
<form class="actions" method="post" action="${options.action}">${csrfField(options.csrf)}<button type="button" class="plain" popovertarget="${id}" popovertargetaction="hide">Keep</button><button class="danger solid">${options.yes}</button></form></div>`;
}

export interface ClusterView {
  cluster: Cluster;
  links: LinkRow[];
  intercepts: number;
}
export function clustersPage(views: readonly ClusterView[], owner: boolean, csrf: string, now: number, secret: Part): Part[] {
  const rows = views.map(({ cluster, links, intercepts }) => {
    const versions = [...new Set(links.map(({ version }) => version))].join(', ');
    return row([
      cell(
        '',
        html`<div class="stack"><span class="strong">${cluster.name}</span><span class="small-text soft clip"><code>${cluster.uid}</code></span></div>`,
        'full',
      ),
      cell('Link', links.length > 0 ? pill('good', 'Connected') : pill('calm', 'Not connected')),
      cell(
        'Traffic manager',
        links.length > 0
          ? html`<div class="stack"><span>${versions}</span><span class="small-text soft">${count(links.length, 'replica')}</span></div>`
          : html`<span class="faint">–</span>`,
      ),
      cell('Intercepts', html`<span class="number">${intercepts}</span>`),
      cell('Last seen', links.length > 0 ? 'now' : time(cluster.seenAt, now)),
      cell(
        '',
        owner
          ? removal(`remove-${cluster.id}`, {
              button: html`Remove<span class="sr"> ${cluster.name}</span>`,
              title: `Remove ${cluster.name}?`,
              text: 'Its link is cut and its previews end. Intercepts go on. The cluster comes back when somebody who is logged in connects to it.',
              action: `/clusters/${cluster.id}/remove`,
              yes: 'Remove cluster',
              csrf,
            })
          : '',
        'end',
      ),
    ]);
  });
  return [
    secret,
    html`<section class="card">${
      rows.length === 0
        ? emptyState(
            icon('clusters'),
            'No cluster yet',
            html`<p>A cluster appears when somebody who is logged in connects to it, if its traffic manager knows this address.</p><div class="terminal"><code>telepresence login</code><code>telepresence connect</code></div>`,
          )
        : table({ label: 'Clusters', columns: ['Cluster', 'Link', 'Traffic manager', 'Intercepts', 'Last seen', '-Remove'], rows })
    }</section>`,
    html`<section class="card"><header><h2>Connect a cluster by hand</h2><p>For clusters that nobody logs in from. The token goes into the Secret <code>telepresence-cloud</code> of the traffic manager’s namespace, under the key <code>token</code>. A new token for a cluster that is there makes the old one worthless.</p></header>
<form class="body" method="post" action="/clusters">${csrfField(csrf)}<div class="inline top">${field({ label: 'Name', name: 'name' })}${field({ label: 'Cluster id', name: 'uid', hint: html`<code>kubectl get ns kube-system -o jsonpath={.metadata.uid}</code>` })}</div><div class="actions"><button class="plain">Create token</button></div></form></section>`,
  ];
}

export function membersPage(options: {
  members: readonly Member[];
  invitations: readonly Invitation[];
  organisation: Membership;
  me: string;
  csrf: string;
  now: number;
  secret: Part;
}): Part[] {
  const { members, invitations, organisation, me, csrf, now, secret } = options;
  const owner = organisation.role === 'owner';
  const memberRows = members.map((member) =>
    row([
      cell(
        '',
        html`<div class="person">${avatar(member.name)}<div class="stack"><span class="strong">${member.name}${member.id === me ? html` <span class="soft">(you)</span>` : ''}</span><span class="small-text soft clip">${member.email ?? ''}</span></div></div>`,
        'full',
      ),
      cell(
        'Role',
        owner && member.id !== me
          ? html`<form class="inline-form" method="post" action="/members/${member.id}/role">${csrfField(csrf)}<select class="compact" name="role" aria-label="Role of ${member.name}" data-submit><option value="member" ${
              member.role === 'member' ? 'selected' : ''
            }>Member</option><option value="owner" ${member.role === 'owner' ? 'selected' : ''}>Owner</option></select><noscript><button class="ghost small">Save</button></noscript></form>`
          : member.role === 'owner'
            ? 'Owner'
            : 'Member',
      ),
      cell('Through', member.source === 'manual' ? 'invitation' : member.source),
      cell('Joined', time(member.createdAt, now)),
      cell(
        '',
        owner || member.id === me
          ? removal(`remove-${member.id}`, {
              button: member.id === me ? 'Leave' : html`Remove<span class="sr"> ${member.name}</span>`,
              title: member.id === me ? `Leave ${organisation.name}?` : `Remove ${member.name}?`,
              text: 'Private previews close at once, and tokens for this organisation are worth nothing any more.',
              action: `/members/${member.id}/remove`,
              yes: member.id === me ? 'Leave' : 'Remove member',
              csrf,
            })
          : '',
        'end',
      ),
    ]),
  );
  const invitationRows = invitations.map((invitation) =>
    row([
      cell('', html`<span class="strong">${invitation.email ?? 'Anyone with the link'}</span>`, 'full'),
      cell('Role', invitation.role === 'owner' ? 'Owner' : 'Member'),
      cell('Sent', time(invitation.createdAt, now)),
      cell('Ends', until(invitation.expiresAt, now)),
      cell(
        '',
        html`<form method="post" action="/invitations-sent/${invitation.id}/withdraw">${csrfField(csrf)}<button class="ghost">Withdraw<span class="sr"> the invitation for ${invitation.email ?? 'anyone'}</span></button></form>`,
        'end',
      ),
    ]),
  );
  return [
    secret,
    html`<section class="card"><header><h2>${count(members.length, 'member')}</h2></header>${table({ label: 'Members', columns: ['Name', 'Role', 'Through', 'Joined', '-Remove'], rows: memberRows })}</section>`,
    owner
      ? html`<section class="card"><header><h2>Invite somebody</h2><p>You get a link to send. It works once, for seven days, with a new account or one that is there.</p></header>
<form class="body" method="post" action="/members/invite">${csrfField(csrf)}<div class="inline">${field({ label: 'Email', name: 'email', type: 'email', optional: true })}<p class="field narrow"><label for="field-role">Role</label><select id="field-role" name="role"><option value="member">Member</option><option value="owner">Owner</option></select></p><button class="primary">Create link</button></div></form>${
          invitationRows.length === 0
            ? ''
            : table({ label: 'Open invitations', columns: ['Invited', 'Role', 'Sent', 'Ends', '-Withdraw'], rows: invitationRows })
        }</section>
<section class="card"><header><h2>Organisation</h2></header><form class="body" method="post" action="/members/rename">${csrfField(csrf)}<div class="inline">${field({ label: 'Name', name: 'name', value: organisation.name })}<button class="plain">Rename</button></div></form></section>`
      : '',
  ];
}

export function keysPage(tokens: readonly TokenInfo[], csrf: string, now: number, secret: Part): Part[] {
  const list = (kind: TokenInfo['kind'], noun: string) =>
    tokens
      .filter((token) => token.kind === kind)
      .map((token) =>
        row([
          cell('', html`<span class="strong">${token.name}</span>`, 'full'),
          cell('Created', time(token.createdAt, now)),
          cell('Last used', time(token.seenAt, now)),
          cell('Ends', token.expiresAt === null ? 'never' : until(token.expiresAt, now)),
          cell(
            '',
            removal(`revoke-${token.id}`, {
              button: html`Revoke<span class="sr"> ${token.name}</span>`,
              title: `Revoke ${token.name}?`,
              text: `Whatever uses this ${noun} is logged out at once.`,
              action: `/keys/${token.id}/revoke`,
              yes: 'Revoke',
              csrf,
            }),
            'end',
          ),
        ]),
      );
  const keys = list('apikey', 'key');
  const clients = list('access', 'client');
  const columns = ['Name', 'Created', 'Last used', 'Ends', '-Revoke'];
  return [
    secret,
    html`<section class="card"><header><h2>API keys</h2><p>For machines without a browser: <code>telepresence login --apikey KEY</code>. A key may do what you may do in this organisation.</p></header>
${keys.length === 0 ? '' : table({ label: 'API keys', columns, rows: keys })}<form class="body" method="post" action="/keys">${csrfField(csrf)}<div class="inline">${field({ label: 'Name of the new key', name: 'name', hint: 'Where it is used: “CI of the shop”, “build server”.' })}</div><div class="actions"><button class="primary">${icon(
      'plus',
    )} Create key</button></div></form></section>`,
    html`<section class="card"><header><h2>Logged-in workstations</h2><p>Made by <code>telepresence login</code>.</p></header>${
      clients.length === 0
        ? emptyState(icon('laptop'), 'No workstation is logged in', html`<div class="terminal"><code>telepresence login</code></div>`)
        : table({ label: 'Logged-in workstations', columns, rows: clients })
    }</section>`,
  ];
}

const older = (href: string | undefined): Part => (href === undefined ? '' : html`<div class="pager"><a class="button" href="${href}">Older</a></div>`);

export function visitsPage(visits: readonly AuditEntry[], now: number, next: string | undefined): Part[] {
  return [
    html`<section class="card">${
      visits.length === 0
        ? emptyState(
            icon('visits'),
            'Nobody has opened a preview yet',
            html`<p>Copy the link of an intercept and send it to somebody: their visit shows up here.</p>`,
          )
        : visitTable(visits, now, true)
    }${older(next)}</section>`,
  ];
}

const WORDS: Record<string, string> = {
  'user.sign-in': 'signed in',
  'user.sign-in-failed': 'failed to sign in',
  'user.sign-out': 'signed out',
  'user.create': 'made an account',
  'organisation.create': 'made the organisation',
  'organisation.rename': 'renamed the organisation',
  'member.add': 'added a member',
  'member.role': 'changed a role',
  'member.remove': 'removed a member',
  'invitation.create': 'invited somebody',
  'invitation.accept': 'accepted an invitation',
  'invitation.withdraw': 'withdrew an invitation',
  'token.create': 'created a token',
  'token.revoke': 'revoked a token',
  'token.replay': 'used a code twice',
  'cluster.register': 'registered a cluster',
  'cluster.remove': 'removed a cluster',
  'cluster.link': 'connected its traffic manager',
  'preview.create': 'created a preview',
  'preview.public': 'made a preview public',
  'preview.private': 'made a preview private',
  'preview.remove': 'removed a preview',
  'preview.visit': 'opened a preview',
  'intercept.end': 'ended an intercept',
};

export const AUDIT_GROUPS = [
  ['', 'Everything'],
  ['preview', 'Previews'],
  ['intercept', 'Intercepts'],
  ['user', 'Sign-ins'],
  ['member', 'Members'],
  ['token', 'Tokens'],
  ['cluster', 'Clusters'],
] as const;

const details = (detail: AuditEntry['detail']): Part => {
  const entries = Object.entries(detail).map(([key, value]) => `${key}: ${value}`);
  return entries.length === 0 ? '' : html`<div class="chips">${entries.map((entry) => html`<span class="chip wrap">${entry}</span>`)}</div>`;
};

function actorOf({ actor }: AuditEntry): string {
  return actor === 'anonymous' ? 'Somebody with the link' : actor.replace(/^cluster /, 'Cluster ');
}

export function auditPage(entries: readonly AuditEntry[], group: string, now: number, next: string | undefined): Part[] {
  const rows = entries.map((entry) =>
    row([
      cell(
        '',
        html`<div class="person">${entry.userId === null ? html`<span class="avatar">${icon(entry.action === 'cluster.link' ? 'clusters' : 'globe')}</span>` : avatar(entry.actor)}<span><span class="strong">${actorOf(entry)}</span> ${WORDS[entry.action] ?? entry.action}</span></div>`,
        'full',
      ),
      cell('Details', details(entry.detail)),
      cell('From', entry.address ? html`<code class="address">${entry.address}</code>` : html`<span class="faint">–</span>`),
      cell('When', time(entry.at, now)),
    ]),
  );
  return [
    html`<nav class="tabs" aria-label="Kind">${AUDIT_GROUPS.map(([id, label]) => html`<a href="/audit${id === '' ? '' : `?kind=${id}`}" ${id === group ? 'aria-current="page"' : ''}>${label}</a>`)}</nav>`,
    html`<section class="card">${rows.length === 0 ? emptyState(icon('audit'), 'Nothing here yet', html`<p>What people do in this organisation is written down here, for a year.</p>`) : table({ label: 'Audit log', columns: ['What', 'Details', 'From', 'When'], rows })}${older(next)}</section>`,
  ];
}
