/** Which cluster a call means: its kubeconfig, a client with the user's credentials, the manager's namespace. */
import { VERSION } from '../base/version.ts';
import { createKubeClient, type KubeClient, type Kubeconfig, loadKubeconfig } from '../kube/index.ts';
import type { ConnectParams } from '../protocol/daemon-api.ts';
import { DEFAULT_MANAGER_NAMESPACE } from '../protocol/resources.ts';
import type { DaemonContext } from './context.ts';

export type ClusterParams = ConnectParams;

/** A cluster as a user's flags, environment and files name it. */
export interface Cluster {
  kubeconfig: Kubeconfig;
  kube: KubeClient;
  managerNamespace: string;
}

/** What of the parameters makes two `connect`s the same. The environment counts only as far as the kubeconfig comes from it. */
export function fingerprintOf(params: ConnectParams): string {
  const { kubeFlags, env, cwd: _cwd, ...rest } = params;
  return JSON.stringify([kubeFlags, env['KUBECONFIG'] ?? '', rest]);
}

/** Reads the kubeconfig and makes a client of it. The caller closes the client. */
export async function openCluster(ctx: DaemonContext, params: ConnectParams): Promise<Cluster> {
  const kubeconfig = await loadKubeconfig({ flags: params.kubeFlags, env: params.env, cwd: params.cwd });
  const kube = createKubeClient(kubeconfig.connection, { log: ctx.log.child('kube'), env: params.env, userAgent: `telepresence/${VERSION}` });
  const extension = kubeconfig.extensions['telepresence.io'];
  const manager = typeof extension === 'object' && extension !== null && 'manager' in extension ? extension.manager : undefined;
  const fromExtension = typeof manager === 'object' && manager !== null && 'namespace' in manager && typeof manager.namespace === 'string' ? manager.namespace : undefined;
  const managerNamespace = params.managerNamespace ?? fromExtension ?? ctx.config.cluster.defaultManagerNamespace ?? DEFAULT_MANAGER_NAMESPACE;
  return { kubeconfig, kube, managerNamespace };
}
