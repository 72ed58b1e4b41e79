/** Puts the manager's parts together, starts them in order and ends them in reverse. */
import { setTimeout as wait } from 'node:timers/promises';
import { messageOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { type KubeClient, resourcePath } from '../kube/index.ts';
import { GROUP_VERSION, type Intercept, type Session } from '../protocol/resources.ts';
import { startAgentServer } from './agents/index.ts';
import { startCloud } from './cloud/index.ts';
import { watchCluster } from './cluster/index.ts';
import type { DnsPart, ManagerContext, Part } from './context.ts';
import { startHealth } from './health.ts';
import { createMetrics } from './metrics.ts';
import { createOutbound } from './outbound/index.ts';
import { createWaitingBytes } from './outbound/waiting.ts';
import { watchPeers } from './peers.ts';
import { createSessionRegistry } from './sessions/registry.ts';
import { startSessionStatus } from './sessions/status.ts';
import type { ManagerEnv, ManagerSettings } from './settings.ts';
import { createManagerTls, loadCa } from './tls/index.ts';
import { startTunnelServer } from './tunnel/server.ts';
import { joinWatched, watch } from './watched.ts';

/** How long streams may go on after SIGTERM. */
export const DRAIN_MS = 20_000;
/** How long workstations get to open another tunnel elsewhere, while this one still takes streams. */
export const HANDOVER_MS = 8_000;
/** How often the drain looks whether streams are left. */
export const DRAIN_TICK_MS = 200;
/** Bound on ending one part. */
export const PART_CLOSE_MS = 3_000;

export interface ManagerOptions {
  kube: KubeClient;
  env: ManagerEnv;
  settings: ManagerSettings;
  /** The pod's resolv.conf. */
  resolvConf: string;
  log: Log;
  startDns: (context: ManagerContext) => Promise<DnsPart>;
  /** Leader, injector and whatever else runs on the context. */
  parts: readonly ((context: ManagerContext) => Promise<Part>)[];
}

export interface RunningManager {
  readonly context: ManagerContext;
  /** The ports that were bound. */
  readonly ports: { tunnel: number; agents: number; health: number };
  /** Going away: told, drained for at most {@link DRAIN_MS} (or `drainMs`), ended. Idempotent. */
  close(options?: { drainMs?: number }): Promise<void>;
}

/** Resolves when the manager serves; when a part fails to start, those before it are ended and the error is thrown. */
export async function startManager(options: ManagerOptions): Promise<RunningManager> {
  const { kube, env, settings, log } = options;
  const { ports } = settings;
  const controller = new AbortController();
  const { signal } = controller;
  const closers: { name: string; close: () => unknown }[] = [];
  const onClose = (name: string, close: () => unknown) => closers.push({ name, close });
  const closeAll = async () => {
    for (const { name, close } of closers.splice(0).reverse()) {
      const late = wait(PART_CLOSE_MS, 'late', { ref: false });
      const ended = Promise.resolve()
        .then(close)
        .then(() => undefined);
      const outcome = await Promise.race([ended, late]).catch((error: unknown) => messageOf(error));
      if (outcome !== undefined) log.warn('a part did not end well', { part: name, error: outcome });
    }
  };

  let notReady: string | undefined = 'starting';
  try {
    const metrics = createMetrics();
    const health = await startHealth({ port: ports.health, metrics, ready: () => notReady, log });
    onClose('health', () => health.close());

    const ca = await loadCa(kube, { namespace: env.namespace, log, now: Date.now() });
    const tls = await createManagerTls({ ca, namespace: env.namespace, podIP: env.podIP, log });
    onClose('tls', () => tls.close());

    onClose('watches', () => controller.abort(new Error('the manager ends')));
    const sessionObjects = watch<Session>(kube, resourcePath(GROUP_VERSION, 'sessions', env.namespace), { log, signal });
    // With single namespaces the manager has rights in these only.
    const served = settings.namespaces.length === 0 ? [undefined] : settings.namespaces;
    const intercepts = joinWatched(served.map((namespace) => watch<Intercept>(kube, resourcePath(GROUP_VERSION, 'intercepts', namespace), { log, signal })));
    const [cluster, peers] = await Promise.all([
      watchCluster({ kube, namespace: env.namespace, podIP: env.podIP, settings, resolvConf: options.resolvConf, log: log.child('cluster'), signal }),
      watchPeers({ kube, namespace: env.namespace, self: { name: env.pod, address: env.podIP }, log, signal }),
      sessionObjects.ready,
      intercepts.ready,
    ]);
    onClose('cluster', () => cluster.close());
    onClose('peers', () => peers.close());

    const waiting = createWaitingBytes({ log });
    const sessions = createSessionRegistry({ log: log.child('sessions'), waiting });
    onClose('sessions', () => sessions.close());
    const status = startSessionStatus({ kube, sessionObjects, registry: sessions, peers, self: env.pod, log: log.child('sessions'), signal });
    onClose('session status', () => status.close());
    const agents = await startAgentServer({ kube, tls, port: ports.agents, replica: env.pod, intercepts, sessions, peers, metrics, waiting, log, signal });
    onClose('agents', () => agents.close());

    const context: ManagerContext = {
      kube,
      log,
      logLevel: env.logLevel,
      settings,
      ports,
      namespace: env.namespace,
      pod: env.pod,
      podIP: env.podIP,
      agentImage: env.agentImage,
      agentPullPolicy: env.agentPullPolicy,
      tls,
      sessionObjects,
      intercepts,
      cluster,
      peers,
      sessions,
      agents,
      metrics,
      waiting,
      signal,
    };
    const outbound = createOutbound({ cluster, peers, settings, metrics, log: log.child('outbound') });
    onClose('outbound', () => outbound.close());
    for (const start of options.parts) {
      const part = await start(context);
      onClose(start.name, () => part.close());
    }
    const dns = await options.startDns(context);
    onClose('dns', () => dns.close());
    const cloud = await startCloud(context, () => outbound.policy);
    onClose('cloud', () => cloud.close());
    const tunnels = await startTunnelServer({ context, sessions, outbound, dns, cloud });
    onClose('tunnels', () => tunnels.close());

    metrics.gauge('sessions', 'Sessions whose tunnel this replica holds.', () => sessions.counts().sessions);
    metrics.gauge('tunnel_connections', 'Connections of those tunnels.', () => sessions.counts().connections);
    metrics.gauge('streams', 'Streams of those tunnels.', () => sessions.counts().streams);
    metrics.gauge('agents', 'Agents that are linked.', () => agents.list().length);
    metrics.gauge('resident_memory_bytes', 'Resident memory.', () => process.memoryUsage.rss());
    notReady = undefined;
    log.info('the manager serves', {
      tunnel: tunnels.port,
      agents: agents.port,
      services: cluster.info().serviceSubnets.join(' '),
      pods: cluster.info().podSubnets.join(' '),
    });

    let closing: Promise<void> | undefined;
    const stop = async (drainMs: number) => {
      notReady = 'going away';
      const reason = 'the replica is stopping';
      tunnels.announce(reason);
      agents.announce(reason);
      const start = performance.now();
      const until = async (done: () => boolean, ms: number) => {
        while (!done() && performance.now() - start < Math.min(ms, drainMs)) await wait(DRAIN_TICK_MS);
      };
      // A workstation that has its other tunnel says so with a GOAWAY of its own.
      await until(() => sessions.connections().every(({ mux }) => mux.goneAway !== undefined), HANDOVER_MS);
      tunnels.goAway(reason);
      agents.goAway(reason);
      await until(() => sessions.connections().every(({ kind, mux }) => kind !== 'data' || mux.streams === 0), DRAIN_MS);
      await closeAll();
    };
    return {
      context,
      ports: { tunnel: tunnels.port, agents: agents.port, health: health.port },
      close: (call = {}) => (closing ??= stop(call.drainMs ?? DRAIN_MS)),
    };
  } catch (error) {
    await closeAll();
    throw error;
  }
}
