/**
 * Several replicas of the cloud on one PostgreSQL: changes travel by LISTEN/NOTIFY, and a stream for a link that another replica
 * holds goes there by an HTTP upgrade with the secret they share. With one replica nothing of this runs.
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Log } from '../../base/log.ts';
import type { CloudConfig } from '../config.ts';
import type { Database } from '../database/index.ts';
import type { FeedWire } from '../feed.ts';
import type { Registry } from '../link/registry.ts';
import type { OtherReplicas } from '../link/replica.ts';
import { createForwarder, createForwardServer } from './forward.ts';
import { startNotifications } from './notifications.ts';

export interface Replicas {
  readonly wire: FeedWire | undefined;
  readonly others: OtherReplicas | undefined;
  /** Answers the other replicas' upgrades. */
  readonly forward: ((request: IncomingMessage, socket: Duplex, head: Buffer) => void) | undefined;
  /** The links that the others ask for. */
  serve(registry: Registry): void;
  close(): Promise<void>;
}

export async function startReplicas(options: { config: CloudConfig; database: Database; log: Log }): Promise<Replicas> {
  const { config, database, log } = options;
  const { pool } = database;
  if (pool === undefined) return { wire: undefined, others: undefined, forward: undefined, serve: () => {}, close: async () => {} };
  const notifications = await startNotifications({ address: config.database, pool, log });
  const { replica } = config;
  const forwarder = replica === undefined ? undefined : createForwarder({ secret: replica.secret, log });
  let served: Registry | undefined;
  return {
    wire: notifications.wire,
    others:
      forwarder === undefined
        ? undefined
        : {
            openPreviewStream: (address, clusterId, target) => forwarder.openStream(address, clusterId, target),
            endIntercept: (address, clusterId, intercept) => forwarder.endIntercept(address, clusterId, intercept),
            cut: (clusterId) => notifications.cut(clusterId),
          },
    forward: replica === undefined ? undefined : createForwardServer({ secret: replica.secret, registry: () => served, log }),
    serve(registry) {
      served = registry;
      notifications.onCut((clusterId) => registry.cutLocal(clusterId));
    },
    close() {
      forwarder?.close();
      return notifications.close();
    },
  };
}
