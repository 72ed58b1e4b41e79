/** Taking agents out of workloads, and the traffic-manager out of a cluster. */
import type { z } from 'zod';
import { CodedError } from '../base/errors.ts';
import { managerStatus, uninstallManager } from '../install/index.ts';
import type { uninstallParamsSchema } from '../protocol/daemon-api.ts';
import { type Cluster, withCluster } from './cluster.ts';
import type { CallContext, DaemonContext } from './context.ts';
import type { Daemon } from './daemon.ts';
import type { HelmParams } from './install.ts';
import { hasAgent, listWorkloads, managerOfAgent } from './intercept/workloads.ts';
import { chooseAgents, uninstallAgents } from './uninstall-agents.ts';

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
  let done: string[] = [];
  const agentsGo = async (): Promise<void> => {
    if (!status.ready) {
      call.warning('The traffic-manager is not ready: workloads that have an agent keep it until they are restarted.');
      return;
    }
    const { username } = await kube.whoAmI({ signal: call.signal });
    const workloads = await listWorkloads(kube, undefined, call.signal);
    const own = workloads.filter((workload) => managerOfAgent(workload) === namespace);
    done = await uninstallAgents({ kube, log: ctx.log.child('uninstall'), user: username }, own, call.signal);
  };
  await uninstallManager(kube, { namespace, signal: call.signal, onProgress: call.progress, agentsGo });
  return done;
}

export async function uninstall(daemon: Daemon, params: z.infer<typeof uninstallParamsSchema>, call: CallContext): Promise<{ done: string[] }> {
  if (params.everything) {
    const cluster = params.cluster ?? daemon.connected?.parts.params;
    if (cluster === undefined) throw new CodedError('TP-NOT-CONNECTED', 'Which cluster is meant is not known.');
    await daemon.disconnect();
    return { done: await withCluster(daemon.ctx, cluster, (opened) => removeEverything(daemon.ctx, opened, call)) };
  }
  const { kube, log, session, namespace: connected } = daemon.session.parts;
  const namespace = params.namespace ?? connected;
  const workloads = await listWorkloads(kube, namespace, call.signal);
  const chosen = params.allAgents ? workloads.filter((workload) => hasAgent(workload)) : chooseAgents(params.agents, namespace, workloads);
  return { done: await uninstallAgents({ kube, log: log.child('uninstall'), user: session.user }, chosen, call.signal) };
}
