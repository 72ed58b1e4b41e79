import { messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { CLASS, DnsFormatError, type DnsMessage, decodeMessage, errorReply, OPCODE, RCODE } from '../../dns/index.ts';
import { createAnswerer } from './answerer.ts';
import { createClusterLookup } from './cluster-lookup.ts';
import type { ClusterResolver } from './cluster-resolver.ts';
import type { PortRange } from './exempt-ports.ts';
import { type ClientQuery, createListener, type Listener } from './listener.ts';
import { type ListenPlace, localPlaces } from './local-addresses.ts';
import { compilePolicy, type DnsPolicy, type Route } from './policy.ts';
import { createUpstream } from './upstream.ts';

/** How often the addresses to listen on are looked at again: containers' bridges come and go. */
export const LISTEN_UPDATE_MS = 1000;
export const DNS_PORT = 53;

export interface DnsServerOptions {
  log: Log;
  /** `redirect`: resolv.conf's nameservers. `resolved`: the servers of systemd-resolved's other links. */
  servers: readonly string[];
  mode: 'redirect' | 'resolved';
  policy: DnsPolicy;
  cluster: ClusterResolver;
  /** The only address to listen on: the TUN's with `resolved`, where it is needed. */
  listenAddress?: string;
  /** resolv.conf's search domains. */
  search?: readonly string[];
  /** Port of `servers`; only tests have another than 53. */
  upstreamPort?: number;
}

export interface DnsServer {
  /** What netd redirects: each server's queries to the port of its listener. With `resolved`, one, whose server is `listenAddress`. */
  readonly listeners: readonly { server: string; port: number }[];
  /** Source ports of our own queries, to be let pass. */
  readonly exemptPorts: PortRange;
  setPolicy(policy: DnsPolicy): void;
  /** Names that exist outside too and are answered by the cluster. */
  hiddenNames(): string[];
  /** Forgets every cached answer. */
  flush(): void;
  /** Closes all sockets at once. May be called again. */
  close(): void;
}

/** The query decoded, when it is one that we may answer: an ordinary question of the Internet class. */
function decodeQuery(message: Buffer): DnsMessage | undefined {
  try {
    const query = decodeMessage(message);
    return query.opcode === OPCODE.QUERY && query.questions.length === 1 && query.questions[0]?.class === CLASS.IN ? query : undefined;
  } catch (thrown) {
    // Bytes that we can't read may still mean something to the resolver that was meant.
    if (thrown instanceof DnsFormatError) return undefined;
    throw thrown;
  }
}

/** @throws when nothing can be listened on, or no free range of ports is there. */
export async function startDnsServer(options: DnsServerOptions): Promise<DnsServer> {
  const { log, servers, mode, cluster, listenAddress, search = [] } = options;
  let policy = compilePolicy(options.policy, search);
  const lookup = createClusterLookup({ cluster, log });
  const upstream = await createUpstream({ servers, port: options.upstreamPort ?? DNS_PORT, log });
  const answerer = createAnswerer({ lookup, upstream, log, lookupTimeoutMs: () => policy.source.lookupTimeoutMs });

  function onQuery(to: readonly string[], client: ClientQuery): void {
    const query = decodeQuery(client.message);
    const question = query?.questions[0];
    const route: Route = question === undefined ? { to: 'upstream' } : policy.route(question);
    if (query === undefined || route.to === 'upstream') forward(to, client);
    else answerer.answer(route, { query, client, servers: to, pass: () => forward(to, client) });
  }
  function forward(to: readonly string[], client: ClientQuery): void {
    if (to.length > 0) upstream.forward(to, client);
    else client.reply(errorReply(client.message, RCODE.SERVFAIL));
  }

  const places = (family: 4 | 6): ListenPlace[] =>
    listenAddress === undefined
      ? localPlaces(new Set([family]))
      : [{ address: listenAddress, family: listenAddress.includes(':') ? 6 : 4, accepts: () => true }];
  const familyOf = (address: string) => (address.includes(':') ? 6 : 4);
  const fronts: { server: string; listener: Listener }[] = [];
  const closeAll = () => {
    for (const { listener } of fronts) listener.close();
    upstream.close();
  };
  try {
    const wanted = mode === 'redirect' ? servers.map((server) => ({ server, to: [server] })) : [{ server: listenAddress ?? '127.0.0.1', to: servers }];
    for (const { server, to } of wanted) {
      const listener = await createListener({ places: places(familyOf(server)), log, onQuery: (client) => onQuery(to, client) });
      fronts.push({ server, listener });
      log.debug('listening for DNS', { server, port: listener.port });
    }
  } catch (thrown) {
    closeAll();
    throw thrown;
  }
  const updates =
    listenAddress === undefined
      ? setInterval(() => {
          for (const { server, listener } of fronts) {
            listener.update(places(familyOf(server))).catch((thrown: unknown) => log.warn('cannot renew the DNS listeners', { error: messageOf(thrown) }));
          }
        }, LISTEN_UPDATE_MS).unref()
      : undefined;

  let closed = false;
  return {
    listeners: fronts.map(({ server, listener }) => ({ server, port: listener.port })),
    exemptPorts: upstream.exemptPorts,
    setPolicy(next) {
      policy = compilePolicy(next, search);
      lookup.flush();
      answerer.clear();
    },
    hiddenNames: () => answerer.hiddenNames(),
    flush: () => lookup.flush(),
    close() {
      if (closed) return;
      closed = true;
      clearInterval(updates);
      closeAll();
    },
  };
}
