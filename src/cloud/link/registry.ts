/**
 * The links that this replica holds, and through the store those of the others. What managers say of intercepts goes to the store
 * at once, so that every replica shows the same and a preview ends with its intercept whoever looks.
 */
import type { Duplex } from 'node:stream';
import { messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { CloudHello, CloudIntercept, EndIntercept, PreviewTarget } from '../../protocol/cloud.ts';
import { type LinkRegistry, NotLinkedError, type OrganisationIntercept } from '../context.ts';
import type { Feed } from '../feed.ts';
import { COUNTS_EVERY_MS, LINKS_PER_CLUSTER, REPLICA_BEAT_MS } from '../limits.ts';
import type { Metrics } from '../metrics.ts';
import { type Cluster, mergeIntercepts, type Store } from '../store/index.ts';
import { Link } from './link.ts';
import type { OtherReplicas } from './replica.ts';

export interface RegistryOptions {
  store: Store;
  feed: Feed;
  metrics: Metrics;
  log: Log;
  /** Name of this replica, another one at each start. */
  replica: { id: string; address: string };
  others: OtherReplicas | undefined;
  now(): number;
}

/** What waits to be stored of one link. */
interface Listing {
  valid: () => Promise<boolean>;
  /** undefined: none came yet, and nothing is known to be missing. */
  latest: CloudIntercept[] | undefined;
  /** What is stored, and the same without its counts. */
  text: string;
  shape: string;
  timer: NodeJS.Timeout | undefined;
  work: Promise<void>;
}

const shapeOf = (intercepts: readonly CloudIntercept[]): string => JSON.stringify(intercepts.map((intercept) => ({ ...intercept, requests: undefined })));

export class Registry implements LinkRegistry {
  #options: RegistryOptions;
  #links = new Map<string, Set<Link>>();
  #listings = new Map<Link, Listing>();
  #beat: NodeJS.Timeout | undefined;
  #closing = false;

  constructor(options: RegistryOptions) {
    this.#options = options;
    options.metrics.gauge('links', 'Managers linked to this replica', () => [...this.#links.values()].reduce((sum, set) => sum + set.size, 0));
    options.metrics.gauge('preview_streams', 'Streams open to managers', () => [...this.#listings.keys()].reduce((sum, link) => sum + link.streams, 0));
  }

  async start(): Promise<void> {
    const { store, replica, log } = this.#options;
    await store.links.beat(replica.id, replica.address);
    this.#beat = setInterval(() => {
      store.links.beat(replica.id, replica.address).catch((error: unknown) => log.warn('the database does not answer', { error: messageOf(error) }));
      for (const [link, { valid }] of this.#listings) {
        if (!link.ready) continue;
        // What told to cut it may have been lost.
        valid().then(
          (still) => (still ? this.#store(link) : link.abort('the token of this link is not valid any more')),
          (error: unknown) => log.debug('a token could not be checked', { error: messageOf(error) }),
        );
      }
    }, REPLICA_BEAT_MS);
  }

  /** Takes a socket after its 101. `valid` says whether its token still is. */
  accept(socket: Duplex, cluster: Cluster, valid: () => Promise<boolean>): void {
    const { log } = this.#options;
    const known = this.#links.get(cluster.id) ?? new Set<Link>();
    if (this.#closing || known.size >= LINKS_PER_CLUSTER) {
      log.warn('a link was refused', { cluster: cluster.id, why: this.#closing ? 'stopping' : 'too many links' });
      socket.destroy();
      return;
    }
    const link = new Link(
      socket,
      cluster,
      { onHello: (from, hello) => this.#onHello(from, hello), onIntercepts: (from, intercepts) => this.#onIntercepts(from, intercepts) },
      log.child('link'),
    );
    this.#links.set(cluster.id, known.add(link));
    this.#listings.set(link, { valid, latest: undefined, text: '', shape: '', timer: undefined, work: Promise.resolve() });
    void link.closed.then(() => this.#forget(link));
  }

  async #onHello(link: Link, hello: CloudHello): Promise<boolean> {
    const { store, replica, feed, log } = this.#options;
    const { id, name, organisationId } = link.cluster;
    // The token may have been replaced between the upgrade and now: `cut` did not see this link then.
    if ((await this.#listings.get(link)?.valid()) !== true) return false;
    await store.links.add({ id: link.id, replicaId: replica.id, clusterId: id, manager: hello.replica, version: hello.version });
    await store.clusters.seen(id);
    await store.audit.write({
      organisationId,
      actor: `cluster ${name}`,
      action: 'cluster.link',
      subject: id,
      detail: { manager: hello.replica, version: hello.version },
    });
    feed.publish({ organisationId, kind: 'clusters' });
    log.info('a manager linked', { cluster: id, manager: hello.replica });
    return true;
  }

  #onIntercepts(link: Link, intercepts: CloudIntercept[]): void {
    const listing = this.#listings.get(link);
    if (listing === undefined) return;
    listing.latest = intercepts;
    if (shapeOf(intercepts) !== listing.shape) this.#store(link);
    else listing.timer ??= setTimeout(() => this.#store(link), COUNTS_EVERY_MS);
  }

  /** One write at a time per link, always of the newest list. */
  #store(link: Link): void {
    const listing = this.#listings.get(link);
    if (listing === undefined) return;
    clearTimeout(listing.timer);
    listing.timer = undefined;
    listing.work = listing.work
      .then(() => this.#write(link, listing))
      .catch((error: unknown) => {
        // The next beat tries again.
        this.#options.log.warn('a list of intercepts could not be stored', { error: messageOf(error) });
      });
  }

  async #write(link: Link, listing: Listing): Promise<void> {
    const { latest } = listing;
    if (!this.#listings.has(link) || latest === undefined) return;
    const { store, feed } = this.#options;
    const { id, organisationId } = link.cluster;
    const text = JSON.stringify(latest);
    if (listing.text !== text) {
      await store.links.listed(link.id, latest);
      listing.text = text;
      listing.shape = shapeOf(latest);
      feed.publish({ organisationId, kind: 'intercepts' });
    }
    await store.clusters.seen(id);
    const all = mergeIntercepts(await store.links.ofCluster(id));
    for (const intercept of latest) all.set(intercept.uid, intercept);
    if (await store.previews.reconcile(id, [...all.keys()])) feed.publish({ organisationId, kind: 'previews' });
  }

  async #forget(link: Link): Promise<void> {
    const { store, feed, log } = this.#options;
    const set = this.#links.get(link.cluster.id);
    set?.delete(link);
    if (set?.size === 0) this.#links.delete(link.cluster.id);
    const listing = this.#listings.get(link);
    this.#listings.delete(link);
    clearTimeout(listing?.timer);
    log.info('a link ended', { cluster: link.cluster.id });
    try {
      await listing?.work;
      await store.links.remove(link.id);
    } catch (error) {
      // The row doesn't count once this replica is gone, and its cluster's next link tells the truth.
      log.warn('a link could not be removed', { error: messageOf(error) });
    }
    feed.publish({ organisationId: link.cluster.organisationId, kind: 'clusters' });
    feed.publish({ organisationId: link.cluster.organisationId, kind: 'intercepts' });
  }

  /** A link of this replica that serves. */
  local(clusterId: string): Link | undefined {
    for (const link of this.#links.get(clusterId) ?? []) if (link.ready) return link;
    return undefined;
  }

  async openPreviewStream(clusterId: string, target: PreviewTarget): Promise<Duplex> {
    const link = this.local(clusterId);
    if (link !== undefined) return link.openPreview(target);
    const { others } = this.#options;
    const address = others === undefined ? undefined : await this.#addressOf(clusterId);
    if (others === undefined || address === undefined) throw new NotLinkedError();
    return others.openPreviewStream(address, clusterId, target);
  }

  async endIntercept(clusterId: string, intercept: EndIntercept): Promise<void> {
    const link = this.local(clusterId);
    if (link !== undefined) return link.endIntercept(intercept);
    const { others } = this.#options;
    const address = others === undefined ? undefined : await this.#addressOf(clusterId);
    if (others === undefined || address === undefined) throw new NotLinkedError();
    return others.endIntercept(address, clusterId, intercept);
  }

  async #addressOf(clusterId: string): Promise<string | undefined> {
    const { store, replica } = this.#options;
    return (await store.links.ofCluster(clusterId)).findLast(({ replicaId }) => replicaId !== replica.id)?.address;
  }

  async isLinked(clusterId: string): Promise<boolean> {
    return this.local(clusterId) !== undefined || (this.#options.others !== undefined && (await this.#addressOf(clusterId)) !== undefined);
  }

  async intercepts(organisationId: string): Promise<OrganisationIntercept[]> {
    const byCluster = Map.groupBy(await this.#options.store.links.ofOrganisation(organisationId), ({ clusterId }) => clusterId);
    return [...byCluster].flatMap(([clusterId, links]) => [...mergeIntercepts(links).values()].map((intercept) => ({ ...intercept, clusterId })));
  }

  async linkedClusters(organisationId: string): Promise<Set<string>> {
    return new Set((await this.#options.store.links.ofOrganisation(organisationId)).map(({ clusterId }) => clusterId));
  }

  async cut(clusterId: string): Promise<void> {
    this.cutLocal(clusterId);
    await this.#options.others?.cut(clusterId);
  }

  cutLocal(clusterId: string): void {
    for (const link of this.#links.get(clusterId) ?? []) link.abort('the token of this link is not valid any more');
  }

  /** Lets streams finish until `signal`; then everything ends, and the store knows of no link here. */
  async close(signal: AbortSignal): Promise<void> {
    this.#closing = true;
    clearInterval(this.#beat);
    await Promise.all([...this.#listings.keys()].map((link) => link.close('this replica of the cloud stops', signal)));
    await this.#options.store.links.forgetReplica(this.#options.replica.id);
  }
}
