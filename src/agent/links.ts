import { lookup } from 'node:dns/promises';
import { messageOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { backoff, sleep } from '../base/retry.ts';
import { MuxError, type MuxStream } from '../mux/index.ts';
import type { AgentIntercept } from '../protocol/tunnel.ts';
import type { RpcHandler } from '../rpc/index.ts';
import { encodeStreamHeader, Spread } from '../tunnel/index.ts';
import { DirectLinks } from './direct-links.ts';
import { LINK_BACKOFF_FIRST_MS, LINK_BACKOFF_MAX_MS } from './limits.ts';
import { type Link, openLink, watchLink } from './link.ts';
import type { Sighting } from './probes.ts';
import type { AgentSettings } from './settings.ts';
import { Taken } from './taken.ts';

/** What takers need of the links. */
export interface SessionLinks {
  /** Whether the session's workstation can be reached: it is here itself, or some manager holds its tunnel. */
  holds(session: string): boolean;
  /** A stream to the intercept's workstation; undefined while it can't be reached. @param peer the client's address */
  open(intercept: AgentIntercept, peer: string): MuxStream | undefined;
  /** The intercept took a request, a connection or a UDP flow. */
  taken(intercept: AgentIntercept): void;
}

export interface LinksOptions {
  settings: AgentSettings;
  environment: RpcHandler;
  /** Intercepts or held sessions changed, or a link came or went. */
  onChange: () => void;
  log: Log;
  /** A manager asks to look for a mark. */
  onProbe?: (id: string, forMs: number, tell: (seen: Sighting) => void) => void;
  /** Finds the replicas' addresses by the managers' host name. */
  resolve?: (host: string) => Promise<string[]>;
}

/**
 * A link to every manager replica: found where they were when the pod was made and by name, then by what the managers say of each
 * other. Where workstations come to the agent themselves, their streams need no manager. Lives until {@link close}.
 */
export class Links implements SessionLinks {
  #options: LinksOptions;
  #log: Log;
  #links = new Set<Link>();
  readonly #turns = new Spread();
  /** Addresses to keep a link to. */
  #wanted = new Set<string>();
  #running = new Set<string>();
  #intercepts: readonly AgentIntercept[] = [];
  #ready: string[] = [];
  readonly #taken = new Taken((totals) => {
    for (const link of this.#links) link.taken(totals);
  });
  readonly #direct: DirectLinks;
  /** Keys of the sessions that intercept here, as managers told them. */
  readonly #keys = new Map<string, string>();
  #stop = new AbortController();
  #lastLinkGone: (() => void) | undefined;
  /** Addresses whose first try is under way, until all are known to have told their intercepts or failed. */
  #untried = new Set<string>();
  #settled = Promise.withResolvers<void>();

  constructor(options: LinksOptions) {
    this.#options = options;
    this.#log = options.log;
    const { pod, namespace, manager } = options.settings;
    const { addresses } = manager;
    this.#direct = new DirectLinks({
      pod,
      namespace,
      certificate: () => this.#certificate(),
      onPort: (port) => {
        for (const link of this.#links) link.direct(port);
      },
      onChange: options.onChange,
      log: options.log.child('direct'),
    });
    this.#expect(addresses);
    void this.#discover(addresses.length > 0);
  }

  /** Resolves when every manager that could be found at first has said what to take, or was tried in vain. */
  get settled(): Promise<void> {
    return this.#settled.promise;
  }

  /** The whole list as some manager told it last. */
  get intercepts(): readonly AgentIntercept[] {
    return this.#intercepts;
  }

  get count(): number {
    return this.#links.size;
  }

  holds(session: string): boolean {
    for (const link of this.#links) if (link.held.has(session)) return true;
    return this.#direct.holds(session);
  }

  open(intercept: AgentIntercept, peer: string): MuxStream | undefined {
    const { session, uid, protocol } = intercept;
    const able = [...this.#links].filter((link) => link.held.has(session) && link.mux.goneAway === undefined);
    const muxes = (links: Link[]) => links.map(({ mux }) => mux);
    const near = this.#direct.muxes(session);
    // a manager whose view is behind takes the intercept for one that is over
    const isSure = ({ leaving, intercepts }: Link): boolean => !leaving && intercepts?.some((one) => one.uid === uid) === true;
    const order = [...this.#turns.order(near, muxes(able.filter(isSure))), ...this.#turns.order(muxes(able.filter((link) => !isSure(link))))];
    for (const mux of order) {
      try {
        const stream = mux.open(encodeStreamHeader({ t: 'intercept', session, intercept: uid, protocol, peer }));
        this.#direct.watch(mux, stream);
        return stream;
      } catch (error) {
        if (!(error instanceof MuxError)) throw error;
      }
    }
    return undefined;
  }

  taken({ uid }: AgentIntercept): void {
    this.#taken.add(uid);
  }

  /** What is being taken now: every manager is told, also those that come later. */
  ready(uids: string[]): void {
    const same = uids.length === this.#ready.length && uids.every((uid, i) => uid === this.#ready[i]);
    this.#ready = uids;
    if (!same) for (const link of this.#links) link.ready(uids);
  }

  failed(intercept: string, message: string): void {
    for (const link of this.#links) link.failed(intercept, message);
  }

  close(): void {
    this.#taken.close();
    this.#direct.close();
    this.#stop.abort(new Error('the agent is ending'));
  }

  async #certificate(): Promise<{ certificate: string; key: string }> {
    for (const { certificate } of this.#links) if (certificate !== undefined) return certificate();
    throw new Error('no manager that is linked makes certificates');
  }

  /** The first addresses. */
  #expect(addresses: readonly string[]): void {
    this.#untried = new Set(addresses);
    this.#want(addresses);
  }

  #tried(address: string): void {
    if (this.#untried.delete(address) && this.#untried.size === 0) this.#settled.resolve();
  }

  /** Asks for addresses by name whenever there is no link at all. @param known some are tried already */
  async #discover(known: boolean): Promise<void> {
    const { settings } = this.#options;
    const { signal } = this.#stop;
    const resolve = this.#options.resolve ?? resolveAll;
    let attempt = 0;
    let first = !known;
    while (!signal.aborted) {
      if (this.#links.size > 0) {
        attempt = 0;
        await new Promise<void>((done) => {
          this.#lastLinkGone = done;
        });
        continue;
      }
      try {
        const found = await resolve(settings.manager.host);
        if (first) this.#expect(found);
        else this.#want(found);
      } catch (error) {
        this.#log.debug('no manager is found', { host: settings.manager.host, error: messageOf(error) });
      }
      if (first && this.#untried.size === 0) this.#settled.resolve();
      first = false;
      await sleep(backoff(attempt++, LINK_BACKOFF_FIRST_MS, LINK_BACKOFF_MAX_MS), signal).catch(() => {});
    }
  }

  #want(addresses: readonly string[]): void {
    if (addresses.length === 0) return;
    this.#wanted = new Set(addresses);
    for (const address of this.#wanted) if (!this.#running.has(address)) void this.#keep(address);
  }

  /** Holds a link to one address, anew after each loss, for as long as it is wanted. */
  async #keep(address: string): Promise<void> {
    const { signal } = this.#stop;
    this.#running.add(address);
    let attempt = 0;
    while (this.#wanted.has(address) && !signal.aborted) {
      if (await this.#once(address)) attempt = 0;
      await sleep(backoff(attempt++, LINK_BACKOFF_FIRST_MS, LINK_BACKOFF_MAX_MS), signal).catch(() => {});
    }
    this.#running.delete(address);
  }

  /** One link from its beginning to its end; false if it never stood. */
  async #once(address: string): Promise<boolean> {
    const { settings, environment, onChange } = this.#options;
    let link: Link;
    try {
      const events = {
        onChange: (from: Link, what: string) => this.#told(from, what),
        onPeers: (addresses: string[]) => this.#want(addresses),
        onProbe: (from: Link, id: string, forMs: number) => this.#options.onProbe?.(id, forMs, (seen) => from.probed(id, seen)),
        environment,
      };
      link = await openLink(address, settings, events, { log: this.#log, signal: this.#stop.signal });
    } catch (error) {
      this.#log.info('a manager could not be linked', { address, error: messageOf(error) });
      this.#tried(address);
      return false;
    }
    this.#links.add(link);
    this.#log.info('linked', { replica: link.replica, address });
    link.ready(this.#ready);
    if (this.#direct.port !== undefined) link.direct(this.#direct.port);
    const totals = this.#taken.all();
    if (Object.keys(totals).length > 0) link.taken(totals);
    if (link.intercepts !== undefined) this.#told(link, 'intercepts');
    void watchLink(link, () => this.#intercepts.length > 0);
    const error = await link.closed;
    this.#links.delete(link);
    this.#tried(address);
    this.#log.info('link lost', { replica: link.replica, address, error: error?.message });
    if (this.#links.size === 0) this.#lastLinkGone?.();
    onChange();
    return true;
  }

  #told(link: Link, what: string): void {
    for (const [session, key] of link.keys) this.#keys.set(session, key);
    if (what === 'intercepts' && link.intercepts !== undefined) {
      this.#intercepts = link.intercepts;
      const wanted = new Set(link.intercepts.map(({ session }) => session));
      for (const session of this.#keys.keys()) if (!wanted.has(session)) this.#keys.delete(session);
      this.#direct.expect(this.#keys);
      this.#taken.keep(new Set(link.intercepts.map(({ uid }) => uid)));
    } else if (link.keys.size > 0) this.#direct.expect(this.#keys);
    this.#options.onChange();
    if (link.intercepts !== undefined) this.#tried(link.address);
  }
}

async function resolveAll(host: string): Promise<string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address);
}
