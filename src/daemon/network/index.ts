/**
 * What `connect` changes on the workstation: capture of the cluster's TCP, the TUN for its UDP, and DNS. The daemon computes a
 * wanted state, `netd` holds it; all of it ends with the socket between the two.
 */
import { readFile } from 'node:fs/promises';
import net from 'node:net';
import type { Duplex } from 'node:stream';
import { CodedError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { ClientConfig } from '../../config/index.ts';
import type { NetState } from '../../protocol/netd-api.ts';
import type { ClusterInfo } from '../../protocol/tunnel.ts';
import { relay } from '../../tunnel/index.ts';
import { type Capture, createDatagramFlow, type NetdLink, type Packets, startCapture, startPackets } from '../capture/index.ts';
import {
  type ClusterResolver,
  createClusterResolver,
  createSwitchableResolver,
  type DnsPolicy,
  type DnsServer,
  localResolverUids,
  type ResolvConf,
  readResolvConf,
  startDnsServer,
} from '../dns/index.ts';
import type { Tunnel } from '../tunnel/index.ts';
import { type SubnetParams, type Subnets, subnetsOf } from './subnets.ts';

/** Address of the TUN device, in the range the original uses for its virtual subnet (class E, on no network). */
const TUN_HOST = '246.246.246.1';
const RESOLVED_STUB = '127.0.0.53';
/** Where systemd-resolved writes the servers of all its links. */
const RESOLVED_UPLINKS = '/run/systemd/resolve/resolv.conf';

export interface NetworkOptions {
  log: Log;
  config: ClientConfig;
  tunnel: Tunnel;
  netd: NetdLink;
  apiServer: readonly string[];
  params: SubnetParams & { namespace: string; mappedNamespaces: readonly string[]; allowConflictingSubnets: readonly string[] };
}

export interface NetworkStatus {
  device: string | undefined;
  subnets: string[];
  dns: { mode: string; address: string | undefined };
  hiddenNames: string[];
}

export class Network {
  readonly #options: NetworkOptions;
  #subnets: Subnets;
  #capture: Capture | undefined;
  #packets: Packets | undefined;
  #dns: DnsServer | undefined;
  #dnsMode: 'redirect' | 'resolved' = 'redirect';
  #resolverUids: number[] = [];
  #device: string | undefined;
  #clusterText = '';

  constructor(options: NetworkOptions, cluster: ClusterInfo) {
    this.#options = options;
    this.#subnets = subnetsOf(cluster, options.params, options.apiServer);
  }

  /** @throws TP-SUBNET-CONFLICT before anything is changed, TP-NETD-FAILED. */
  async start(cluster: ClusterInfo): Promise<void> {
    const { log, netd, tunnel } = this.#options;
    await this.#checkConflicts();
    this.#capture = await startCapture({
      log: log.child('capture'),
      isCaptured: (address) => this.#subnets.isCaptured(address),
      dial: ({ host, port }, first) => tunnel.openStream({ t: 'tcp', host, port }, first),
      relay,
    });
    this.#packets = startPackets({
      log: log.child('packets'),
      socket: netd.packets,
      openFlow: async ({ host, port }) => createDatagramFlow(await tunnel.openStream({ t: 'udp', host, port })),
    });
    // a resolver of systemd-resolved listens on the TUN's address, which must be there first
    await this.#apply(cluster);
    await this.#startDns(cluster);
    await this.#apply(cluster, { again: true });
    tunnel.on(
      'cluster',
      (changed) => void this.#apply(changed).catch((error: unknown) => log.error('a change of the cluster’s subnets could not be set', { error })),
    );
  }

  async #checkConflicts(): Promise<void> {
    const { netd, params } = this.#options;
    const { conflicts } = await netd.check(this.#subnets.captured);
    const left = conflicts.filter(({ subnet, route }) => !params.allowConflictingSubnets.some((allowed) => allowed === subnet || allowed === route));
    if (left.length === 0) return;
    const lines = left.map(({ subnet, route, device }) => `the cluster's subnet ${subnet} overlaps the local route ${route} (device ${device})`);
    throw new CodedError('TP-SUBNET-CONFLICT', `Nothing was changed: ${lines.join('; ')}.`);
  }

  async #startDns(cluster: ClusterInfo): Promise<void> {
    const { log, tunnel } = this.#options;
    const read = async (file: string): Promise<ResolvConf> => readResolvConf(await readFile(file, 'utf8').catch(() => ''));
    const conf = await read('/etc/resolv.conf');
    this.#dnsMode = conf.nameservers.includes(RESOLVED_STUB) ? 'resolved' : 'redirect';
    if (this.#dnsMode === 'redirect') this.#resolverUids = await localResolverUids(conf.nameservers, process.getuid?.() ?? 0);
    const resolver = createSwitchableResolver();
    // one resolver for one stream, also when the line falls silent and the same stream goes on
    const known = new WeakMap<Duplex, ClusterResolver>();
    const use = (): void => {
      const stream = tunnel.dnsStream;
      if (stream === undefined) return resolver.set(undefined);
      const found = known.get(stream) ?? createClusterResolver(stream);
      known.set(stream, found);
      resolver.set(found);
    };
    use();
    // each reconnect brings a fresh dns stream; while the line is down names of the cluster fail fast
    tunnel.on('dns', use);
    tunnel.on('down', use);
    const resolved = this.#dnsMode === 'resolved';
    this.#dns = await startDnsServer({
      log: log.child('dns'),
      servers: resolved ? (await read(RESOLVED_UPLINKS)).nameservers : conf.nameservers,
      mode: this.#dnsMode,
      policy: this.#policy(cluster),
      search: conf.search,
      cluster: resolver,
      ...(resolved ? { listenAddress: TUN_HOST } : {}),
    });
  }

  #policy(cluster: ClusterInfo): DnsPolicy {
    const { config, params } = this.#options;
    const mapped = params.mappedNamespaces;
    return {
      clusterDomain: cluster.clusterDomain,
      namespace: params.namespace,
      namespaces: cluster.namespaces.filter((name) => mapped.length === 0 || mapped.includes(name)),
      includeSuffixes: config.dns.includeSuffixes,
      excludeSuffixes: config.dns.excludeSuffixes,
      excludes: config.dns.excludes,
      mappings: config.dns.mappings,
      clusterSubnets: [...cluster.serviceSubnets, ...cluster.podSubnets],
      lookupTimeoutMs: config.dns.lookupTimeout,
    };
  }

  async #apply(cluster: ClusterInfo, { again = false } = {}): Promise<void> {
    const { netd, params, apiServer } = this.#options;
    const text = JSON.stringify(cluster);
    if ((text === this.#clusterText && !again) || this.#capture === undefined) return;
    this.#clusterText = text;
    this.#subnets = subnetsOf(cluster, params, apiServer);
    this.#dns?.setPolicy(this.#policy(cluster));
    const state: NetState = {
      device: 'tel0',
      address: `${TUN_HOST}/32`,
      subnets: this.#subnets.captured,
      exclude: this.#subnets.excluded,
      capturePort: this.#capture.port,
      neverFrom: [...cluster.nodeAddresses, ...cluster.podSubnets],
      dns: this.#dnsState(cluster),
    };
    this.#device = (await netd.set(state)).device;
  }

  #dnsState(cluster: ClusterInfo): NetState['dns'] {
    const dns = this.#dns;
    if (dns === undefined || dns.listeners.length === 0) return { mode: 'none' };
    if (this.#dnsMode === 'redirect')
      return { mode: 'redirect', servers: [...dns.listeners], exemptPorts: { ...dns.exemptPorts }, exemptUids: this.#resolverUids };
    const { namespace } = this.#options.params;
    const domains = [
      `${namespace}.svc.${cluster.clusterDomain}`,
      `~${cluster.clusterDomain}`,
      '~svc',
      ...this.#policy(cluster).namespaces.map((name) => `~${name}`),
    ];
    return { mode: 'resolved', server: TUN_HOST, domains };
  }

  get status(): NetworkStatus {
    const listener = this.#dns?.listeners[0];
    return {
      device: this.#device,
      subnets: this.#subnets.captured,
      dns: {
        mode: this.#dnsMode,
        address: listener === undefined ? undefined : `${net.isIPv6(listener.server) ? `[${listener.server}]` : listener.server}:53`,
      },
      hiddenNames: this.#dns?.hiddenNames() ?? [],
    };
  }

  /** Undoes everything: netd ends with its link. */
  async close(): Promise<void> {
    await this.#options.netd.close();
    this.#dns?.close();
    this.#packets?.close();
    await this.#capture?.close();
  }
}
