import type { Context, Hono } from 'hono';
import type { Actor } from '../../actions.ts';
import type { CloudContext } from '../../context.ts';
import type { CloudContextOf, SignedInEnv } from '../../http/environment.ts';
import { readForm } from '../../http/forms.ts';
import { checkCsrf, csrfToken, localPath } from '../../http/sessions.ts';
import { CSRF_FIELD } from '../../pages.ts';
import { Problem } from '../../problem.ts';
import type { Membership } from '../../store/index.ts';
import { type Frame, type FramedPage, framed } from '../layout.ts';
import type { Live } from '../live.ts';

export type PageContext = Context<SignedInEnv>;
export type Routes = Hono<SignedInEnv>;

/** What was done, by the word that a redirect carries: never a text from the address. */
const DONE: Record<string, string> = {
  ended: 'The intercept was ended.',
  public: 'The preview is public: anyone with the link can open it.',
  private: 'The preview is private: members only.',
  removed: 'The preview was removed.',
  role: 'The role was changed.',
  'member-removed': 'The member was removed.',
  withdrawn: 'The invitation was withdrawn.',
  renamed: 'The organisation was renamed.',
  revoked: 'It was revoked.',
  'cluster-removed': 'The cluster was removed.',
  left: 'You left the organisation.',
};

/** What the routes of the dashboard share. */
export interface Desk {
  context: CloudContext;
  live: Live;
  show(c: PageContext, page: FramedPage, status?: 200 | 201): Promise<Response>;
  csrf(c: PageContext): string;
  /** Reads a form, checked. */
  form(c: PageContext): Promise<Record<string, string>>;
  actor(c: PageContext): Actor;
  membership(c: PageContext): Membership;
  /** Back to a page of the dashboard, which says what was done. */
  done(c: PageContext, path: string | undefined, what: string): Response;
}

export function createDesk(context: CloudContext, live: Live): Desk {
  const csrf = (c: PageContext) => csrfToken(c as unknown as CloudContextOf, context);
  const membership = (c: PageContext): Membership => {
    const found = c.get('membership');
    if (found === undefined) throw new Problem(403, 'organisation', 'You belong to no organisation yet.');
    return found;
  };
  return {
    context,
    live,
    csrf,
    membership,
    async show(c, page, status = 200) {
      const organisation = c.get('membership');
      const frame: Frame = {
        user: c.get('session').user,
        organisation,
        organisations: c.get('memberships'),
        csrf: csrf(c),
        flash: DONE[c.req.query('done') ?? ''],
        active: organisation === undefined ? undefined : (await context.links.intercepts(organisation.id)).length,
      };
      return c.html(String(await framed(frame, page)), status);
    },
    async form(c) {
      const form = await readForm(c);
      checkCsrf(c as unknown as CloudContextOf, context, form[CSRF_FIELD]);
      return form;
    },
    actor(c) {
      const organisation = membership(c);
      return { user: c.get('session').user, organisation, role: organisation.role, address: c.get('address') };
    },
    done(c, path, what) {
      const url = new URL(localPath(path), 'http://dashboard.invalid');
      url.searchParams.set('done', what);
      return c.redirect(url.pathname + url.search, 303);
    },
  };
}
