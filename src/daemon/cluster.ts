/** Which cluster a call means: its kubeconfig, a client with the user's credentials, the manager's namespace. */

import { VERSION } from '../base/version.ts';
import { type ClientConfig, type ConfigLayer, extensionLayer, readConfigFile, resolveConfig } from '../config/index.ts';
import { createKubeClient, type KubeClient, type Kubeconfig, loadKubeconfig } from '../kube/index.ts';
import type { ConnectParams } from '../protocol/daemon-api.ts';
import type { DaemonContext } from './context.ts';

/** A cluster as a user's flags, environment and files name it. */
export interface Cluster {
  kubeconfig: Kubeconfig;
  kube: KubeClient;
  managerNamespace: string;
  config: ClientConfig;
  /** Sentences about keys of the configuration that change nothing. */
  warnings: string[];
}

/** What of the parameters makes two `connect`s the same. The environment counts only as far as the kubeconfig comes from it. */
export function fingerprintOf(params: ConnectParams): string {
  const { kubeFlags, env, cwd: _cwd, ...rest } = params;
  return JSON.stringify([kubeFlags, env['KUBECONFIG'] ?? '', rest]);
}

/** Reads the kubeconfig and the client's configuration, and makes a client. The caller closes the client. @throws what is wrong with either. */
export async function openCluster(ctx: DaemonContext, params: ConnectParams): Promise<Cluster> {
  const kubeconfig = await loadKubeconfig({ flags: params.kubeFlags, env: params.env, cwd: params.cwd });
  const layers = [await clientFile(ctx, params.configFile), extensionLayer(kubeconfig.extensions['telepresence.io'])];
  const config = resolveConfig(layers);
  const kube = createKubeClient(kubeconfig.connection, { log: ctx.log.child('kube'), env: params.env, userAgent: `telepresence/${VERSION}` });
  const managerNamespace = params.managerNamespace ?? config.cluster.defaultManagerNamespace;
  return { kubeconfig, kube, managerNamespace, config, warnings: layers.flatMap((layer) => layer.warnings) };
}

/** The user's config.yml, or the file that `--config` names, which must be there. */
export function clientFile(ctx: DaemonContext, file: string | undefined): Promise<ConfigLayer> {
  return readConfigFile(file ?? ctx.paths.configFile, { mustExist: file !== undefined });
}

/** Runs something with a cluster's client and closes that in the end. */
export async function withCluster<T>(ctx: DaemonContext, params: ConnectParams, use: (cluster: Cluster) => Promise<T>): Promise<T> {
  const cluster = await openCluster(ctx, params);
  try {
    return await use(cluster);
  } finally {
    cluster.kube.close();
  }
}
