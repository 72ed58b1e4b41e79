import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import type { Duplex } from 'node:stream';
import type { Hono } from 'hono';
import type { Log } from '../base/log.ts';
import type { CloudIntercept, EndIntercept, PreviewTarget } from '../protocol/cloud.ts';
import type { Actions } from './actions.ts';
import type { CloudConfig } from './config.ts';
import type { Feed } from './feed.ts';
import type { CloudEnv } from './http/environment.ts';
import type { Metrics } from './metrics.ts';
import type { Pages } from './pages.ts';
import type { RateLimits } from './rate-limits.ts';
import type { Store } from './store/index.ts';

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
  now(): number;
}

/** An intercept of an organisation, with the cluster (ours) it is in. */
export interface OrganisationIntercept extends CloudIntercept {
  clusterId: string;
}

/** Managers' links, of whichever cloud replica. `clusterId` is always ours (Cluster.id), never the uid that anybody can claim. */
export interface LinkRegistry {
  /**
   * A connection into the cluster: the manager has been asked to dial, failure destroys the stream with a MuxResetError (reason
   * of RESET_REASONS). Rejects with {@link NotLinkedError} when no manager of that cluster is linked.
   */
  openPreviewStream(clusterId: string, target: PreviewTarget): Promise<Duplex>;
  isLinked(clusterId: string): Promise<boolean>;
  /** Of all clusters that are linked, by uid. */
  intercepts(organisationId: string): Promise<OrganisationIntercept[]>;
  /** Clusters of the organisation that have a link now. */
  linkedClusters(organisationId: string): Promise<Set<string>>;
  /** Asks a manager to delete the Intercept. Rejects with NotLinkedError, or with the manager's CodedError. */
  endIntercept(clusterId: string, intercept: EndIntercept): Promise<void>;
  /** Cuts all links of a cluster: its token was replaced or removed. */
  cut(clusterId: string): Promise<void>;
}

export class NotLinkedError extends Error {
  constructor() {
    super('no traffic-manager of this cluster is linked');
    this.name = 'NotLinkedError';
  }
}

export type AnyRequest = IncomingMessage | Http2ServerRequest;
export type AnyResponse = ServerResponse | Http2ServerResponse;

/** Serves the hosts below the preview domain (src/cloud/preview). Both methods own what they are given and never throw. */
export interface PreviewProxy {
  /** Routes of the dashboard's host that private previews send browsers to. */
  readonly routes: Hono<CloudEnv>;
  request(request: AnyRequest, response: AnyResponse, label: string): void;
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, label: string): void;
  close(): void;
}
