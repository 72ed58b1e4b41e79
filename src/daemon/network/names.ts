/** Names on the workstation while it is connected: which resolvers our server stands before, also when those change with the network. */
import { readFile } from 'node:fs/promises';
import net from 'node:net';
import type { Duplex } from 'node:stream';
import type { Log } from '../../base/log.ts';
import type { ClientConfig } from '../../config/index.ts';
import type { NetState } from '../../protocol/netd-api.ts';
import type { ClusterInfo } from '../../protocol/tunnel.ts';
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

const RESOLVED_STUB = '127.0.0.53';
/** How often resolv.conf is read: another network brings other resolvers. */
export const RESOLV_CONF_CHECK_MS = 2_000;

export interface NamesOptions {
  log: Log;
  config: ClientConfig;
  tunnel: Pick<Tunnel, 'on' | 'dnsStream'>;
  namespace: string;
  mappedNamespaces: readonly string[];
  /** Where a server for systemd-resolved listens: the TUN's address. */
  address: string;
  /** resolv.conf, and where systemd-resolved writes the servers of all its links. */
  files?: { resolvConf: string; uplinks: string };
  /** The workstation's resolvers have changed, and {@link Names.netState} with them. The old ones are let go when it resolves. */
  onChange: () => Promise<void>;
}

interface Resolvers {
  mode: 'redirect' | 'resolved';
  servers: readonly string[];
  search: readonly string[];
  /** Users whose queries pass. */
  uids: readonly number[];
}

interface Standing extends Resolvers {
  server: DnsServer;
}

export class Names {
  readonly #options: NamesOptions;
  readonly #resolver = createSwitchableResolver();
  #cluster: ClusterInfo;
  #standing: Standing | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: NamesOptions, cluster: ClusterInfo) {
    this.#options = options;
    this.#cluster = cluster;
  }

  async start(): Promise<void> {
    const { tunnel } = this.#options;
    // one resolver for one stream, also when the line falls silent and the same stream goes on
    const known = new WeakMap<Duplex, ClusterResolver>();
    const use = (): void => {
      const stream = tunnel.dnsStream;
      if (stream === undefined) return this.#resolver.set(undefined);
      const found = known.get(stream) ?? createClusterResolver(stream);
      known.set(stream, found);
      this.#resolver.set(found);
    };
    use();
    // each reconnect brings a fresh dns stream; while the line is down names of the cluster fail fast
    tunnel.on('dns', use);
    tunnel.on('down', use);
    this.#standing = await this.#stand(await this.#look());
    this.#checkLater();
  }

  async #look(): Promise<Resolvers> {
    const { resolvConf, uplinks } = this.#options.files ?? { resolvConf: '/etc/resolv.conf', uplinks: '/run/systemd/resolve/resolv.conf' };
    const read = async (file: string): Promise<ResolvConf> => readResolvConf(await readFile(file, 'utf8').catch(() => ''));
    const { nameservers, search } = await read(resolvConf);
    if (nameservers.includes(RESOLVED_STUB)) return { mode: 'resolved', servers: (await read(uplinks)).nameservers, search, uids: [] };
    return { mode: 'redirect', servers: nameservers, search, uids: await localResolverUids(nameservers, process.getuid?.() ?? 0) };
  }

  async #stand(resolvers: Resolvers): Promise<Standing> {
    const { log, address } = this.#options;
    const { mode, servers, search } = resolvers;
    const server = await startDnsServer({
      log: log.child('dns'),
      servers,
      mode,
      policy: this.#policy(),
      search,
      cluster: this.#resolver,
      ...(mode === 'resolved' ? { listenAddress: address } : {}),
    });
    if (!this.#closed) return { ...resolvers, server };
    server.close();
    throw new Error('closed while the DNS server started');
  }

  #checkLater(): void {
    if (this.#closed) return;
    this.#timer = setTimeout(() => {
      this.#check()
        .catch((error: unknown) => this.#options.log.warn('the changed resolvers of this workstation could not be followed', { error }))
        .finally(() => this.#checkLater());
    }, RESOLV_CONF_CHECK_MS);
    this.#timer.unref();
  }

  async #check(): Promise<void> {
    const now = await this.#look();
    const before = this.#standing;
    if (before === undefined || this.#closed) return;
    const same = (one: Resolvers): string => JSON.stringify([one.mode, one.servers, one.search, one.uids]);
    if (same(now) === same(before)) return;
    this.#options.log.info('this workstation has other resolvers now', { servers: now.servers, mode: now.mode });
    // two can't listen on the TUN's one address
    if (before.mode === 'resolved') before.server.close();
    this.#standing = await this.#stand(now);
    try {
      await this.#options.onChange();
    } finally {
      before.server.close();
    }
  }

  #policy(): DnsPolicy {
    const { config, namespace, mappedNamespaces: mapped } = this.#options;
    const cluster = this.#cluster;
    return {
      clusterDomain: cluster.clusterDomain,
      namespace,
      namespaces: cluster.namespaces.filter((name) => mapped.length === 0 || mapped.includes(name)),
      includeSuffixes: config.dns.includeSuffixes,
      excludeSuffixes: config.dns.excludeSuffixes,
      excludes: config.dns.excludes,
      mappings: config.dns.mappings,
      clusterSubnets: [...cluster.serviceSubnets, ...cluster.podSubnets],
      lookupTimeoutMs: config.dns.lookupTimeout,
    };
  }

  setCluster(cluster: ClusterInfo): void {
    this.#cluster = cluster;
    this.#standing?.server.setPolicy(this.#policy());
  }

  /** What netd is to set for it. */
  get netState(): NetState['dns'] {
    const standing = this.#standing;
    if (standing === undefined || standing.server.listeners.length === 0) return { mode: 'none' };
    const { listeners, exemptPorts } = standing.server;
    if (standing.mode === 'redirect') return { mode: 'redirect', servers: [...listeners], exemptPorts: { ...exemptPorts }, exemptUids: [...standing.uids] };
    const { clusterDomain } = this.#cluster;
    const domains = [`${this.#options.namespace}.svc.${clusterDomain}`, `~${clusterDomain}`, '~svc', ...this.#policy().namespaces.map((name) => `~${name}`)];
    return { mode: 'resolved', server: this.#options.address, domains };
  }

  get status(): { mode: string; address: string | undefined; hiddenNames: string[] } {
    const listener = this.#standing?.server.listeners[0];
    return {
      mode: this.#standing?.mode ?? 'redirect',
      address: listener === undefined ? undefined : `${net.isIPv6(listener.server) ? `[${listener.server}]` : listener.server}:53`,
      hiddenNames: this.#standing?.server.hiddenNames() ?? [],
    };
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#standing?.server.close();
  }
}
