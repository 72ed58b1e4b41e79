/** Taking agents out of workloads, and the traffic-manager out of a cluster. */
import { z } from 'zod';
import { CodedError } from '../base/errors.ts';
import { VERSION } from '../base/version.ts';
import { managerStatus, uninstallManager } from '../install/index.ts';
import type { uninstallParamsSchema } from '../protocol/daemon-api.ts';
import { type Cluster, withCluster } from './cluster.ts';
import type { CallContext, DaemonContext } from './context.ts';
import type { Daemon } from './daemon.ts';
import type { HelmParams } from './install.ts';
import { hasAgent, listWorkloads } from './intercept/workloads.ts';
import { createSession, deleteSession } from './session.ts';
import { Tunnel } from './tunnel/index.ts';

/** Workloads roll without the agent while this waits. */
const UNINSTALL_AGENTS_TIMEOUT_MS = 180_000;

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
  if (status.state === 'missing')
    throw new CodedError('TP-MANAGER-MISSING', `There is no traffic-manager in namespace ${namespace}.`, { help: 'There is nothing to uninstall.' });
  const done: string[] = [];
  if (status.ready) {
    await withTunnel(ctx, cluster, call, async (tunnel) => {
      const workloads = await listWorkloads(kube, undefined, call.signal);
      for (const where of new Set(workloads.filter(hasAgent).map((workload) => workload.namespace))) {
        done.push(...(await uninstallAgents(tunnel, where, 'all', call)));
      }
    });
  } else call.warning('The traffic-manager is not ready: workloads that have an agent keep it until they are restarted.');
  await uninstallManager(kube, { namespace, signal: call.signal, onProgress: call.progress });
  return done;
}

const uninstalledSchema = z.looseObject({ workloads: z.array(z.string()).default([]) });

async function uninstallAgents(tunnel: Tunnel, namespace: string, workloads: string[] | 'all', call: CallContext): Promise<string[]> {
  const answer = await tunnel.call('uninstall-agents', { namespace, workloads }, { signal: call.signal, timeoutMs: UNINSTALL_AGENTS_TIMEOUT_MS });
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
  return { done: await uninstallAgents(tunnel, params.namespace ?? namespace, params.allAgents ? 'all' : params.agents, call) };
}
