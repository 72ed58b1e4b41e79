/**
 * The custom resources `Session` and `Intercept` (`telepresence.io/v1`): where all state that must outlive a
 * process stands. See docs/architecture.md, "State lives in Kubernetes". Nothing secret ever stands in either.
 */
import { z } from 'zod';

export const GROUP = 'telepresence.io';
export const GROUP_VERSION = 'telepresence.io/v1';
/** Names of the objects that the chart and the installer make in the manager's namespace. */
export const MANAGER_NAME = 'traffic-manager';
export const DEFAULT_MANAGER_NAMESPACE = 'ambassador';
/** The Service of the tunnel port; it serves nothing else, so that one `get services/proxy` right is enough. */
export const TUNNEL_SERVICE = 'traffic-manager';
export const TUNNEL_PORT_NAME = 'tunnel';
/** Headless Service through which agents find the first replica. */
export const AGENTS_SERVICE = 'traffic-manager-agents';
export const INJECTOR_SERVICE = 'agent-injector';
/** Where the injector takes admission reviews. */
export const INJECT_PATH = '/inject';
/** Secret that holds the manager's CA (`ca.crt`, `ca.key`), made by the leading replica. */
export const CA_SECRET = 'traffic-manager-ca';
export const LEASE_NAME = 'traffic-manager';
export const USER_ROLE = 'telepresence-user';
export const AGENT_CONTAINER = 'traffic-agent';
export const AGENT_INIT_CONTAINER = 'tel-agent-init';
/** Audience of the projected service-account token with which agents authenticate. */
export const TOKEN_AUDIENCE = 'telepresence';

export const ANNOTATION = {
  inject: 'telepresence.io/inject-traffic-agent',
  agentConfig: 'telepresence.io/agent-config',
  restartedAt: 'telepresence.io/restartedAt',
  /** On a workload itself, not on its template: its agents are to be taken out. Says who asked. */
  uninstall: 'telepresence.io/uninstall-agent',
  ignoreVolumes: 'telepresence.io/inject-ignore-volume-mounts',
} as const;
/** Annotations of the 2.x years, still read. */
export const LEGACY_ANNOTATION_PREFIX = 'telepresence.getambassador.io/';

/** Annotations of a pod whose ports speak TLS: `<prefix>downstream-tls-secret.<port>` and its kin, `<port>` a number or a name; and those of 2.x. */
export const TLS_ANNOTATION = {
  prefix: 'telepresence.io/',
  legacyTerminating: 'getambassador.io/inject-terminating-tls-secret',
  legacyOriginating: 'getambassador.io/inject-originating-tls-secret',
} as const;

export const MECHANISMS = ['tcp', 'http'] as const;
export const WORKLOAD_KINDS = ['Deployment', 'StatefulSet', 'ReplicaSet'] as const;
export type WorkloadKind = (typeof WORKLOAD_KINDS)[number];
/** `deployments`, as paths and rights of the API name them. */
export const workloadResource = (kind: string): string => `${kind.toLowerCase()}s`;
export const PORT_PROTOCOLS = ['TCP', 'UDP'] as const;
export type PortProtocol = (typeof PORT_PROTOCOLS)[number];

const objectMeta = z.looseObject({
  name: z.string(),
  namespace: z.string().optional(),
  uid: z.string().optional(),
  resourceVersion: z.string().optional(),
  creationTimestamp: z.string().optional(),
  deletionTimestamp: z.string().optional(),
  labels: z.record(z.string(), z.string()).optional(),
  annotations: z.record(z.string(), z.string()).optional(),
});

export const sessionSchema = z.looseObject({
  apiVersion: z.literal(GROUP_VERSION),
  kind: z.literal('Session'),
  metadata: objectMeta,
  spec: z.looseObject({
    /** The name the API server knows the creator by; a ValidatingAdmissionPolicy holds it equal to `request.userInfo.username`. */
    user: z.string(),
    workstation: z.looseObject({
      /** Random, made once per workstation and kept in its cache folder. */
      id: z.string(),
      hostname: z.string(),
      /** Version of the client. */
      version: z.string(),
    }),
    /** Ed25519 public key, base64 of the 32 raw bytes (RFC 8032). The private key never leaves the daemon's memory. */
    publicKey: z.string(),
    /** The connected namespace. */
    namespace: z.string(),
    /** Namespaces mapped for DNS; empty: all. */
    mappedNamespaces: z.array(z.string()).default([]),
  }),
  status: z
    .looseObject({
      /** Manager replicas (pod names) that hold a tunnel of this session. */
      replicas: z.array(z.looseObject({ name: z.string(), since: z.string() })).optional(),
      /** When the last tunnel was lost; absent while one is there. */
      lostAt: z.string().optional(),
      lastSeen: z.string().optional(),
    })
    .optional(),
});
export type Session = z.infer<typeof sessionSchema>;

/** One condition on a request; all of an intercept's must hold. `regex` is RE2 (linear time), matched against the whole value. */
const valueMatch = z.union([z.looseObject({ exact: z.string() }), z.looseObject({ regex: z.string() })]);
export const httpFilterSchema = z.looseObject({
  headers: z.array(z.looseObject({ name: z.string(), value: valueMatch })).default([]),
  paths: z.array(z.union([z.looseObject({ equal: z.string() }), z.looseObject({ prefix: z.string() }), z.looseObject({ regex: z.string() })])).default([]),
});
export type HttpFilter = z.infer<typeof httpFilterSchema>;

export const INTERCEPT_PHASES = ['Waiting', 'Active', 'Degraded', 'Error'] as const;

export const interceptSchema = z.looseObject({
  apiVersion: z.literal(GROUP_VERSION),
  kind: z.literal('Intercept'),
  metadata: objectMeta,
  spec: z.looseObject({
    /** The name the user gave; the object's own name is `<name>-<first 8 of the session's uid>`. */
    name: z.string(),
    user: z.string(),
    session: z.looseObject({ name: z.string(), namespace: z.string(), uid: z.string() }),
    workload: z.looseObject({ kind: z.enum(WORKLOAD_KINDS), name: z.string() }),
    /** Absent for a workload that no Service selects: then `port` is a container port. */
    service: z.string().optional(),
    /** `number` and `name` are the Service's (or the container's, without a service). */
    port: z.looseObject({ number: z.number().int(), name: z.string().optional(), protocol: z.enum(PORT_PROTOCOLS) }),
    /** The container whose environment is shown; default: the one that has the port. */
    container: z.string().optional(),
    mechanism: z.enum(MECHANISMS),
    http: httpFilterSchema.optional(),
    /** What the workstation dials, for people to read: the daemon alone decides. */
    target: z.looseObject({ host: z.string(), port: z.number().int() }),
    /** `--fallback`: the cluster's app answers where the workstation's process doesn't listen. */
    fallback: z.boolean().optional(),
    /** `--no-proof-header` sets false: no `x-telepresence-intercepted-by` on answers. */
    proofHeader: z.boolean().optional(),
    /** `--plaintext`: no TLS towards the workstation where the agent ended that of the client. */
    plaintext: z.boolean().optional(),
    preview: z.looseObject({}).optional(),
  }),
  status: z
    .looseObject({
      phase: z.enum(INTERCEPT_PHASES).optional(),
      /** The leader gave the port to this claim: from now on agents are told of it, in phase Waiting, Active and Degraded. */
      granted: z.boolean().optional(),
      /** The container port behind `spec.port`, found by the leader: the agents' key. Set with `granted`. */
      containerPort: z.number().int().optional(),
      /** The container whose environment is shown, found by the leader. */
      container: z.string().optional(),
      /** With phase `Error`: Conflict, NoWorkload, NoService, NoPort, Refused, InjectionFailed, AgentTimeout or SessionGone; `message` is the sentence. */
      reason: z.string().optional(),
      message: z.string().optional(),
      since: z.string().optional(),
      /** Ready pods whose agent confirmed it, and all ready pods of the workload. */
      agents: z.array(z.string()).optional(),
      pods: z.number().int().optional(),
      /** A line the user must see before its pods restart (`Recreate`, single StatefulSet, …). */
      warning: z.string().optional(),
    })
    .optional(),
});
export type Intercept = z.infer<typeof interceptSchema>;
export type InterceptSpec = Intercept['spec'];
