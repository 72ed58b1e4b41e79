/** Putting the traffic-manager into a cluster and taking it out again: from `connect` when it is missing, from `helm`, from `uninstall`. */
import { z } from 'zod';
import { CodedError } from '../base/errors.ts';
import { VERSION } from '../base/version.ts';
import { type ImageWishes, installManager, managerStatus, parseValues, renderManifests, uninstallManager, upgradeManager } from '../install/index.ts';
import type { ConnectParams, helmParamsSchema, uninstallParamsSchema } from '../protocol/daemon-api.ts';
import { type Cluster, openCluster } from './cluster.ts';
import type { CallContext, DaemonContext } from './context.ts';
import type { Daemon } from './daemon.ts';
import { createSession, deleteSession } from './session.ts';
import { Tunnel } from './tunnel/index.ts';

/** Workloads roll without the agent while this waits. */
const UNINSTALL_AGENTS_TIMEOUT_MS = 180_000;

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
      throw new CodedError('TP-MANAGER-MISSING', `There is no traffic-manager in namespace ${cluster.managerNamespace}, and you may not install it: ${error.message}`, { cause: error });
    }
    throw error;
  }
}

type HelmParams = z.infer<typeof helmParamsSchema>;

async function withCluster<T>(ctx: DaemonContext, params: ConnectParams, use: (cluster: Cluster) => Promise<T>): Promise<T> {
  const cluster = await openCluster(ctx, params);
  try {
    return await use(cluster);
  } finally {
    cluster.kube.close();
  }
}

export function helmInstall(ctx: DaemonContext, params: HelmParams, call: CallContext): Promise<{ message: string }> {
  return withCluster(ctx, params.cluster, async (cluster) => {
    const { kube, managerNamespace: namespace } = cluster;
    const before = await managerStatus(kube, namespace, { signal: call.signal });
    if (before.state === 'installed') {
      throw new CodedError('TP-INSTALL-FAILED', `There is a traffic-manager in namespace ${namespace} already, of version ${before.version}.`, {
        help: 'Run `telepresence helm upgrade` to change it.',
      });
    }
    await installManager(kube, { namespace, values: params.values, images: imagesFor(cluster, params.cluster.env), signal: call.signal, onProgress: call.progress });
    return { message: `Traffic Manager installed successfully` };
  });
}

export function helmUpgrade(ctx: DaemonContext, params: HelmParams, call: CallContext): Promise<{ message: string }> {
  if (params.reuseValues && params.resetValues) throw new CodedError('TP-USAGE', 'Choose one of --reuse-values and --reset-values.');
  // as Helm: the values of before count when none are given
  const previous = params.reuseValues || (!params.resetValues && Object.keys(params.values).length === 0) ? 'reuse' : 'reset';
  return withCluster(ctx, params.cluster, async (cluster) => {
    const { kube, managerNamespace: namespace } = cluster;
    await upgradeManager(kube, { namespace, values: params.values, images: imagesFor(cluster, params.cluster.env), previous, signal: call.signal, onProgress: call.progress });
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

export function helmUninstall(ctx: DaemonContext, params: HelmParams, call: CallContext): Promise<{ message: string }> {
  return withCluster(ctx, params.cluster, async (cluster) => {
    await removeEverything(ctx, cluster, call);
    return { message: 'Traffic Manager uninstalled successfully' };
  });
}

/** Agents out of all workloads, then the manager itself. */
async function removeEverything(ctx: DaemonContext, cluster: Cluster, call: CallContext): Promise<string[]> {
  const { kube, managerNamespace: namespace } = cluster;
  const status = await managerStatus(kube, namespace, { signal: call.signal });
  if (status.state === 'missing') throw new CodedError('TP-MANAGER-MISSING', `There is no traffic-manager in namespace ${namespace}.`, { help: 'There is nothing to uninstall.' });
  const done: string[] = [];
  if (status.ready) {
    await withTunnel(ctx, cluster, call, async (tunnel) => {
      done.push(...(await uninstallAgents(tunnel, { all: true }, call)));
    });
  } else call.warning('The traffic-manager is not ready: workloads that have an agent keep it until they are restarted.');
  await uninstallManager(kube, { namespace, signal: call.signal, onProgress: call.progress });
  return done;
}

const uninstalledSchema = z.looseObject({ workloads: z.array(z.string()).default([]) });

async function uninstallAgents(tunnel: Tunnel, what: { namespace?: string; workloads?: string[]; all?: boolean }, call: CallContext): Promise<string[]> {
  const answer = await tunnel.call('uninstall-agents', what, { signal: call.signal, timeoutMs: UNINSTALL_AGENTS_TIMEOUT_MS });
  return uninstalledSchema.parse(answer).workloads;
}

/** A session with a tunnel and without the workstation's network: for one errand at the manager. */
async function withTunnel(ctx: DaemonContext, { kube, managerNamespace }: Cluster, call: CallContext, use: (tunnel: Tunnel) => Promise<void>): Promise<void> {
  const log = ctx.log.child('errand');
  const { username } = await kube.whoAmI();
  const session = await createSession({
    kube,
    log,
    user: username,
    managerNamespace,
    namespace: 'default',
    mappedNamespaces: [],
    installId: `${ctx.installId}-errand`,
    signal: call.signal,
  });
  try {
    const tunnel = new Tunnel({ kube, managerNamespace, session, sign: session.sign, version: VERSION, log, onStream: (stream) => stream.reset('gone') });
    await tunnel.start(call.signal);
    try {
      await use(tunnel);
    } finally {
      await tunnel.close();
    }
  } finally {
    await deleteSession(kube, managerNamespace, session.name);
  }
}

export async function uninstall(daemon: Daemon, params: z.infer<typeof uninstallParamsSchema>, call: CallContext): Promise<{ done: string[] }> {
  if (params.everything) {
    const cluster = params.cluster ?? daemon.connected?.parts.params;
    if (cluster === undefined) throw new CodedError('TP-NOT-CONNECTED', 'Which cluster is meant is not known.');
    await daemon.disconnect();
    return { done: await withCluster(daemon.ctx, cluster, (opened) => removeEverything(daemon.ctx, opened, call)) };
  }
  const { tunnel, namespace } = daemon.session.parts;
  if (params.allAgents) return { done: await uninstallAgents(tunnel, { all: true }, call) };
  return { done: await uninstallAgents(tunnel, { namespace: params.namespace ?? namespace, workloads: params.agents }, call) };
}
