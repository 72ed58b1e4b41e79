import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Hono } from 'hono';
import type { Log } from '../base/log.ts';
import type { AnyRequest, AnyResponse } from '../http/any-message.ts';
import type { Actions } from './actions.ts';
import type { CloudConfig } from './config.ts';
import type { Feed } from './feed.ts';
import type { CloudEnv } from './http/environment.ts';
import type { LinkRegistry } from './link/contract.ts';
import type { Metrics } from './metrics.ts';
import type { Pages } from './pages.ts';
import type { RateLimits } from './rate-limits.ts';
import type { Store } from './store/index.ts';

export { type LinkRegistry, NotLinkedError, type OrganisationIntercept } from './link/contract.ts';

/** What every part of the cloud is given. */
export interface CloudContext {
  readonly config: CloudConfig;
  readonly store: Store;
  readonly actions: Actions;
  readonly feed: Feed;
  readonly links: LinkRegistry;
  readonly limits: RateLimits;
  readonly metrics: Metrics;
  readonly pages: Pages;
  readonly log: Log;
  /** Aborted when the cloud stops: what never ends by itself, event streams, ends then. */
  readonly stopping: AbortSignal;
  readonly now: () => number;
}

export type { AnyRequest, AnyResponse };

/** Serves the hosts below the preview domain (src/cloud/preview). Both methods own what they are given and never throw. */
export interface PreviewProxy {
  /** Routes of the dashboard's host that private previews send browsers to. */
  readonly routes: Hono<CloudEnv>;
  request(request: AnyRequest, response: AnyResponse, label: string): void;
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, label: string): void;
  close(): void;
}
