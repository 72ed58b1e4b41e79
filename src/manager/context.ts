/**
 * What the parts of the manager share. `main.ts` makes one context and hands it to every part; a part keeps its own state
 * behind the interfaces named here, and parts know one another through them only.
 */
import type { Duplex } from 'node:stream';
import type { SecureContext } from 'node:tls';
import type { Log, LogLevel } from '../base/log.ts';
import type { KubeClient } from '../kube/index.ts';
import type { MuxStream } from '../mux/index.ts';
import type { Intercept, Session } from '../protocol/resources.ts';
import type { AgentIntercept, ClusterInfo, DirectAgents, Environment, ProbeHop } from '../protocol/tunnel.ts';
import { type WorkloadRef, workloadKey } from '../protocol/workload.ts';
import type { Metrics } from './metrics.ts';
import type { Slots } from './outbound/quota.ts';
import type { WaitingBytes } from './outbound/waiting.ts';
import type { ManagerPorts, ManagerSettings } from './settings.ts';

export interface ManagerContext {
  readonly kube: KubeClient;
  readonly log: Log;
  /** The level that the chart's values say; `loglevel` changes the log's for a while. */
  readonly logLevel: LogLevel;
  readonly settings: ManagerSettings;
  readonly ports: ManagerPorts;
  /** The manager's own namespace, pod and address. */
  readonly namespace: string;
  readonly pod: string;
  readonly podIP: string;
  readonly agentImage: string | undefined;
  readonly agentPullPolicy: string;
  readonly tls: ManagerTls;
  /** Session and Intercept objects of the whole cluster. */
  readonly sessionObjects: Watched<Session>;
  readonly intercepts: Watched<Intercept>;
  readonly cluster: ClusterWatch;
  readonly peers: PeerWatch;
  readonly sessions: SessionRegistry;
  readonly agents: AgentRegistry;
  readonly metrics: Metrics;
  /** What waits for peers that do not read. */
  readonly waiting: WaitingBytes;
  /** Aborted when the manager must stop now (after the drain). */
  readonly signal: AbortSignal;
}

/** A part that runs until it is closed. `close` is idempotent and waits for what it began. */
export interface Part {
  close(): Promise<void>;
}

/** An informer that any number of parts listen to. */
export interface Watched<T> {
  readonly ready: Promise<void>;
  list(): T[];
  get(namespace: string | undefined, name: string): T | undefined;
  /** Calls `listener` for every change from now on; returns what ends it. A listener that throws is logged and kept. */
  subscribe(listener: WatchListener<T>): () => void;
  close(): void;
}
export type ChangeKind = 'added' | 'modified' | 'deleted';
export type WatchListener<T> = (kind: ChangeKind, object: T, old?: T) => void;

export interface ManagerTls {
  /** PEM of the CA's certificate: public, for webhook configurations and agents. */
  readonly caCertificate: string;
  /** The leaf of now; ask again for each handshake, it is renewed. */
  secureContext(): SecureContext;
  /** PEM of the leaf of now and its key, for servers that take them so. */
  leaf(): { certificate: string; key: string };
  /** A leaf of an agent's own, with a new key, for that one name. */
  agentLeaf(host: string): Promise<{ certificate: string; key: string }>;
  /** Calls back after each renewal. */
  onRenew(listener: () => void): () => void;
  close(): void;
}

export interface ClusterWatch {
  info(): ClusterInfo;
  onChange(listener: (info: ClusterInfo) => void): () => void;
  close(): void;
}

export interface Peer {
  name: string;
  address: string;
  /** False: it takes no tunnels now. */
  ready?: boolean;
}
/** The manager's replicas, itself among them. */
export interface PeerWatch {
  /** Those that have an address and are not ended. */
  list(): Peer[];
  /** Names of all pods that may still hold a tunnel. */
  alive(): ReadonlySet<string>;
  /** Addresses that outbound never dials: the replicas' own and the cluster addresses of the manager's Services. */
  addresses(): ReadonlySet<string>;
  onChange(listener: () => void): () => void;
  close(): void;
}

/** The sessions whose tunnel this replica holds. */
export interface SessionRegistry {
  /** uids of sessions that can take an intercepted connection here, now. */
  held(): ReadonlySet<string>;
  /** Called with the session's uid whenever `held` changes for it. */
  onHeld(listener: (uid: string, held: boolean) => void): () => void;
  /** True after the session's clean end was asked for (`leave`) and until its object is gone. */
  ended(uid: string): boolean;
  /** What the session's signatures are checked with; undefined where none of its connections is here. */
  publicKey(uid: string): string | undefined;
  /** Opens a stream to the session's workstation with `first` in the opening frame; undefined when there is no way. */
  open(uid: string, first: Uint8Array): MuxStream | undefined;
  /** Connections and streams of now. */
  counts(): { sessions: number; connections: number; streams: number };
}

export { type WorkloadRef, workloadKey };

/** One linked and authenticated agent: a pod of a workload. */
export interface AgentLink {
  readonly pod: string;
  readonly podUid: string;
  readonly namespace: string;
  readonly podIP: string;
  readonly version: string;
  readonly workload: WorkloadRef;
  /** uids of the intercepts that the agent takes now. */
  readonly ready: ReadonlySet<string>;
  /** Where it takes direct connections, while it does. */
  readonly directPort: number | undefined;
  /** Reads the environment of a container as the pod sees it. */
  environment(container: string | undefined, options?: { signal?: AbortSignal }): Promise<Environment>;
}
/** Every agent links to every replica, so each replica knows all of them. */
export interface AgentRegistry {
  of(workload: WorkloadRef): AgentLink[];
  list(): AgentLink[];
  /** After an agent linked, said what it takes (`ready`), or went away. */
  onReady(listener: (agent: AgentLink, what: 'linked' | 'ready' | 'gone') => void): () => void;
  /** After an agent could not take an intercept. */
  onError(listener: (agent: AgentLink, intercept: string, message: string) => void): () => void;
  /** Requests (or connections) that an intercept of the workload took, as far as is known; undefined where no agent is linked. */
  taken(workload: WorkloadRef, intercept: string): number | undefined;
  /** After agents said that they took more; often, while much is taken. */
  onTaken(listener: () => void): () => void;
  /** Agents of workloads with http intercepts look for the mark of a probe from now on. Returns how many do. */
  probe(id: string): number;
  /** What they saw of it. */
  probed(id: string): ProbeHop[];
  /** Agents that take direct connections of the session, by workload that it has a claim on. */
  direct(session: string): DirectAgents[];
  /** What agents of a workload are told now: granted, not ended claims. */
  intercepts(workload: WorkloadRef): AgentIntercept[];
}

/** Answers the `dns` streams of tunnels; src/manager/dns has the mechanism. */
export interface DnsPart extends Part {
  /** @param work how many queries may be in work at once, on all streams that share it. */
  serve(stream: Duplex, work: Slots): void;
}
