/**
 * What makes a cluster of stored objects: each controller brings one kind's objects to what they ask for.
 *
 *   await startControllers(createContext({ client, log, signal }), { caCertificate });
 */
import { startNamespaceDefaults } from './bootstrap/namespace-defaults.ts';
import type { ControllerContext } from './core/context.ts';
import {
  BUDGETS,
  CONFIG_MAPS,
  CONTROLLER_REVISIONS,
  DAEMON_SETS,
  DEPLOYMENTS,
  ENDPOINT_SLICES,
  ENDPOINTS,
  JOBS,
  NAMESPACES,
  NODES,
  PODS,
  POLICIES,
  QUOTAS,
  REPLICA_SETS,
  SECRETS,
  SERVICE_ACCOUNTS,
  SERVICES,
  STATEFUL_SETS,
} from './core/types.ts';
import { startDaemonSets } from './daemonset.ts';
import { startDeployments } from './deployment/controller.ts';
import { startDisruptionBudgets } from './disruption.ts';
import { startEndpoints } from './endpoints/endpoints.ts';
import { startEndpointSlices } from './endpoints/slices.ts';
import { startGarbageCollector } from './garbage/collector.ts';
import { startNamespaceDeletion } from './garbage/namespace-deletion.ts';
import { startJobs } from './job.ts';
import { startPolicyStatus } from './policy-status.ts';
import { startReplicaSets } from './replicaset.ts';
import { startResourceQuotas } from './resource-quota.ts';
import { startStatefulSets } from './statefulset/controller.ts';

export interface ControllerOptions {
  /** PEM, for `kube-root-ca.crt`. */
  caCertificate: string;
}

const WATCHED = [
  BUDGETS,
  CONFIG_MAPS,
  CONTROLLER_REVISIONS,
  DAEMON_SETS,
  DEPLOYMENTS,
  ENDPOINTS,
  ENDPOINT_SLICES,
  JOBS,
  NAMESPACES,
  NODES,
  PODS,
  POLICIES,
  QUOTAS,
  REPLICA_SETS,
  SECRETS,
  SERVICES,
  SERVICE_ACCOUNTS,
  STATEFUL_SETS,
];

/** Resolves when all have begun, each with a whole picture. */
export async function startControllers(context: ControllerContext, { caCertificate }: ControllerOptions): Promise<void> {
  const starts = [
    startReplicaSets,
    startDeployments,
    startStatefulSets,
    startDaemonSets,
    startJobs,
    startEndpoints,
    startEndpointSlices,
    startDisruptionBudgets,
    startPolicyStatus,
    startResourceQuotas,
    startNamespaceDeletion,
  ].map((start) => start(context));
  starts.push(startNamespaceDefaults(context, caCertificate));
  const collect = startGarbageCollector(context);
  await Promise.all(WATCHED.map((kind) => context.cache(kind).ready));
  for (const start of starts) start();
  await collect();
}
