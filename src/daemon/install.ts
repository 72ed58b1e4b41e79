/** Putting the traffic-manager into a cluster: from `connect` when it is missing, and by the `helm` commands. */
import type { z } from 'zod';
import { CodedError } from '../base/errors.ts';
import { type ImageWishes, installManager, managerStatus, parseValues, renderManifests, upgradeManager } from '../install/index.ts';
import type { ConnectParams, helmParamsSchema } from '../protocol/daemon-api.ts';
import { type Cluster, withCluster } from './cluster.ts';
import type { CallContext, DaemonContext } from './context.ts';

/** The image a fresh install uses: `TELEPRESENCE_IMAGE` of the caller, else the configuration's, else the local name. */
function imagesFor({ config }: Cluster, env: ConnectParams['env']): ImageWishes {
  const { registry, agentImage } = config.images;
  return { environment: env['TELEPRESENCE_IMAGE'], registry, agentImage };
}

/** Installs the manager when a user connects to a cluster without it. @throws TP-MANAGER-MISSING when the user may not. */
export async function installMissingManager(cluster: Cluster, params: ConnectParams, call: CallContext): Promise<void> {
  call.progress('Installing the traffic-manager');
  try {
    await installManager(cluster.kube, {
      namespace: cluster.managerNamespace,
      images: imagesFor(cluster, params.env),
      signal: call.signal,
      onProgress: (line) => call.progress(line),
    });
  } catch (error) {
    if (error instanceof CodedError && error.code === 'TP-INSTALL-FORBIDDEN') {
      throw new CodedError(
        'TP-MANAGER-MISSING',
        `There is no traffic-manager in namespace ${cluster.managerNamespace}, and you may not install it: ${error.message}`,
        { cause: error },
      );
    }
    throw error;
  }
}

export type HelmParams = z.infer<typeof helmParamsSchema>;

export function helmInstall(ctx: DaemonContext, params: HelmParams, call: CallContext): Promise<{ message: string }> {
  return withCluster(ctx, params.cluster, async (cluster) => {
    const { kube, managerNamespace: namespace } = cluster;
    const before = await managerStatus(kube, namespace, { signal: call.signal });
    if (before.state === 'installed') {
      throw new CodedError('TP-INSTALL-FAILED', `There is a traffic-manager in namespace ${namespace} already, of version ${before.version}.`, {
        help: 'Run `telepresence helm upgrade` to change it.',
      });
    }
    await installManager(kube, {
      namespace,
      values: params.values,
      images: imagesFor(cluster, params.cluster.env),
      signal: call.signal,
      onProgress: call.progress,
    });
    return { message: `Traffic Manager installed successfully` };
  });
}

export function helmUpgrade(ctx: DaemonContext, params: HelmParams, call: CallContext): Promise<{ message: string }> {
  if (params.reuseValues && params.resetValues) throw new CodedError('TP-USAGE', 'Choose one of --reuse-values and --reset-values.');
  // as Helm: the values of before count when none are given
  const previous = params.reuseValues || (!params.resetValues && Object.keys(params.values).length === 0) ? 'reuse' : 'reset';
  return withCluster(ctx, params.cluster, async (cluster) => {
    const { kube, managerNamespace: namespace } = cluster;
    await upgradeManager(kube, {
      namespace,
      values: params.values,
      images: imagesFor(cluster, params.cluster.env),
      previous,
      signal: call.signal,
      onProgress: call.progress,
    });
    return { message: 'Traffic Manager upgraded successfully' };
  });
}

/** Has the API server check what the values render to; changes nothing. */
export function helmLint(ctx: DaemonContext, params: HelmParams, call: CallContext): Promise<{ message: string }> {
  return withCluster(ctx, params.cluster, async ({ kube, managerNamespace: namespace }) => {
    const objects = renderManifests(parseValues(params.values), { namespace });
    for (const object of objects) await kube.apply(object, { fieldManager: 'telepresence-lint', force: true, dryRun: true, signal: call.signal });
    return { message: `${objects.length} objects rendered, accepted by the API server` };
  });
}
