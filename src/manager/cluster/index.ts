/**
 * What the cluster looks like: its ranges, nodes, namespaces, domain and DNS. Workstations get it in the welcome and again after
 * each change; the dial policy follows it.
 */
import { readFile } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import { messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { type KubeClient, resourcePath } from '../../kube/index.ts';
import type { ClusterInfo } from '../../protocol/tunnel.ts';
import type { ClusterWatch } from '../context.ts';
import type { ManagerSettings } from '../settings.ts';
import { watch } from '../watched.ts';
import { believable, coverPods, type Node, nodeAddresses, nodePodSubnets } from './pod-subnets.ts';
import { clusterDomainOf, DEFAULT_CLUSTER_DOMAIN, parseResolvConf } from './resolv-conf.ts';
import { findServiceSubnets, SERVICE_SUBNETS_REFRESH_MS } from './service-subnets.ts';

/** Changes that come within this time are told together: a rollout of nodes or namespaces must not flood workstations. */
export const CLUSTER_SETTLE_MS = 100;

interface Namespace {
  metadata: { name: string; deletionTimestamp?: string };
}

export interface ClusterWatchOptions {
  kube: KubeClient;
  namespace: string;
  podIP: string;
  settings: ManagerSettings;
  resolvConf: string;
  log: Log;
  signal: AbortSignal;
}

/** Resolves when everything was found out once. */
export async function watchCluster(options: ClusterWatchOptions): Promise<ClusterWatch> {
  const { kube, settings, log, signal } = options;
  const nodes = watch<Node>(kube, resourcePath('v1', 'nodes'), { log, signal });
  const namespaces = watch<Namespace>(kube, resourcePath('v1', 'namespaces'), { log, signal });
  const conf = parseResolvConf(await readFile(options.resolvConf, 'utf8').catch(missingResolvConf(log)));
  const clusterDomain = settings.cluster.domain ?? clusterDomainOf(conf, options.namespace) ?? DEFAULT_CLUSTER_DOMAIN;
  const dnsAddress = settings.cluster.dnsAddress ?? conf.nameservers[0];
  await Promise.all([nodes.ready, namespaces.ready]);

  let serviceSubnets: string[] = [];
  let coveredPods: string[] = [];
  const refresh = async () => {
    serviceSubnets =
      settings.cluster.serviceSubnets ?? (await findServiceSubnets(kube, { namespace: options.namespace, namespaces: settings.namespaces, log, signal }));
    if (settings.cluster.podSubnets === undefined && !believable(nodePodSubnets(nodes.list()), options.podIP)) {
      coveredPods = await coverPods(kube, { podIP: options.podIP, namespaces: settings.namespaces, signal });
    }
  };
  const podSubnets = () => {
    if (settings.cluster.podSubnets !== undefined) return settings.cluster.podSubnets;
    const ofNodes = nodePodSubnets(nodes.list());
    return believable(ofNodes, options.podIP) ? ofNodes : coveredPods;
  };
  const compute = (): ClusterInfo => ({
    serviceSubnets,
    podSubnets: podSubnets(),
    nodeAddresses: nodeAddresses(nodes.list()),
    clusterDomain,
    ...(dnsAddress === undefined ? {} : { dnsAddress }),
    namespaces: namespaces
      .list()
      .map((namespace) => namespace.metadata.name)
      .sort(),
  });

  await refresh();
  let info = compute();
  const listeners = new Set<(info: ClusterInfo) => void>();
  let settling: NodeJS.Timeout | undefined;
  const changed = () => {
    settling = undefined;
    const next = compute();
    if (isDeepStrictEqual(next, info)) return;
    info = next;
    for (const listener of listeners) listener(info);
  };
  const later = () => {
    settling ??= setTimeout(changed, CLUSTER_SETTLE_MS);
  };
  nodes.subscribe(later);
  namespaces.subscribe(later);
  const timer = setInterval(() => {
    refresh().then(later, (error: unknown) => {
      if (!signal.aborted) log.warn('the ranges of the cluster could not be read again', { error: messageOf(error) });
    });
  }, SERVICE_SUBNETS_REFRESH_MS);
  timer.unref();

  return {
    info: () => info,
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close() {
      clearInterval(timer);
      clearTimeout(settling);
      nodes.close();
      namespaces.close();
    },
  };
}

function missingResolvConf(log: Log): (error: unknown) => string {
  return (error) => {
    log.warn('resolv.conf could not be read; the cluster domain is taken to be the default', { error: messageOf(error) });
    return '';
  };
}
