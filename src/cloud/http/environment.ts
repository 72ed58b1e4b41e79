import type { Context } from 'hono';
import type { Membership, Session } from '../store/index.ts';

/** What the middleware of the dashboard's host puts in each request's context. */
export interface CloudEnv {
  Variables: {
    /** Of the client, proxies seen through. */
    address: string;
    /** Of this response's Content-Security-Policy. */
    nonce: string;
    /** Adds sources to a directive of this response's policy: `form-action` for a redirect to elsewhere. */
    allow: Map<string, string>;
    session: Session | undefined;
  };
}
export type CloudContextOf = Context<CloudEnv>;

/** Behind `signedIn`. */
export interface SignedInEnv extends CloudEnv {
  Variables: CloudEnv['Variables'] & {
    session: Session;
    memberships: Membership[];
    /** The organisation that is looked at; undefined: the user has none. */
    membership: Membership | undefined;
  };
}
