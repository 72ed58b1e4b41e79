/** What the parts of a node share. */
import type { Log } from '../../base/log.ts';
import type { Cache } from '../controllers/core/cache.ts';
import type { ControllerContext } from '../controllers/core/context.ts';
import type { Pod, Service } from '../controllers/core/types.ts';
import type { ImageStore } from '../images/store.ts';
import type { StoredImage } from '../images/stored-image.ts';
import type { ClusterNetwork } from '../network/cluster-network.ts';
import type { NodePlace } from '../network/node-network.ts';
import type { Libc } from './runtime/libc.ts';
import type { Spawner } from './runtime/spawner.ts';

/** A node of the sandbox: a name and a network namespace. They share the kernel and what runs them. */
export type NodeIdentity = NodePlace;

export interface NodeContext extends ControllerContext {
  readonly libc: Libc;
  readonly log: Log;
  readonly spawner: Spawner;
  readonly network: ClusterNetwork;
  readonly images: ImageStore;
  /** The image whose root is the machine's own. */
  readonly machine: StoredImage;
  /** A folder of the sandbox's own mount namespace, for what ends with it. */
  readonly folder: string;
  readonly nodes: readonly NodeIdentity[];
  readonly pods: Cache<Pod>;
  readonly services: Cache<Service>;
  /** The certificate of the API server, as pods get it. */
  readonly caCertificate: string;
}
