/**
 * A thin Kubernetes client on node:https: kubeconfig as kubectl reads it, requests with coded errors, lists that stay true,
 * server-side apply, HTTP upgrades through the API server's proxies, and the port-forward that stands in for them.
 *
 *   const { connection, namespace } = await loadKubeconfig({ flags, env, cwd });
 *   const kube = createKubeClient(connection, { log });
 */
export { createKubeClient } from './client.ts';
export type { ExecPlugin, Impersonation, KubeConnection, KubeUser } from './connection.ts';
export type * from './contract.ts';
export { readyEndpoints } from './endpoints.ts';
export { inClusterConnection } from './in-cluster.ts';
export { createInformer } from './informer.ts';
export { type Kubeconfig, type KubeconfigOptions, loadKubeconfig } from './kubeconfig.ts';
export { createLeaderElection, type LeaderElection, type LeaderElectionOptions } from './leader-election.ts';
export { listOf } from './list-schema.ts';
export { resourcePath } from './paths.ts';
export { type KubeStatus, statusOf } from './status-error.ts';
export { acceptWebSocket } from './websocket.ts';
