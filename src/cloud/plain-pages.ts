import { html } from 'hono/html';
import { CSRF_FIELD, type FormGuard, type Pages, type ProviderChoice } from './pages.ts';

type Html = ReturnType<typeof html>;

const page = (title: string, body: Html) =>
  html`<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title></head><body><main><h1>${title}</h1>${body}</main></body></html>`;
const guard = (view: FormGuard) => html`<input type="hidden" name="${CSRF_FIELD}" value="${view.csrf}">`;
const hidden = (fields: Record<string, string>) => Object.entries(fields).map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`);
const choices = (providers: ProviderChoice[]) => providers.map(({ href, label }) => html`<p><a href="${href}">${label}</a></p>`);
const alert = (error: string | undefined) => (error === undefined ? '' : html`<p role="alert">${error}</p>`);
const field = (label: string, name: string, type: string, value: string, autocomplete: string) =>
  html`<p><label>${label} <input name="${name}" type="${type}" value="${value}" autocomplete="${autocomplete}" required></label></p>`;

/** Pages without any looks. */
export const plainPages: Pages = {
  signIn: async (view) =>
    String(
      await page(
        'Sign in',
        html`${alert(view.error)}${
          view.local === undefined
            ? ''
            : html`<form method="post" action="${view.local.action}">${guard(view)}${hidden({ next: view.next })}
${field('Email', 'email', 'email', view.local.email, 'username')}${field('Password', 'password', 'password', '', 'current-password')}<button>Sign in</button></form>`
        }${choices(view.providers)}`,
      ),
    ),
  invitation: async (view) =>
    String(
      await page(
        view.first ? 'Welcome' : `Join ${view.organisation}`,
        html`${alert(view.error)}${
          view.user === undefined
            ? html`${
                view.create === undefined
                  ? ''
                  : html`<form method="post" action="${view.create}">${guard(view)}
${view.first ? field('Organisation', 'organisation', 'text', view.values.organisation, 'organization') : ''}
${field('Name', 'name', 'text', view.values.name, 'name')}${field('Email', 'email', 'email', view.values.email, 'username')}
${field('Password', 'password', 'password', '', 'new-password')}<button>Create account</button></form>`
              }<p><a href="${view.signIn}">Sign in</a></p>${choices(view.providers)}`
            : html`<form method="post" action="${view.accept}">${guard(view)}
${view.first ? field('Organisation', 'organisation', 'text', view.values.organisation, 'organization') : ''}<button>Join as ${view.user.name}</button></form>`
        }`,
      ),
    ),
  authorize: async (view) =>
    String(
      await page(
        'Give telepresence access',
        view.organisations.length === 0
          ? html`<p>You belong to no organisation yet.</p><form method="post" action="${view.createOrganisation}">${guard(view)}${hidden({ next: view.next })}
${field('Organisation', 'name', 'text', '', 'organization')}<button>Create</button></form>`
          : html`<form method="post" action="${view.action}">${guard(view)}${hidden(view.fields)}<p>The command line on this computer asks to act as ${view.user.name}.</p>
<p><label>Organisation <select name="organisation">${view.organisations.map(
              ({ id, name }) => html`<option value="${id}" ${id === view.chosen ? 'selected' : ''}>${name}</option>`,
            )}</select></label></p><button name="decision" value="allow">Allow</button> <button name="decision" value="deny">Deny</button></form>`,
      ),
    ),
  message: async (view) =>
    String(
      await page(view.title, html`<p>${view.message}</p>${view.link === undefined ? '' : html`<p><a href="${view.link.href}">${view.link.label}</a></p>`}`),
    ),
};
