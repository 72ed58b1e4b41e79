/**
 * A thin Kubernetes client on node:https: kubeconfig as kubectl reads it, requests with coded errors, lists that stay true,
 * server-side apply, HTTP upgrades through the API server's proxies, and the port-forward that stands in for them.
 *
 *   const { connection, namespace } = await loadKubeconfig({ flags, env, cwd });
 *   const kube = createKubeClient(connection, { log });
 */

export {
  type ApplyOptions,
  type CallOptions,
  createKubeClient,
  type DeleteOptions,
  type KubeClient,
  type KubeClientOptions,
  type ListOptions,
  type RequestOptions,
  type UpgradeOptions,
  type WriteOptions,
} from './client.ts';
export type { ExecPlugin, Impersonation, KubeConnection, KubeUser } from './connection.ts';
export type { KubeObject } from './discovery.ts';
export { inClusterConnection } from './in-cluster.ts';
export { type ChangeKind, createInformer, type Informer, type InformerOptions } from './informer.ts';
export { type Kubeconfig, type KubeconfigOptions, loadKubeconfig } from './kubeconfig.ts';
export { createLeaderElection, type LeaderElection, type LeaderElectionOptions } from './leader-election.ts';
export { resourcePath } from './paths.ts';
export type { AccessAttributes, TokenReviewResult } from './reviews.ts';
export { type KubeStatus, statusOf } from './status-error.ts';
export type { PodLogOptions, PodStreams } from './streams.ts';
export type { WatchEvent, WatchOptions } from './watch.ts';
export { acceptWebSocket, createWebSocketStream } from './websocket.ts';
