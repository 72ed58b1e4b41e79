/**
 * The pages that the server's own routes show: signing in, invitations, giving a client access, and errors. The dashboard brings
 * its own; {@link plainPages} are bare HTML that work alone.
 */

/** What a form must send along. */
export interface FormGuard {
  /** Value of the hidden field {@link CSRF_FIELD}. */
  csrf: string;
  /** Of this response's Content-Security-Policy: for inline styles and scripts. */
  nonce: string;
}
export const CSRF_FIELD = 'csrf';

export interface ProviderChoice {
  /** A link there begins the sign-in. */
  href: string;
  label: string;
}

export interface SignInView extends FormGuard {
  providers: ProviderChoice[];
  /** Present where local accounts are on: the form posts `email`, `password` and `next` there. */
  local: { action: string; email: string } | undefined;
  next: string;
  error: string | undefined;
}

export interface InvitationView extends FormGuard {
  organisation: string;
  role: 'owner' | 'member';
  /** The first administrator's: the organisation can be named (field `organisation`). */
  first: boolean;
  /** Signed in: posting to `accept` joins. */
  user: { name: string } | undefined;
  accept: string;
  /** Not signed in: by a provider, a local account that exists (`signIn`), or a new one: `name`, `email`, `password` posted to `create`. */
  providers: ProviderChoice[];
  signIn: string;
  create: string | undefined;
  values: { name: string; email: string; organisation: string };
  error: string | undefined;
}

/** A client asks for access. Posts `organisation` and `decision` (`allow` or `deny`) with all of `fields` to `action`. */
export interface AuthorizeView extends FormGuard {
  user: { name: string; email: string | null };
  organisations: { id: string; name: string }[];
  chosen: string | undefined;
  action: string;
  fields: Record<string, string>;
  /** Where somebody without an organisation makes one; posts `name` and `next`. */
  createOrganisation: string;
  next: string;
}

export interface MessageView {
  status: number;
  title: string;
  message: string;
  nonce: string;
  link?: { href: string; label: string };
}

export interface Pages {
  signIn(view: SignInView): string | Promise<string>;
  invitation(view: InvitationView): string | Promise<string>;
  authorize(view: AuthorizeView): string | Promise<string>;
  message(view: MessageView): string | Promise<string>;
}
