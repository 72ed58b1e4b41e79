import type { Duplex } from 'node:stream';
import type { EndIntercept, PreviewTarget } from '../../protocol/cloud.ts';

/** How links that another cloud replica holds are used (several replicas, PostgreSQL). */
export interface OtherReplicas {
  openPreviewStream(address: string, clusterId: string, target: PreviewTarget): Promise<Duplex>;
  endIntercept(address: string, clusterId: string, intercept: EndIntercept): Promise<void>;
  /** Tells all of them to cut the links of a cluster. */
  cut(clusterId: string): Promise<void>;
}
