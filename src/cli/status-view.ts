/** What `status` shows: text for people, and the original's keys for programs. */
import type { InterceptInfo, StatusResult } from '../protocol/daemon-api.ts';
import { connectionName } from './call-daemon.ts';
import { keyValues } from './key-values.ts';

type Row = [string, string];

export function statusText(status: StatusResult | undefined): string {
  if (status === undefined) return 'OSS User Daemon: Not running\nOSS Root Daemon: Not running\nOSS Traffic Manager: Not connected';
  return [...daemonLines(status.daemon), ...netdLines(status.netd), ...managerLines(status.manager)].join('\n');
}

function daemonLines(daemon: StatusResult['daemon']): string[] {
  const name = connectionName(daemon);
  const rows: Row[] = [
    ['Version', `v${daemon.version}`],
    ['Executable', daemon.executable],
    ['Install ID', daemon.installId],
    ['Status', stateText(daemon)],
  ];
  const optional: [string, string | undefined][] = [
    ['Kubernetes server', daemon.server],
    ['Kubernetes context', daemon.context],
    ['Namespace', daemon.namespace],
    ['Manager namespace', daemon.managerNamespace],
    ['Mapped namespaces', daemon.mappedNamespaces === undefined || daemon.mappedNamespaces.length === 0 ? undefined : bracketed(daemon.mappedNamespaces)],
    ['Session', daemon.session],
  ];
  for (const [key, value] of optional) if (value !== undefined) rows.push([key, value]);
  const { intercepts } = daemon;
  if (intercepts !== undefined) rows.push(['Intercepts', [`${intercepts.length} total`, ...intercepts.map(interceptLine)].join('\n')]);
  return [`OSS User Daemon${name === undefined ? '' : ` [${name}]`}: Running`, keyValues(rows, '  ')];
}

function stateWord(state: string): string {
  return state.charAt(0).toUpperCase() + state.slice(1);
}

function stateText(daemon: StatusResult['daemon']): string {
  const since = daemon.since === undefined ? '' : ` since ${daemon.since}`;
  return `${stateWord(daemon.state)}${since}${daemon.detail === undefined ? '' : `: ${daemon.detail}`}`;
}

function interceptLine(intercept: InterceptInfo): string {
  return `${intercept.name}: ${intercept.user}@${intercept.hostname}${intercept.state === 'ACTIVE' ? '' : ` (${intercept.state})`}`;
}

function netdLines(netd: StatusResult['netd']): string[] {
  if (!netd.running) return ['OSS Root Daemon: Not running'];
  const rows: Row[] = [];
  if (netd.version !== undefined) rows.push(['Version', `v${netd.version}`]);
  if (netd.device !== undefined) rows.push(['Device', netd.device]);
  const lines = ['OSS Root Daemon: Running'];
  if (rows.length > 0) lines.push(keyValues(rows, '  '));
  if (netd.dns !== undefined) {
    const { dns } = netd;
    const dnsRows: Row[] = [['Mode', dns.mode]];
    if (dns.address !== undefined) dnsRows.push(['Local address', dns.address]);
    dnsRows.push(
      ['Exclude suffixes', bracketed(dns.excludeSuffixes)],
      ['Include suffixes', bracketed(dns.includeSuffixes)],
      ['Timeout', `${dns.timeoutMs / 1000}s`],
    );
    lines.push('  DNS:', keyValues(dnsRows, '    '));
  }
  const lists: [string, string[] | undefined][] = [
    ['Subnets', netd.subnets],
    ['Also Proxy', netd.alsoProxy],
    ['Never Proxy', netd.neverProxy],
    ['Allow conflicts for', netd.allowConflicting],
  ];
  for (const [title, subnets] of lists) {
    if (subnets === undefined || (subnets.length === 0 && title !== 'Subnets')) continue;
    lines.push(`  ${title}: (${subnets.length} subnet${subnets.length === 1 ? '' : 's'})`, ...subnets.map((subnet) => `    - ${subnet}`));
  }
  if (netd.hiddenNames !== undefined && netd.hiddenNames.length > 0)
    lines.push('  Names hidden by services of the cluster:', ...netd.hiddenNames.map((name) => `    - ${name}`));
  return lines;
}

function managerLines(manager: StatusResult['manager']): string[] {
  const rows: Row[] = [];
  if (manager.version !== undefined) rows.push(['Version', `v${manager.version}`]);
  if (manager.agentImage !== undefined) rows.push(['Traffic Agent', manager.agentImage]);
  if (manager.replica !== undefined) rows.push(['Replica', manager.replica]);
  if (manager.transport !== undefined) rows.push(['Tunnel transport', manager.transport]);
  if (manager.rtt !== undefined) rows.push(['Round trip', `p50 ${milliseconds(manager.rtt.p50)}, p99 ${milliseconds(manager.rtt.p99)}`]);
  if (manager.blocked !== undefined && manager.blocked.length > 0) rows.push(['Blocked', manager.blocked.join('\n')]);
  return [`OSS Traffic Manager: ${manager.connected ? 'Connected' : 'Not connected'}`, ...(rows.length === 0 ? [] : [keyValues(rows, '  ')])];
}

function milliseconds(value: number): string {
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
}

function bracketed(values: readonly string[]): string {
  return `[${values.join(' ')}]`;
}

/** Drops what is undefined. */
function defined(object: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));
}

export function statusObject(status: StatusResult | undefined): Record<string, unknown> {
  if (status === undefined) return { user_daemon: { running: false }, root_daemon: { running: false }, traffic_manager: { connected: false } };
  const { daemon, netd, manager } = status;
  return {
    user_daemon: defined({
      running: true,
      in_docker: false,
      name: connectionName(daemon),
      version: `v${daemon.version}`,
      pid: daemon.pid,
      executable: daemon.executable,
      install_id: daemon.installId,
      status: stateWord(daemon.state),
      since: daemon.since,
      error: daemon.detail,
      kubernetes_server: daemon.server,
      kubernetes_context: daemon.context,
      namespace: daemon.namespace,
      manager_namespace: daemon.managerNamespace,
      mapped_namespaces: daemon.mappedNamespaces,
      session: daemon.session,
      intercepts: daemon.intercepts?.map((one) => ({ name: one.name, client: `${one.user}@${one.hostname}`, state: one.state })),
    }),
    root_daemon: defined({
      running: netd.running,
      version: netd.version === undefined ? undefined : `v${netd.version}`,
      device: netd.device,
      dns:
        netd.dns === undefined
          ? undefined
          : defined({
              mode: netd.dns.mode,
              local_address: netd.dns.address,
              exclude_suffixes: netd.dns.excludeSuffixes,
              include_suffixes: netd.dns.includeSuffixes,
              lookup_timeout: `${netd.dns.timeoutMs / 1000}s`,
            }),
      subnets: netd.subnets,
      also_proxy_subnets: netd.alsoProxy,
      never_proxy_subnets: netd.neverProxy,
      allow_conflicting_subnets: netd.allowConflicting,
      hidden_names: netd.hiddenNames,
    }),
    traffic_manager: defined({
      connected: manager.connected,
      version: manager.version === undefined ? undefined : `v${manager.version}`,
      traffic_agent: manager.agentImage,
      replica: manager.replica,
      tunnel_transport: manager.transport,
      direct_pods: manager.directPods,
      round_trip_ms: manager.rtt,
      blocked: manager.blocked,
    }),
  };
}
