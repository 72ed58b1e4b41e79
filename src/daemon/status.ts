/** What `status` says: the truth about the line at this moment. */
import { VERSION } from '../base/version.ts';
import type { StatusResult, VersionResult } from '../protocol/daemon-api.ts';
import type { Connected } from './connected.ts';
import type { DaemonContext } from './context.ts';

export interface StatusSource {
  ctx: DaemonContext;
  connected: Connected | undefined;
  /** Why the last session ended by itself, if it did. */
  lastEnd: string | undefined;
  executable: string;
}

export async function statusOf({ ctx, connected, lastEnd, executable }: StatusSource): Promise<StatusResult> {
  const daemon = { running: true as const, version: VERSION, pid: process.pid, executable, installId: ctx.installId };
  if (connected === undefined) {
    return {
      daemon: { ...daemon, state: 'not connected', ...(lastEnd === undefined ? {} : { detail: lastEnd }) },
      netd: { running: false },
      manager: { connected: false },
    };
  }
  const { kubeconfig, namespace, managerNamespace, params, session, tunnel, direct, network, intercepts } = connected.parts;
  const line = tunnel.state;
  const net = network.status;
  const { dns } = connected.parts.config;
  return {
    daemon: {
      ...daemon,
      state: line.up ? 'connected' : 'reconnecting',
      ...(line.detail === '' ? {} : { detail: line.detail }),
      since: new Date(line.since).toISOString(),
      server: kubeconfig.server,
      context: kubeconfig.context,
      namespace,
      managerNamespace,
      mappedNamespaces: params.mappedNamespaces,
      session: session.name,
      intercepts: await intercepts.own(),
    },
    netd: {
      running: true,
      version: VERSION,
      ...(net.device === undefined ? {} : { device: net.device }),
      dns: {
        mode: net.dns.mode,
        ...(net.dns.address === undefined ? {} : { address: net.dns.address }),
        excludeSuffixes: dns.excludeSuffixes,
        includeSuffixes: dns.includeSuffixes,
        timeoutMs: dns.lookupTimeout,
      },
      subnets: net.subnets,
      alsoProxy: params.alsoProxy,
      neverProxy: params.neverProxy,
      allowConflicting: params.allowConflictingSubnets,
      hiddenNames: net.hiddenNames,
    },
    manager: {
      connected: line.up,
      ...(tunnel.welcome === undefined ? {} : { version: tunnel.welcome.version, replica: tunnel.welcome.replica }),
      ...(tunnel.welcome?.agentImage === undefined ? {} : { agentImage: tunnel.welcome.agentImage }),
      ...(line.transport === undefined ? {} : { transport: line.transport }),
      ...(line.rtt === undefined ? {} : { rtt: line.rtt }),
      blocked: [...line.blocked],
      directPods: direct.pods,
    },
  };
}

export function versionsOf(connected: Connected | undefined): VersionResult {
  const welcome = connected?.parts.tunnel.welcome;
  return {
    daemon: VERSION,
    ...(connected === undefined ? {} : { netd: VERSION }),
    ...(welcome === undefined ? {} : { manager: welcome.version }),
    ...(welcome?.agentImage === undefined ? {} : { agentImage: welcome.agentImage }),
  };
}
