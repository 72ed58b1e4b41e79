/** The pages before and beside the dashboard: signing in, invitations, access for a client, messages. */
import type { AuthorizeView, InvitationView, MessageView, Pages, ProviderChoice, SignInView } from '../../pages.ts';
import { alertBox, avatar, field, type Html, html, type Part } from '../html.ts';
import { icon } from '../icons.ts';
import { csrfField, door } from '../layout.ts';

const text = async (part: Html): Promise<string> => String(await part);
const hidden = (fields: Record<string, string>) => Object.entries(fields).map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`);

const choices = (providers: readonly ProviderChoice[], verb: string): Part =>
  providers.length === 0
    ? ''
    : html`<div class="choices">${providers.map(({ href, label }) => html`<a class="button wide" href="${href}">${verb} with ${label}</a>`)}</div>`;
const or = (show: boolean): Part => (show ? html`<div class="or">or</div>` : '');

async function signIn(view: SignInView): Promise<string> {
  const local =
    view.local === undefined
      ? ''
      : html`<form method="post" action="${view.local.action}">${csrfField(view.csrf)}${hidden({ next: view.next })}
${field({ label: 'Email', name: 'email', type: 'email', value: view.local.email, autocomplete: 'username', autofocus: view.local.email === '' })}
${field({ label: 'Password', name: 'password', type: 'password', autocomplete: 'current-password', autofocus: view.local.email !== '' })}
<button class="primary wide">Sign in</button></form>`;
  const toPreview = view.next.startsWith('/previews/enter');
  return text(
    door(
      'Sign in',
      html`<h1>Sign in</h1><p class="lead">${toPreview ? 'The preview you opened is private to its organisation.' : 'to share intercepts with your team.'}</p>${alertBox(view.error)}${choices(view.providers, 'Continue')}${or(
        view.providers.length > 0 && view.local !== undefined,
      )}${local}`,
      view.local === undefined ? '' : 'No account? Ask an owner of your organisation for an invitation.',
    ),
  );
}

async function invitation(view: InvitationView): Promise<string> {
  const name = view.first
    ? field({ label: 'Name of your organisation', name: 'organisation', value: view.values.organisation, autocomplete: 'organization', autofocus: true })
    : '';
  const title = view.first ? 'Welcome' : `Join ${view.organisation}`;
  const lead = view.first
    ? 'You are the first one here. Make an account, and your organisation with it.'
    : `You are invited as ${view.role === 'owner' ? 'an owner' : 'a member'}.`;
  if (view.user !== undefined) {
    return text(
      door(
        title,
        html`<h1>${title}</h1><p class="lead">${lead}</p>${alertBox(view.error)}<form method="post" action="${view.accept}">${csrfField(view.csrf)}${name}<div class="person">${avatar(view.user.name)}<span>Signed in as <b>${
          view.user.name
        }</b></span></div><button class="primary wide">${view.first ? 'Begin' : 'Join'}</button></form>`,
      ),
    );
  }
  const account =
    view.create === undefined
      ? ''
      : html`<form method="post" action="${view.create}">${csrfField(view.csrf)}${name}${field({ label: 'Your name', name: 'name', value: view.values.name, autocomplete: 'name', autofocus: !view.first })}${field(
          {
            label: 'Email',
            name: 'email',
            type: 'email',
            value: view.values.email,
            autocomplete: 'username',
          },
        )}${field({ label: 'Password', name: 'password', type: 'password', autocomplete: 'new-password', minlength: 12, hint: 'At least 12 characters. A few words are good.' })}<button class="primary wide">Create account</button></form>`;
  return text(
    door(
      title,
      html`<h1>${title}</h1><p class="lead">${lead}</p>${alertBox(view.error)}${choices(view.providers, 'Continue')}${or(view.providers.length > 0 && view.create !== undefined)}${account}`,
      html`Have an account already? <a href="${view.signIn}">Sign in</a>`,
    ),
  );
}

async function authorize(view: AuthorizeView): Promise<string> {
  if (view.organisations.length === 0) {
    return text(
      door(
        'Make an organisation',
        html`<h1>One thing first</h1><p class="lead">You belong to no organisation yet. Make one for your team, or open an invitation that somebody sent you.</p><form method="post" action="${view.createOrganisation}">${csrfField(
          view.csrf,
        )}${hidden({ next: view.next })}${field({ label: 'Name of your organisation', name: 'name', autocomplete: 'organization', autofocus: true })}<button class="primary wide">Create and go on</button></form>`,
      ),
    );
  }
  const chosen = view.chosen ?? view.organisations[0]?.id;
  return text(
    door(
      'Log in the command line',
      html`<h1>Log in the command line</h1><p class="lead"><code>telepresence login</code> on this computer asks to act for you. Allow it only if you just ran that.</p>
<form method="post" action="${view.action}">${csrfField(view.csrf)}${hidden(view.fields)}<fieldset><legend>For which organisation?</legend>${view.organisations.map(
        ({ id, name }) =>
          html`<label class="radio"><input type="radio" name="organisation" value="${id}" ${id === chosen ? 'checked' : ''} required>${avatar(name)}<span>${name}</span></label>`,
      )}</fieldset><div class="choices"><button class="primary wide" name="decision" value="allow">Allow</button><button class="plain wide" name="decision" value="deny">Deny</button></div></form>`,
      `Signed in as ${view.user.name}${view.user.email === null ? '' : ` (${view.user.email})`}`,
    ),
  );
}

async function message({ status, title, message: body, link }: MessageView): Promise<string> {
  return text(
    door(
      title,
      html`<h1>${title}</h1><p class="soft">${body}</p>${link === undefined ? '' : html`<a class="button primary wide" href="${link.href}">${link.label}</a>`}${status < 400 ? '' : html`<p class="code">${status}</p>`}`,
    ),
  );
}

export const dashboardPages: Pages = { signIn, invitation, authorize, message };

/** Somebody who belongs nowhere yet, or wants one more. */
export function newOrganisationForm(csrf: string): Html {
  return html`<section class="card"><form class="body" method="post" action="/organisations">${csrfField(csrf)}${hidden({ next: '/' })}<div class="inline">${field({ label: 'Name', name: 'name', autocomplete: 'organization', autofocus: true })}</div><div class="actions"><button class="primary">${icon(
    'plus',
  )} Create organisation</button></div></form></section>`;
}
