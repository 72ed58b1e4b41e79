/**
 * The agents' port (TLS) and all that agents are told: their intercepts, which of those sessions this replica holds, and where the
 * other replicas are. Every agent links to every replica; what an agent reports is kept here for the leader.
 */
import type { Socket } from 'node:net';
import { createSecureContext, type TLSSocket } from 'node:tls';
import { CodedError, messageOf } from '../../base/errors.ts';
import { listen } from '../../base/listen.ts';
import type { Log } from '../../base/log.ts';
import type { KubeClient } from '../../kube/index.ts';
import type { Intercept } from '../../protocol/resources.ts';
import { CLUSTER_TLS, type DirectAgents } from '../../protocol/tunnel.ts';
import { type AgentLink, type AgentRegistry, type ManagerTls, type Part, type PeerWatch, type Watched, type WorkloadRef, workloadKey } from '../context.ts';
import type { Metrics } from '../metrics.ts';
import { createKeyedSlots, createSlots } from '../outbound/quota.ts';
import type { WaitingBytes } from '../outbound/waiting.ts';
import type { LinkedSessions } from '../sessions/registry.ts';
import { createClaims } from './claims.ts';
import { IDENTITY_CHECKS, verifyAgent } from './identity.ts';
import { createLeanTlsServer } from './lean-tls.ts';
import { type AgentLinkOptions, HELLO_TIMEOUT_MS, type LinkedAgent, serveAgent } from './link.ts';
import { createProbeBook, PROBE_MS } from './probe-book.ts';
import { createTakenBook } from './taken.ts';

/** Links to the port; more are refused. */
export const AGENT_LINK_LIMIT = 32_768;
/** Links that have not proved who they are, in all and from one address. More are ended at once. */
export const AGENT_UNVERIFIED_LIMIT = 4_096;
export const AGENT_UNVERIFIED_EACH = 8;
/** Links of one pod: one is used, others may be dead without that anybody knows yet. */
export const AGENT_LINKS_EACH = 4;
/** TCP keep-alive of links: an agent whose node died must not stay in the list. */
export const AGENT_KEEPALIVE_MS = 15_000;
export const AGENT_CAPABILITIES: readonly string[] = ['udp', 'http', 'direct'];

/** Names of agents in their certificates end so: none is a name that anybody dials. */
const AGENT_HOSTS = 'agent.telepresence.io';

export interface AgentServer extends AgentRegistry, Part {
  readonly port: number;
  /** Tells every agent that this replica ends soon: other links come first. */
  announce(reason: string): void;
  /** Takes no new streams. */
  goAway(reason: string): void;
}

export interface AgentServerOptions {
  kube: KubeClient;
  tls: ManagerTls;
  port: number;
  replica: string;
  intercepts: Watched<Intercept>;
  sessions: LinkedSessions;
  peers: PeerWatch;
  metrics: Metrics;
  waiting: WaitingBytes;
  log: Log;
  signal: AbortSignal;
  /** Checks who an agent is; tests replace it. */
  verify?: typeof verifyAgent;
}

export async function startAgentServer(options: AgentServerOptions): Promise<AgentServer> {
  const { kube, tls, sessions, peers, metrics, waiting, signal } = options;
  const log = options.log.child('agents');
  const claims = createClaims(options.intercepts, { ended: (session) => sessions.ended(session) });
  const byWorkload = new Map<string, Set<LinkedAgent>>();
  const all = new Set<LinkedAgent>();
  const readyListeners = new Set<(agent: AgentLink, what: 'linked' | 'ready' | 'gone') => void>();
  const errorListeners = new Set<(agent: AgentLink, intercept: string, message: string) => void>();
  const takenListeners = new Set<() => void>();
  const taken = createTakenBook();
  const probes = createProbeBook();
  const checks = createSlots(IDENTITY_CHECKS);
  const relayed = metrics.counter('intercepted_total', 'Intercepted connections, by outcome.');
  const bytes = metrics.counter('intercepted_bytes_total', 'Bytes of intercepted connections, by direction.');
  const verify = options.verify ?? verifyAgent;
  const unverified = createKeyedSlots({ each: AGENT_UNVERIFIED_EACH, all: AGENT_UNVERIFIED_LIMIT });

  const linkedTo = (workload: WorkloadRef) => [...(byWorkload.get(workloadKey(workload)) ?? [])];
  const tellIntercepts = (agent: LinkedAgent) => {
    agent.notify('intercepts', { intercepts: claims.of(agent.workload) });
  };
  /** Only sessions that have a claim on the agent's workload: others are none of its affair. */
  const tellSessions = (agent: LinkedAgent) => {
    const wanted = new Set(claims.of(agent.workload).map(({ session }) => session));
    const held = [...wanted].filter((uid) => sessions.held().has(uid));
    agent.notify('sessions', { held, keys: Object.fromEntries(held.map((uid) => [uid, sessions.publicKey(uid)])) });
  };
  const directOf = (workload: WorkloadRef): DirectAgents => ({
    workload,
    agents: linkedTo(workload).flatMap(({ pod, directPort }) => (directPort === undefined ? [] : [{ pod, port: directPort }])),
  });
  /** Workstations go to these agents themselves, where their users may. */
  const tellDirect = (workload: WorkloadRef) => {
    for (const uid of new Set(claims.of(workload).map(({ session }) => session))) sessions.notify(uid, 'direct', directOf(workload));
  };
  const tellPeers = (agent: LinkedAgent) => agent.notify('peers', { replicas: peers.list() });
  const tell = (workload: WorkloadRef) => {
    for (const agent of linkedTo(workload)) {
      // Sessions first: an agent that learns of an intercept knows at once whether it can be served here.
      tellSessions(agent);
      tellIntercepts(agent);
    }
    if (linkedTo(workload).some(({ directPort }) => directPort !== undefined)) tellDirect(workload);
  };
  const stops = [
    options.intercepts.subscribe((kind, { metadata }) => (kind === 'deleted' ? taken.forget(metadata.uid ?? '') : undefined)),
    claims.onChange(tell),
    sessions.onHeld((uid) => claims.workloadsOf(uid).forEach(tell)),
    peers.onChange(() => all.forEach(tellPeers)),
  ];

  // One for all links: there are ten thousand.
  const linkOptions: AgentLinkOptions = {
    log,
    replica: options.replica,
    capabilities: AGENT_CAPABILITIES,
    verify: async (hello, gone) => {
      const either = AbortSignal.any([gone, signal]);
      const release = await checks.take(either);
      try {
        return await verify(hello, { kube, signal: either });
      } finally {
        release();
      }
    },
    onLinked: add,
    onReady: (agent) => {
      for (const listener of readyListeners) listener(agent, 'ready');
    },
    onError: (agent, intercept, message) => {
      log.warn('an agent could not take an intercept', { pod: agent.pod, namespace: agent.namespace, intercept, error: message });
      if (claims.find(agent.workload, intercept) !== undefined) for (const listener of errorListeners) listener(agent, intercept, message);
    },
    onTaken: (agent, totals) => {
      let more = false;
      for (const [uid, total] of Object.entries(totals))
        if (claims.find(agent.workload, uid) !== undefined && taken.heard(agent.podUid, uid, total)) more = true;
      if (more) for (const listener of takenListeners) listener();
    },
    onDirect: ({ workload }) => tellDirect(workload),
    certificate: ({ pod, namespace }) => tls.agentLeaf(`${pod}.${namespace}.${AGENT_HOSTS}`),
    onProbed: (agent, { id, ...seen }) => probes.heard(agent, id, seen),
    claim: (agent, uid) => claims.find(agent.workload, uid),
    open: (session, first) => sessions.open(session, first),
    onRelayed: (outcome, { up, down }) => {
      relayed.add(1, { outcome });
      bytes.add(up, { direction: 'up' });
      bytes.add(down, { direction: 'down' });
    },
  };

  const linkFailed = (error: Error) => log.debug('a link failed', { error: messageOf(error) });
  function accept(socket: TLSSocket, tcp: Socket): void {
    socket.on('error', linkFailed);
    const proved = unverified.tryTake(tcp.remoteAddress ?? '');
    if (proved === undefined) return void socket.destroy();
    tcp.setNoDelay(true);
    tcp.setKeepAlive(true, AGENT_KEEPALIVE_MS);
    const { linked } = serveAgent(socket, linkOptions);
    // Behind the mux, so that it sees what each piece has done.
    socket.on('data', (chunk: Buffer) => waiting.arrived(chunk.length));
    void linked.then(proved);
  }

  /** A pod that links again and again, since its links die unseen or it means harm, has its oldest links ended. */
  function endOldLinks(agent: LinkedAgent): void {
    const links = linkedTo(agent.workload).filter(({ podUid }) => podUid === agent.podUid);
    for (const old of links.slice(0, -AGENT_LINKS_EACH)) old.mux.abort(new Error('the pod has newer links'));
  }

  function add(agent: LinkedAgent): void {
    const key = workloadKey(agent.workload);
    const group = byWorkload.get(key) ?? new Set<LinkedAgent>();
    group.add(agent);
    byWorkload.set(key, group);
    all.add(agent);
    const forget = waiting.add(`agent ${agent.namespace}/${agent.pod}`, agent.mux);
    endOldLinks(agent);
    log.debug('an agent is linked', { pod: agent.pod, namespace: agent.namespace, version: agent.version });
    void agent.mux.closed.then((error) => {
      group.delete(agent);
      if (group.size === 0 && byWorkload.get(key) === group) byWorkload.delete(key);
      all.delete(agent);
      forget();
      if (agent.directPort !== undefined) tellDirect(agent.workload);
      log.debug('an agent is gone', { pod: agent.pod, namespace: agent.namespace, error: error?.message });
      for (const listener of readyListeners) listener(agent, 'gone');
    });
    tellPeers(agent);
    tellSessions(agent);
    tellIntercepts(agent);
    for (const listener of readyListeners) listener(agent, 'linked');
  }

  const contextOf = () => {
    const { certificate, key } = tls.leaf();
    return createSecureContext({ cert: certificate, key, ...CLUSTER_TLS });
  };
  let secureContext = contextOf();
  stops.push(
    tls.onRenew(() => {
      secureContext = contextOf();
    }),
  );
  const server = createLeanTlsServer({
    secureContext: () => secureContext,
    handshakeMs: HELLO_TIMEOUT_MS,
    onConnection: accept,
    onFailed: (error) => log.debug('a TLS handshake failed', { error: messageOf(error) }),
  });
  server.maxConnections = AGENT_LINK_LIMIT;
  const port = await listen(server, { port: options.port }, (error) => log.error("the agents' port failed", { error: messageOf(error) }));

  return {
    port,
    of: linkedTo,
    list: () => [...all],
    intercepts: (workload) => claims.of(workload),
    direct: (session) =>
      claims
        .workloadsOf(session)
        .map(directOf)
        .filter(({ agents }) => agents.length > 0),
    onReady(listener) {
      readyListeners.add(listener);
      return () => readyListeners.delete(listener);
    },
    onError(listener) {
      errorListeners.add(listener);
      return () => errorListeners.delete(listener);
    },
    taken: (workload, uid) => taken.of(uid) ?? (linkedTo(workload).length > 0 ? 0 : undefined),
    onTaken(listener) {
      takenListeners.add(listener);
      return () => takenListeners.delete(listener);
    },
    probe(id) {
      const looking = [...all].filter(({ workload, ready }) => claims.of(workload).some(({ uid, mechanism }) => mechanism === 'http' && ready.has(uid)));
      probes.begin(id, looking);
      for (const agent of looking) agent.notify('probe', { id, forMs: PROBE_MS });
      return looking.length;
    },
    probed: (id) => probes.hops(id),
    announce(reason) {
      for (const agent of all) agent.notify('going-away', { reason });
    },
    goAway(reason) {
      for (const agent of all) agent.mux.goAway(reason);
    },
    async close() {
      for (const stop of stops) stop();
      claims.close();
      for (const agent of all) agent.mux.abort(new CodedError('TP-TUNNEL-LOST', 'The manager ends.'));
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
