/**
 * The tunnel: workstation ⇄ API server ⇄ manager. docs/protocol.md writes it down as numbered sequences.
 *
 * 1. The daemon sends `GET …/services/https:traffic-manager:tunnel/proxy/tunnel` with `Connection: Upgrade`
 *    and `Upgrade: telepresence.v1` (or `websocket`), and the header {@link TUNNEL_HEADER.session}.
 * 2. The manager answers 101 with {@link TUNNEL_HEADER.nonce}: 32 random bytes, base64url.
 * 3. The daemon writes one line of JSON ({@link helloSchema}) and at once mux frames behind it: no round trip is waited for.
 * 4. The manager checks the signature against the Session's public key. If it fails it writes nothing and ends the connection
 *    with a mux GOAWAY whose reason says why. Everything after the hello line is the mux (src/mux).
 * 5. Each mux stream begins with a stream header: two bytes of length (big endian), then JSON ({@link streamHeaderSchema}),
 *    then, in the same frame where there are some, the first bytes of data.
 *
 * A direct connection, workstation ⇄ API server ⇄ agent, is the same with `…/pods/https:<pod>:<port>/proxy/tunnel`, the hello's kind `direct`
 * and another signature ({@link DIRECT_SIGNATURE_PREFIX}). On it only the agent opens streams, all with the header `intercept`.
 */
import { z } from 'zod';
import { cloudControlHeaderSchema, previewHeaderSchema } from './cloud.ts';
import { httpFilterSchema, PORT_PROTOCOLS } from './resources.ts';
import { workloadRefSchema } from './workload.ts';

export const TUNNEL_PATH = '/tunnel';
export const UPGRADE_PROTOCOL = 'telepresence.v1';
export const TUNNEL_HEADER = {
  /** Name of the Session object. */
  session: 'x-telepresence-session',
  nonce: 'x-telepresence-nonce',
  /** Pod name of the replica that answered. */
  replica: 'x-telepresence-replica',
  version: 'x-telepresence-version',
} as const;
/**
 * TLS inside the cluster: agents, and the API server before a tunnel. The curves are those that every peer has; the post-quantum exchange
 * that OpenSSL would prefer keeps 8 KiB of keys in each connection for as long as it lives, and a manager has ten thousand.
 */
export const CLUSTER_TLS = { minVersion: 'TLSv1.2', ecdhCurve: 'X25519:P-256:P-384' } as const;
/** Longest name, uid or address that a peer may tell: Kubernetes' own bound. */
export const NAME_LIMIT = 253;
/** Longest projected token that an agent may show. */
export const TOKEN_LIMIT = 64 * 1024;
/** The hello line may not be longer. */
export const HELLO_LIMIT = 16 * 1024;
/** What the daemon signs: this prefix, the nonce as in the header, a dot and the Session's uid, as UTF-8. */
export const SIGNATURE_PREFIX = 'telepresence-tunnel-v1:';
/**
 * What it signs for an agent: this prefix, nonce, dot, uid, a dot, and the pod as namespace/name. The pod is named so that an agent can't show
 * the signature to another one, or to a manager.
 */
export const DIRECT_SIGNATURE_PREFIX = 'telepresence-direct-v1:';

export const helloSchema = z.looseObject({
  version: z.string(),
  session: z.looseObject({ name: z.string(), uid: z.string() }),
  /** To a manager, `control`: the control and dns streams, heartbeats; `data`: the rest. To an agent: `direct`. */
  kind: z.enum(['control', 'data', 'direct']),
  /** Ed25519 signature, base64. */
  signature: z.string(),
  /** Extensions by name; both sides use the intersection. The manager's stand in {@link welcomeSchema}. */
  capabilities: z.array(z.string()).default([]),
});
export type Hello = z.infer<typeof helloSchema>;

const port = z.number().int().min(1).max(65535);
/** First thing on every stream. Addresses are IP literals. */
export const streamHeaderSchema = z.discriminatedUnion('t', [
  /** daemon → manager, control connection, exactly one: the control RPC (src/rpc over newline-delimited JSON). */
  z.looseObject({ t: z.literal('control') }),
  /** daemon → manager, control connection, exactly one: DNS messages as over TCP, two bytes of length each (RFC 1035 4.2.2). */
  z.looseObject({ t: z.literal('dns') }),
  /** daemon → manager: a TCP connection. The manager dials; a refusal resets the stream with a reason of {@link RESET_REASONS}. */
  z.looseObject({ t: z.literal('tcp'), host: z.string(), port }),
  /** daemon → manager: a UDP flow. Datagrams both ways, two bytes of length each. Ends after {@link UDP_IDLE_MS} without one. */
  z.looseObject({ t: z.literal('udp'), host: z.string(), port }),
  /** agent → manager → daemon: a connection (or UDP flow) that an intercept took. `peer` is the client's address in the cluster. */
  z.looseObject({
    t: z.literal('intercept'),
    /** uid of the Session and of the Intercept. */
    session: z.string(),
    intercept: z.string(),
    protocol: z.enum(PORT_PROTOCOLS),
    peer: z.string(),
  }),
  /** agent → manager, first stream of an agent's link: the control RPC of src/protocol/agent-link.ts. */
  z.looseObject({ t: z.literal('agent-control') }),
  /** manager → cloud and cloud → manager, on the manager's link: src/protocol/cloud.ts. */
  cloudControlHeaderSchema,
  previewHeaderSchema,
]);
export type StreamHeader = z.infer<typeof streamHeaderSchema>;

/** Why a stream was reset, in the mux's RST payload. */
export const RESET_REASONS = ['refused', 'unreachable', 'timeout', 'forbidden', 'gone', 'protocol', 'overload', 'aborted'] as const;
export type ResetReason = (typeof RESET_REASONS)[number];

export const UDP_IDLE_MS = 60_000;
/** Largest UDP payload (IPv4: 65535 − 20 − 8). */
export const UDP_PAYLOAD_LIMIT = 65_507;

/** What the cluster looks like from the manager. Sent in the welcome and as event `cluster` whenever it changes. */
export const clusterSchema = z.looseObject({
  /** CIDRs, IPv4 and IPv6. */
  serviceSubnets: z.array(z.string()),
  podSubnets: z.array(z.string()),
  /** Addresses of nodes: traffic from them is never captured (kind, minikube). */
  nodeAddresses: z.array(z.string()).default([]),
  clusterDomain: z.string(),
  dnsAddress: z.string().optional(),
  namespaces: z.array(z.string()),
});
export type ClusterInfo = z.infer<typeof clusterSchema>;

/** The manager's replicas that are not ending, and those of them that take tunnels now. */
export const replicasSchema = z.looseObject({ names: z.array(z.string()), ready: z.array(z.string()) });
export type Replicas = z.infer<typeof replicasSchema>;

/**
 * Control RPC, daemon calls manager:
 * - `welcome` {} → {@link welcomeSchema}: the first call.
 * - `ping` {} → {}: heartbeats, every second while idle.
 * - `environment` {intercept: uid} → {@link environmentSchema}: only for an Active intercept of this session.
 * - `leave` {} → {}: a clean end; the manager drops the session's intercepts from agents at once.
 * - `cloud-link` {@link cloudLinkParamsSchema} → {@link cloudLinkResultSchema}: whether the cluster's link to its cloud works; with a token, and
 *   only while no token works, the manager tries that one and keeps it if the cloud takes it.
 * - `probe` {@link probeIdSchema} → {agents}: agents of workloads with http intercepts look for the mark of that id for some seconds; how many do.
 * - `probe-seen` {@link probeIdSchema} → {@link probeHopsSchema}: what they saw so far.
 * Manager notifies daemon: `cluster` (ClusterInfo), `replicas` {@link replicasSchema}, `direct` {@link directAgentsSchema} (where the agents of a
 * workload that it intercepts can be reached, whenever that changes), `going-away` {reason} (the replica is stopping: open
 * another tunnel, and use this one until it is there; the mux's GOAWAY comes some seconds later).
 */
export const welcomeSchema = z.looseObject({
  version: z.string(),
  replica: z.string(),
  capabilities: z.array(z.string()).default([]),
  agentImage: z.string().optional(),
  cluster: clusterSchema,
  /** This one among them; told again as `replicas` whenever they change. */
  replicas: replicasSchema.optional(),
  /** Where the administrator said the cloud is. */
  cloud: z.looseObject({ url: z.string() }).optional(),
});
export type Welcome = z.infer<typeof welcomeSchema>;

export const cloudLinkParamsSchema = z.looseObject({ url: z.string(), token: z.string().max(1024).optional() });
/** `linked`: the link is up, or its token was not refused and the cloud is merely away. `detail` says what is wrong. */
export const cloudLinkResultSchema = z.looseObject({ linked: z.boolean(), detail: z.string().optional() });
export type CloudLinkResult = z.infer<typeof cloudLinkResultSchema>;

export const environmentSchema = z.looseObject({
  container: z.string(),
  pod: z.string(),
  podIP: z.string().optional(),
  env: z.record(z.string(), z.string()),
});
export type Environment = z.infer<typeof environmentSchema>;

/**
 * Agent's link, agent calls manager: `hello` {@link agentHelloSchema} → {@link agentWelcomeSchema} (the token is checked
 * by TokenReview, its pod claims compared), `ready` {intercepts: [uid]}: these are being taken now (sent again on every change),
 * `error` {intercept, message}, `certificate` {} → {@link certificateSchema} (with the capability `direct` only). Agent notifies manager: `direct`
 * {@link directPortSchema}, `taken` {@link takenSchema}, at most once a second, of intercepts whose total changed;
 * `probed` {@link probedSchema}, after `probe`.
 * Manager notifies agent: `intercepts` {@link agentInterceptsSchema} (the whole list, after every change), `sessions` {@link heldSessionsSchema} (sessions
 * whose tunnel this replica holds: an agent opens streams of a session only on a link that has it, and answers from the app while no link has),
 * `peers` {replicas: [{name, address}]} (dial each of them), `going-away` {reason} (the replica is stopping: prefer other links).
 * `probe` {@link probeSchema} (look for the mark in requests that are looked into anyway).
 * Manager calls agent: `environment` {container?} → {@link environmentSchema}.
 */
export const agentHelloSchema = z.looseObject({
  version: z.string().max(NAME_LIMIT),
  token: z.string().max(TOKEN_LIMIT),
  pod: z.string().max(NAME_LIMIT),
  namespace: z.string().max(NAME_LIMIT),
  podIP: z.string().max(NAME_LIMIT),
  workload: z.looseObject({ kind: z.string().max(NAME_LIMIT), name: z.string().max(NAME_LIMIT) }),
  capabilities: z.array(z.string()).default([]),
});
export type AgentHello = z.infer<typeof agentHelloSchema>;
export const agentWelcomeSchema = z.looseObject({ version: z.string(), replica: z.string(), capabilities: z.array(z.string()).default([]) });

export const heldSessionsSchema = z.looseObject({
  held: z.array(z.string()),
  /** Public keys of some of them, by uid: who shows a signature of it may have a direct connection. Managers before `direct` tell none. */
  keys: z.record(z.string(), z.string()).default({}),
});
/** Where the agent takes direct connections; without a port it takes none any more. */
export const directPortSchema = z.looseObject({ port: port.optional() });
/** PEM, made for this agent under the managers' CA. */
export const certificateSchema = z.looseObject({ certificate: z.string(), key: z.string() });
export const directAgentsSchema = z.looseObject({
  workload: workloadRefSchema,
  agents: z.array(z.looseObject({ pod: z.string(), port })),
});
export type DirectAgents = z.infer<typeof directAgentsSchema>;

export const agentInterceptSchema = z.looseObject({
  uid: z.string(),
  name: z.string(),
  session: z.string(),
  /** Container port in the pod that is taken: the key into the agent's own config. */
  containerPort: port,
  protocol: z.enum(PORT_PROTOCOLS),
  mechanism: z.enum(['tcp', 'http']),
  http: httpFilterSchema.optional(),
  fallback: z.boolean().default(false),
  proofHeader: z.boolean().default(true),
  plaintext: z.boolean().default(false),
});
export type AgentIntercept = z.infer<typeof agentInterceptSchema>;
export const agentInterceptsSchema = z.looseObject({ intercepts: z.array(agentInterceptSchema) });
/** A probe's mark is known to whoever made it: its id is 128 random bits. */
export const probeIdSchema = z.looseObject({ id: z.string().regex(/^[0-9a-f]{32}$/) });
/** What the marked request carries in the header of personal intercepts: no intercept's own value. */
export function probeValue(id: string): string {
  return `${id}:doctor`;
}
export const probeSchema = probeIdSchema.extend({ forMs: z.number().int().positive().max(60_000) });
const sightings = z.number().int().nonnegative();
export const probedSchema = probeIdSchema.extend({ marked: sightings, unmarked: sightings });
export const probeHopsSchema = z.looseObject({
  hops: z.array(z.looseObject({ workload: workloadRefSchema, marked: sightings, unmarked: sightings })),
});
export type ProbeHop = z.infer<typeof probeHopsSchema>['hops'][number];

/** How much each intercept took since the agent began, by the intercept's uid: requests of `http`, connections or UDP flows of `tcp`. */
export const takenSchema = z.looseObject({ totals: z.record(z.string().max(100), z.number().int().nonnegative()) });
export const agentPeersSchema = z.looseObject({ replicas: z.array(z.looseObject({ name: z.string(), address: z.string() })) });
