/**
 * The traffic-manager: holds the workstations' tunnels, dials in the cluster for them, relays intercepted connections from agents,
 * decides intercepts (the leading replica) and injects agents. Keeps nothing that it can't lose: state is in Kubernetes.
 */
import { readFile } from 'node:fs/promises';
import type { Log } from '../base/log.ts';
import { createKubeClient, inClusterConnection } from '../kube/index.ts';
import type { DnsPart, ManagerContext } from './context.ts';
import { createDnsForwarder, resolverFrom, serveDnsStream } from './dns/index.ts';
import { startInjector } from './injector/index.ts';
import { startLeader } from './leader/index.ts';
import { startManager } from './manager.ts';
import { parseManagerEnv, parseSettings } from './settings.ts';
import { startThrift } from './thrift.ts';

/** Where the kubelet tells a pod of the cluster's DNS. */
const RESOLV_CONF = '/etc/resolv.conf';

/** One forwarder to the cluster's DNS for all tunnels. */
export async function startDns(context: Pick<ManagerContext, 'log' | 'cluster'>): Promise<DnsPart> {
  const log = context.log.child('dns');
  const address = context.cluster.info().dnsAddress;
  const forwarder = createDnsForwarder({ log, ...(address === undefined ? resolverFrom(await readFile(RESOLV_CONF, 'utf8')) : { address }) });
  return {
    serve: (stream, work) => serveDnsStream(stream, { log, resolver: forwarder, work }),
    close: async () => forwarder.close(),
  };
}

/** Runs until `signal` is aborted (SIGTERM), then drains. Rejects when it could not start. */
export async function main(options: { env: Record<string, string | undefined>; log: Log; signal: AbortSignal }): Promise<void> {
  const { log, signal } = options;
  const env = parseManagerEnv(options.env);
  log.setLevel(env.logLevel);
  const settings = parseSettings(env.configFile === undefined ? undefined : await readFile(env.configFile, 'utf8'));
  const kube = createKubeClient(await inClusterConnection(), { log: log.child('kube') });
  const manager = await startManager({
    kube,
    env,
    settings,
    resolvConf: RESOLV_CONF,
    log,
    startDns,
    parts: [startLeader, startInjector, startThrift],
  });
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
  log.info('stopping');
  await manager.close();
  kube.close();
}
