/** Putting the traffic-manager into a cluster, from `connect` when it is missing, and from the `helm` commands. */
import { CodedError } from '../base/errors.ts';
import { installManager } from '../install/index.ts';
import type { ConnectParams } from '../protocol/daemon-api.ts';
import type { Cluster } from './cluster.ts';
import type { CallContext, DaemonContext } from './context.ts';

/** The image a fresh install uses: `TELEPRESENCE_IMAGE` of the caller, else the configuration's, else the local name. */
export function imageFor(ctx: DaemonContext, env: ConnectParams['env']): string | undefined {
  return env['TELEPRESENCE_IMAGE'] ?? ctx.config.images.agentImage;
}

/** Installs the manager when a user connects to a cluster without it. @throws TP-MANAGER-MISSING when the user may not. */
export async function installMissingManager(ctx: DaemonContext, cluster: Cluster, params: ConnectParams, call: CallContext): Promise<void> {
  call.progress('Installing the traffic-manager');
  const image = imageFor(ctx, params.env);
  try {
    await installManager(cluster.kube, {
      namespace: cluster.managerNamespace,
      values: {},
      ...(image === undefined ? {} : { image }),
      signal: call.signal,
      onProgress: (line) => call.progress(line),
      log: ctx.log.child('install'),
    });
  } catch (error) {
    if (error instanceof CodedError && error.code === 'TP-INSTALL-FORBIDDEN') {
      throw new CodedError('TP-MANAGER-MISSING', `There is no traffic-manager in namespace ${cluster.managerNamespace}, and you may not install it: ${error.message}`, { cause: error });
    }
    throw error;
  }
}
