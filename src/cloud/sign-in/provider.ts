import type { Role } from '../store/index.ts';
import type { Flow } from './flow.ts';

/** Who somebody is, as a provider says. */
export interface ProviderUser {
  subject: string;
  name: string;
  email: string | null;
  /** The organisations it puts the user in; undefined: it doesn't know of any. */
  organisations: { externalId: string; name: string; role: Role }[] | undefined;
}

export interface SignInProvider {
  /** In paths, and with the subject the identity's key. */
  readonly name: string;
  readonly label: string;
  authorizeUrl(flow: Flow): Promise<URL>;
  /** Turns the callback's parameters into a user; throws a Problem or the provider library's error. */
  finish(callback: URL, flow: Flow): Promise<ProviderUser>;
}

export const callbackPath = (name: string): string => `/sign-in/${name}/callback`;
