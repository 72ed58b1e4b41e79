/**
 * What the parts of the sandbox promise each other. `api/` serves the Kubernetes API over a store; `access/` says who asks and what they
 * may; `admission/` changes and refuses objects; `controllers/` and `node/` are clients of the API like any other, in the same process;
 * `node/` runs pods, and `streams/` brings logs, exec, port-forward and proxies from there to the API's clients.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { KubeClient, KubeObject } from '../kube/index.ts';

/** Where a kind lives. `plural` is the last word of its path: `deployments`. */
export interface ResourceType {
  /** `''` for core. */
  group: string;
  version: string;
  plural: string;
  singular: string;
  kind: string;
  shortNames: string[];
  categories: string[];
  namespaced: boolean;
  /** Of the resource itself: `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`. */
  verbs: string[];
  /** `status`, `scale`, `eviction`, `token`, `log`, `exec`, `attach`, `portforward`, `proxy`, `binding`, `ephemeralcontainers`. */
  subresources: string[];
}

export interface UserInfo {
  username: string;
  uid: string;
  groups: string[];
  extra: Record<string, string[]>;
}

/** A request as authorization and admission see it. For a path that is no resource only `user`, `verb` and `path` are set. */
export interface RequestAttributes {
  user: UserInfo;
  /** `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`; for other paths the lower-case HTTP method. */
  verb: string;
  path: string;
  group?: string;
  version?: string;
  resource?: string;
  subresource?: string;
  namespace?: string;
  name?: string;
}

export interface Authenticator {
  /** Who sent it: client certificate, bearer token, impersonation headers. Undefined: nobody that is known, the answer is 401. */
  authenticate(request: IncomingMessage): Promise<UserInfo | undefined>;
}

export interface Authorizer {
  /** `reason` is part of the message of a 403. */
  authorize(attributes: RequestAttributes): { allowed: boolean; reason: string };
}

export type Operation = 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';

export interface AdmissionAttributes {
  operation: Operation;
  type: ResourceType;
  subresource: string | undefined;
  namespace: string | undefined;
  name: string | undefined;
  user: UserInfo;
  /** Undefined at DELETE and CONNECT. */
  object: KubeObject | undefined;
  /** Undefined at CREATE. */
  oldObject: KubeObject | undefined;
  dryRun: boolean;
  /** The CreateOptions, UpdateOptions or DeleteOptions. */
  options: Record<string, unknown>;
  /** Tells the client something beside the answer: a `Warning` header. */
  warn?(text: string): void;
}

/** Called at each write, after authorization: first `mutate`, then the object is checked against its schema, then `validate`. */
export interface Admission {
  /** The object to store; may be the same. @throws {StatusError} when it is refused. */
  mutate(attributes: AdmissionAttributes): Promise<KubeObject | undefined>;
  /** @throws {StatusError} when it is refused. */
  validate(attributes: AdmissionAttributes): Promise<void>;
}

/** `meta/v1 Status` of a failure, as the API server words it. */
/** As whom the parts of the sandbox itself ask its API. */
export const CLUSTER_USER = 'system:sandbox';

export class StatusError extends Error {
  readonly code: number;
  readonly reason: string;
  readonly details: Record<string, unknown> | undefined;

  constructor(code: number, reason: string, message: string, details?: Record<string, unknown>) {
    super(message);
    this.name = 'StatusError';
    this.code = code;
    this.reason = reason;
    this.details = details;
  }
}

/**
 * The API for the sandbox's own parts: requests that do not cross a socket, with the authorization and admission of any other request.
 * The same names and promises as in `src/kube`, so that a controller runs on either. Objects that it returns are the caller's own:
 * changing one changes nothing else.
 */
export type ClusterClient = Pick<
  KubeClient,
  'request' | 'get' | 'list' | 'create' | 'replace' | 'apply' | 'patch' | 'delete' | 'watch' | 'createInformer' | 'evict'
>;

/** Virtual resources and subresources that are not stored: reviews, `serviceaccounts/token`. */
export interface VirtualResource {
  /** `create` of the object sent. @returns what is sent back. */
  create(attributes: RequestAttributes, object: KubeObject): Promise<KubeObject>;
}

export interface LogOptions {
  follow: boolean;
  previous: boolean;
  timestamps: boolean;
  tailLines: number | undefined;
  /** Milliseconds since 1970. */
  sinceTime: number | undefined;
  limitBytes: number | undefined;
  signal: AbortSignal;
}

export interface ExecOptions {
  command: string[];
  tty: boolean;
  stdin: boolean;
}

/** A process that was started in a container beside its own. The caller reads both outputs to their end. */
export interface ExecProcess {
  stdin: NodeJS.WritableStream | undefined;
  stdout: NodeJS.ReadableStream;
  /** Undefined with a terminal. */
  stderr: NodeJS.ReadableStream | undefined;
  resize(columns: number, rows: number): void;
  kill(): void;
  /** Exit code; 128 + n after signal n. */
  readonly exited: Promise<number>;
}

/** What the node does for the API server. Each throws {@link StatusError} for a pod or container that is not there or does not run. */
export interface NodeStreams {
  logs(namespace: string, pod: string, container: string, options: LogOptions): AsyncIterable<Uint8Array>;
  exec(namespace: string, pod: string, container: string, options: ExecOptions): Promise<ExecProcess>;
  /** The container's own process: what it prints from now on, and its input where it was started with one. Whether on a terminal is said by its spec. */
  attach(namespace: string, pod: string, container: string, options: Pick<ExecOptions, 'stdin'>): Promise<ExecProcess>;
  /** A connection to `localhost:port` inside the pod's network namespace. */
  dialPod(namespace: string, pod: string, port: number): Promise<Duplex>;
  /** A connection from the node to an address of the cluster's network, pod or service. */
  dial(ip: string, port: number): Promise<Duplex>;
}

/** Serves `log`, `exec`, `attach`, `portforward` and `proxy` of pods and `proxy` of services, after authorization. */
export interface StreamServer {
  /** An ordinary request. `rest` is what stands behind `/proxy` in the path, with its query. */
  request(attributes: RequestAttributes, request: IncomingMessage, response: ServerResponse, rest: string): Promise<void>;
  /** A request with `Upgrade`. The socket is the stream server's from here on. */
  upgrade(attributes: RequestAttributes, request: IncomingMessage, socket: Duplex, head: Buffer, rest: string): Promise<void>;
}

/** What `api/` is made of. */
export interface ApiServerParts {
  authenticator: Authenticator;
  authorizer: Authorizer;
  admission: Admission;
  streams: StreamServer;
  /** `'authorization.k8s.io/v1/subjectaccessreviews'`, `'v1/serviceaccounts/token'` → what answers. */
  virtual: Record<string, VirtualResource>;
}

/** Addresses of a sandbox. They are those of the real test cluster, so that the same tests run on both. */
export const SANDBOX_NETWORK = {
  node: '198.18.0.1',
  outsideDns: '198.18.0.53',
  workstations: '198.18.0.0/24',
  firstWorkstation: '198.18.0.100',
  pods: '10.244.0.0/16',
  services: '10.96.0.0/16',
  kubernetesService: '10.96.0.1',
  dnsService: '10.96.0.10',
  apiPort: 6443,
} as const;
