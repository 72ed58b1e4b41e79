/** What the containers of one pod share. */
import type { Pod } from '../../controllers/core/types.ts';
import type { NodeNetwork, PodNetwork } from '../../network/node-network.ts';
import type { NodeContext, NodeIdentity } from '../context.ts';
import type { PodAddresses } from '../field-values.ts';
import type { PodVolumes } from '../volumes/index.ts';

export interface PodScope {
  readonly context: NodeContext;
  readonly node: NodeIdentity;
  /** That of the node: where its kubelet stands. */
  readonly nodeNetwork: NodeNetwork;
  /** As it was last seen. */
  readonly pod: Pod;
  /** Undefined: the node's own. */
  readonly network: PodNetwork | undefined;
  readonly addresses: PodAddresses;
  readonly volumes: PodVolumes;
  readonly folder: string;
  /** The status is to be written anew. */
  changed(): void;
}
