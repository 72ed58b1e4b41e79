/**
 * What `connect` changes on the workstation: capture of the cluster's TCP, the TUN for its UDP, and DNS. The daemon computes a
 * wanted state, `netd` holds it; all of it ends with the socket between the two.
 */
import { readFile } from 'node:fs/promises';
import net from 'node:net';
import { CodedError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { ClientConfig } from '../../config/index.ts';
import type { NetState } from '../../protocol/netd-api.ts';
import type { ClusterInfo } from '../../protocol/tunnel.ts';
import { createDatagramStream, relay } from '../../tunnel/index.ts';
import { type Capture, type NetdLink, type Packets, startCapture, startPackets } from '../capture/index.ts';
import { type ClusterResolver, createClusterResolver, type DnsPolicy, type DnsServer, readResolvConf, startDnsServer } from '../dns/index.ts';
import type { Tunnel } from '../tunnel/index.ts';
import { type Subnets, type SubnetParams, subnetsOf } from './subnets.ts';

/** Address of the TUN device, in the range the original uses for its virtual subnet (class E, on no network). */
const TUN_ADDRESS = '246.246.246.1/32';
const RESOLVED_STUB = '127.0.0.53';

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
  #resolver: ClusterResolver | undefined;
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
      dial: (target, first) => tunnel.openStream({ t: 'tcp', host: target.host, port: target.port }, first),
      relay,
    });
    this.#packets = startPackets({
      log: log.child('packets'),
      socket: netd.packets,
      openFlow: async (target) => createDatagramStream(await tunnel.openStream({ t: 'udp', host: target.host, port: target.port })),
    });
    await this.#startDns(cluster);
    await this.#apply(cluster);
    tunnel.on('cluster', (changed) => void this.#apply(changed).catch((error: unknown) => log.error('a change of the cluster’s subnets could not be set', { error })));
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
    const { nameservers } = readResolvConf(await readFile('/etc/resolv.conf', 'utf8').catch(() => ''));
    this.#dnsMode = nameservers.includes(RESOLVED_STUB) ? 'resolved' : 'redirect';
    // each reconnect of the tunnel brings a fresh dns stream; queries in between fail fast
    tunnel.on('dns', (stream) => {
      this.#resolver = createClusterResolver(stream);
    });
    const current = (): ClusterResolver | undefined => (tunnel.state.up ? this.#resolver : undefined);
    if (tunnel.dnsStream !== undefined) this.#resolver = createClusterResolver(tunnel.dnsStream);
    this.#dns = await startDnsServer({
      log: log.child('dns'),
      servers: nameservers,
      mode: this.#dnsMode,
      policy: this.#policy(cluster),
      cluster: {
        get available() {
          return current()?.available ?? false;
        },
        query: (message, options) => {
          const resolver = current();
          if (resolver === undefined) return Promise.reject(new CodedError('TP-TUNNEL-LOST', 'The connection to the cluster is down.'));
          return resolver.query(message, options);
        },
      },
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

  async #apply(cluster: ClusterInfo): Promise<void> {
    const { netd, params, apiServer } = this.#options;
    const text = JSON.stringify(cluster);
    if (text === this.#clusterText || this.#capture === undefined || this.#dns === undefined) return;
    this.#clusterText = text;
    this.#subnets = subnetsOf(cluster, params, apiServer);
    this.#dns.setPolicy(this.#policy(cluster));
    const state: NetState = {
      device: 'tel0',
      address: TUN_ADDRESS,
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
    if (this.#dnsMode === 'redirect') return { mode: 'redirect', servers: dns.listeners, exemptPorts: dns.exemptPorts, exemptUids: [] };
    const { namespace } = this.#options.params;
    const domains = [`${namespace}.svc.${cluster.clusterDomain}`, `~${cluster.clusterDomain}`, '~svc', ...this.#policy(cluster).namespaces.map((name) => `~${name}`)];
    return { mode: 'resolved', server: TUN_ADDRESS.split('/')[0] ?? '', domains };
  }

  get status(): NetworkStatus {
    const listener = this.#dns?.listeners[0];
    return {
      device: this.#device,
      subnets: this.#subnets.captured,
      dns: { mode: this.#dnsMode, address: listener === undefined ? undefined : `${net.isIPv6(listener.server) ? `[${listener.server}]` : listener.server}:53` },
      hiddenNames: this.#dns?.hiddenNames() ?? [],
    };
  }

  /** Undoes everything: netd ends with its link. */
  async close(): Promise<void> {
    await this.#options.netd.close();
    await this.#dns?.close();
    this.#packets?.close();
    await this.#capture?.close();
  }
}
