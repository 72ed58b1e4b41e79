/**
 * What `connect` changes on the workstation: capture of the cluster's TCP, the TUN for its UDP, and DNS. The daemon computes a
 * wanted state, `netd` holds it; all of it ends with the socket between the two.
 */
import { CodedError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { ClientConfig } from '../../config/index.ts';
import type { NetState } from '../../protocol/netd-api.ts';
import type { ClusterInfo } from '../../protocol/tunnel.ts';
import { relay } from '../../tunnel/index.ts';
import { type Capture, createDatagramFlow, type NetdLink, type Packets, startCapture, startPackets } from '../capture/index.ts';
import type { Tunnel } from '../tunnel/index.ts';
import { Names } from './names.ts';
import { type SubnetParams, type Subnets, subnetsOf } from './subnets.ts';

/** Address of the TUN device, in the range the original uses for its virtual subnet (class E, on no network). */
const TUN_HOST = '246.246.246.1';

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
  #names: Names | undefined;
  #device: string | undefined;
  #cluster: ClusterInfo;
  #clusterText = '';

  constructor(options: NetworkOptions, cluster: ClusterInfo) {
    this.#options = options;
    this.#cluster = cluster;
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
    this.#names = this.#namesOf(cluster);
    await this.#names.start();
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

  #namesOf(cluster: ClusterInfo): Names {
    const { log, config, tunnel, params } = this.#options;
    const { namespace, mappedNamespaces } = params;
    const onChange = (): Promise<void> => this.#apply(this.#cluster, { again: true });
    return new Names({ log, config, tunnel, namespace, mappedNamespaces, address: TUN_HOST, onChange }, cluster);
  }

  async #apply(cluster: ClusterInfo, { again = false } = {}): Promise<void> {
    const { netd, params, apiServer } = this.#options;
    const text = JSON.stringify(cluster);
    if ((text === this.#clusterText && !again) || this.#capture === undefined) return;
    this.#clusterText = text;
    this.#cluster = cluster;
    this.#subnets = subnetsOf(cluster, params, apiServer);
    this.#names?.setCluster(cluster);
    const state: NetState = {
      device: 'tel0',
      address: `${TUN_HOST}/32`,
      subnets: this.#subnets.captured,
      exclude: this.#subnets.excluded,
      capturePort: this.#capture.port,
      neverFrom: [...cluster.nodeAddresses, ...cluster.podSubnets],
      dns: this.#names?.netState ?? { mode: 'none' },
    };
    this.#device = (await netd.set(state)).device;
  }

  get status(): NetworkStatus {
    const { hiddenNames, ...dns } = this.#names?.status ?? { mode: 'redirect', address: undefined, hiddenNames: [] };
    return { device: this.#device, subnets: this.#subnets.captured, dns, hiddenNames };
  }

  /** Undoes everything: netd ends with its link. */
  async close(): Promise<void> {
    await this.#options.netd.close();
    this.#names?.close();
    this.#packets?.close();
    await this.#capture?.close();
  }
}
