import type { Duplex } from 'node:stream';
import type { CloudIntercept, EndIntercept, PreviewTarget } from '../../protocol/cloud.ts';

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
