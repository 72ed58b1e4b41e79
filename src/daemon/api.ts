/** The daemon's table: one handler for each method of src/protocol/daemon-api.ts. */
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { CodedError } from '../base/errors.ts';
import { configView } from '../config/index.ts';
import { resourcePath } from '../kube/index.ts';
import {
  clusterParamsSchema,
  connectParamsSchema,
  type DaemonApi,
  type DaemonMethod,
  gatherLogsParamsSchema,
  helmParamsSchema,
  ingressGuessParamsSchema,
  interceptParamsSchema,
  leaveParamsSchema,
  listParamsSchema,
  loginFinishParamsSchema,
  loginParamsSchema,
  loginStartParamsSchema,
  loglevelParamsSchema,
  previewCreateParamsSchema,
  previewRemoveParamsSchema,
  probeSeenParamsSchema,
  uninstallParamsSchema,
} from '../protocol/daemon-api.ts';
import { probeHopsSchema } from '../protocol/tunnel.ts';
import { findIngresses } from './cloud/index.ts';
import { clientFile, withCluster } from './cluster.ts';
import type { CallContext } from './context.ts';
import type { Daemon } from './daemon.ts';
import { examine } from './doctor/index.ts';
import { gatherLogs } from './gather-logs.ts';
import { helmInstall, helmLint, helmUpgrade } from './install.ts';
import { statusOf, versionsOf } from './status.ts';
import { helmUninstall, uninstall } from './uninstall.ts';

const probeAgents = z.looseObject({ agents: z.number().int() });

export type DaemonHandlers = { [M in DaemonMethod]: (params: unknown, call: CallContext) => Promise<DaemonApi[M]['result']> };

/** @param quit ends the daemon's process after the answer is sent. */
export function createHandlers(daemon: Daemon, executable: string, quit: () => void): DaemonHandlers {
  const { ctx, account } = daemon;
  return {
    version: async () => versionsOf(daemon.connected),
    status: () => statusOf({ ctx, connected: daemon.connected, lastEnd: daemon.lastEnd, executable }),
    connect: (params, call) => daemon.connect(connectParamsSchema.parse(params), call),
    disconnect: () => daemon.disconnect(),
    quit: async () => {
      await daemon.disconnect();
      quit();
      return {};
    },
    list: async (params, call) => {
      const { namespace, allNamespaces, onlyAgents, onlyIntercepts } = listParamsSchema.parse(params);
      const { intercepts, namespace: connected } = daemon.session.parts;
      const workloads = await intercepts.list(allNamespaces ? undefined : (namespace ?? connected), call.signal);
      const wanted = workloads.filter((workload) => {
        if (!onlyAgents && !onlyIntercepts) return true;
        return (onlyAgents && workload.agentInstalled) || (onlyIntercepts && workload.intercepts.length > 0);
      });
      return { namespace: namespace ?? connected, workloads: wanted };
    },
    intercept: (params, call) => daemon.session.parts.intercepts.create(interceptParamsSchema.parse(params), call),
    leave: async (params, call) => {
      const { name, namespace } = leaveParamsSchema.parse(params);
      await daemon.session.parts.intercepts.leave(name, namespace, call.signal);
      return {};
    },
    uninstall: (params, call) => uninstall(daemon, uninstallParamsSchema.parse(params), call),
    helmInstall: (params, call) => helmInstall(ctx, helmParamsSchema.parse(params), call),
    helmUpgrade: (params, call) => helmUpgrade(ctx, helmParamsSchema.parse(params), call),
    helmLint: (params, call) => helmLint(ctx, helmParamsSchema.parse(params), call),
    helmUninstall: async (params, call) => {
      const parsed = helmParamsSchema.parse(params);
      await daemon.disconnect();
      return helmUninstall(ctx, parsed, call);
    },
    listContexts: (params) => withCluster(ctx, clusterParamsSchema.parse(params), async ({ kubeconfig }) => ({ contexts: kubeconfig.contexts })),
    listNamespaces: (params, call) =>
      withCluster(ctx, clusterParamsSchema.parse(params), async ({ kube }) => {
        const { items } = await kube.list<{ metadata: { name: string } }>(resourcePath('v1', 'namespaces'), { signal: call.signal });
        return { namespaces: items.map(({ metadata }) => metadata.name) };
      }),
    loglevel: async (params, call) => {
      const { level, durationMs, localOnly, remoteOnly } = loglevelParamsSchema.parse(params);
      if (localOnly && remoteOnly) throw new CodedError('TP-USAGE', 'Choose one of --local-only and --remote-only.');
      if (!localOnly) await daemon.session.parts.tunnel.call('loglevel', { level, durationMs }, { signal: call.signal });
      if (!remoteOnly) ctx.setLogLevel(level, durationMs);
      return {};
    },
    gatherLogs: (params, call) => gatherLogs(daemon, gatherLogsParamsSchema.parse(params), call),
    configView: async (params) => {
      const parsed = clusterParamsSchema.parse(params);
      const { configFile: file, logDir } = ctx.paths;
      if (parsed['clientOnly'] === true) return { config: (await clientFile(ctx, parsed.configFile)).values, file, logDir };
      return withCluster(ctx, parsed, async ({ config }) => ({ config: configView(config), file, logDir }));
    },
    doctor: async (params, call) => ({ checks: await examine(daemon, clusterParamsSchema.parse(params), call) }),
    probeBegin: async (_params, call) => {
      const id = randomBytes(16).toString('hex');
      const answer = probeAgents.parse(await daemon.session.parts.tunnel.call('probe', { id }, { signal: call.signal }));
      return { id, ...answer };
    },
    probeSeen: async (params, call) => {
      const { id } = probeSeenParamsSchema.parse(params);
      return probeHopsSchema.parse(await daemon.session.parts.tunnel.call('probe-seen', { id }, { signal: call.signal }));
    },
    loginStart: (params) => account.loginStart(loginStartParamsSchema.parse(params)),
    loginFinish: (params, call) => account.loginFinish(loginFinishParamsSchema.parse(params).id, call),
    login: (params, call) => account.loginByKey(loginParamsSchema.parse(params), call),
    logout: (_params, call) => account.logout(call),
    cloudStatus: () => account.status(),
    ingressGuess: async (params, call) => {
      const { namespace, workload, service, intercept } = ingressGuessParamsSchema.parse(params);
      const { kube, log, previews, intercepts, namespace: connected } = daemon.session.parts;
      await previews.check();
      const own = intercept === undefined ? undefined : intercepts.named(intercept, namespace);
      const wanted = own === undefined ? workload : `${own.spec.workload.kind}/${own.spec.workload.name}`;
      if (wanted === undefined) throw new CodedError('TP-USAGE', 'There is no name of a workload or intercept.');
      const ingresses = await findIngresses({
        kube,
        log,
        clusterId: await previews.clusterId(call.signal),
        ingressesFile: ctx.paths.ingressesFile,
        namespace: own?.namespace ?? namespace ?? connected,
        workload: wanted,
        service: own?.spec.service ?? service,
        signal: call.signal,
      });
      return { ingresses };
    },
    previewCreate: (params, call) => {
      const { name, namespace, ingress } = previewCreateParamsSchema.parse(params);
      return daemon.session.parts.intercepts.addPreview(name, namespace, ingress, call.signal);
    },
    previewRemove: async (params, call) => {
      const { name, namespace } = previewRemoveParamsSchema.parse(params);
      await daemon.session.parts.intercepts.removePreview(name, namespace, call.signal);
      return {};
    },
    netdNeeded: () => daemon.netdNeeded(),
  };
}
