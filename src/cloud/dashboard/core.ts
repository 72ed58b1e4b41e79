import type { Context } from 'hono';
import type { Log } from '../../base/log.ts';
import type { Membership, Session, Store } from '../store/index.ts';

/** The signed-in browser behind a request. */
export interface Viewer {
  session: Session;
  /** Goes into every form as the hidden field `csrf`. */
  csrf: string;
  /** By name. */
  organisations: Membership[];
  /** The one that is looked at; undefined only for somebody who belongs to none. */
  organisation: Membership | undefined;
}

/** What the pages ask of the cloud's core. */
export interface DashboardCore {
  readonly store: Store;
  readonly log: Log;
  now(): number;
  /** `url` of the dashboard, without a slash at its end. */
  readonly url: string;
  /** From the session cookie; undefined: nobody is signed in. */
  viewer(c: Context): Promise<Viewer | undefined>;
  /** Reads a form within the body limit and checks Origin and the CSRF field. Throws a Problem. */
  form(c: Context, viewer: Viewer): Promise<URLSearchParams>;
  /** Where the browser is, for the audit log. */
  address(c: Context): string;
  /** `https://<label>.<preview domain>[:port]`. */
  previewUrl(label: string): string;
  /** Asks the cluster's manager to delete it. Throws a Problem when the cluster isn't linked or refuses. */
  endIntercept(clusterId: string, intercept: { namespace: string; object: string; uid: string }): Promise<void>;
  /** Called after anything that the organisation's pages show changed, on whichever replica. Returns how to stop. */
  subscribe(organisationId: string, listener: () => void): () => void;
  /** Says so: after the pages changed something. */
  changed(organisationId: string): void;
}
