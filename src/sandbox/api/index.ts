/**
 * The sandbox's API server: the Kubernetes API over a store in memory, or one that is kept on disk. `createApiServer` makes it whole, with its sockets;
 * `client(user)` is the same API without any.
 */

import type { Log } from '../../base/log.ts';
import type { ApiServerParts, ClusterClient, UserInfo } from '../contract.ts';
import { createInProcessClient } from './client.ts';
import { createCore } from './core.ts';
import { serveDefinitions } from './custom/definitions.ts';
import { DEFINITION_RULES, DEFINITIONS } from './custom/rules-of-definitions.ts';
import type { Audit } from './http/audit.ts';
import { createHttpApi, type HttpApi } from './http/server.ts';
import { OTHER_RULES } from './resources/defaults/others.ts';
import { POD_RULES } from './resources/defaults/pods.ts';
import { WORKLOAD_RULES } from './resources/defaults/workloads.ts';
import { NEWER_EVENT_RULES } from './resources/events.ts';
import { NAMESPACE_RULES } from './resources/namespaces.ts';
import { Registry } from './resources/registry.ts';
import { type KindRules, strategyOf } from './resources/strategies.ts';
import { builtInTypes } from './resources/table.ts';
import { type KeptStore, openStore } from './store/disk.ts';
import { Store } from './store/store.ts';

export type { Audit, AuditedCall } from './http/audit.ts';

export interface ApiServerOptions {
  log: Log;
  /** Served as they are, to whoever may read that path: path → body. */
  documents?: Record<string, unknown>;
  /** Told of each request that comes over a socket. */
  audit?: Audit;
  /** Where the objects are kept; without it they end with the process. */
  kept?: KeptStore;
}

export interface ApiServer extends HttpApi {
  /** The API for a part of this process. */
  client(user: UserInfo, manager?: string): ClusterClient;
  /** To be called once its parts are there: goes on with what a kept state was in the middle of. */
  resume(): void;
}

const RULES: Record<string, KindRules> = { ...WORKLOAD_RULES, ...OTHER_RULES, pods: POD_RULES, namespaces: NAMESPACE_RULES, [DEFINITIONS]: DEFINITION_RULES };

/** Made and usable at once in the same process; it listens nowhere yet. `parts` is looked at with each request. */
export function createApiServer(parts: ApiServerParts, options: ApiServerOptions): ApiServer {
  const store = options.kept === undefined ? new Store() : openStore(options.kept);
  const registry = new Registry();
  for (const type of builtInTypes())
    registry.add({
      type,
      listKind: `${type.kind}List`,
      strategy: strategyOf(type, type.group === 'events.k8s.io' ? NEWER_EVENT_RULES : RULES[type.collection]),
    });
  const core = createCore(parts, store, registry);
  const resume = serveDefinitions(store, registry, { store, admission: () => parts.admission }, options.log);
  return {
    resume,
    ...createHttpApi(core, parts, { log: options.log, documents: options.documents ?? {}, audit: options.audit ?? (() => {}) }),
    client: (user, manager = 'sandbox') => createInProcessClient(core, parts, user, manager),
  };
}
