/** What the client promises: its interface and the shapes that go in and out. The implementation is in `client.ts` and what it uses. */
import type { IncomingHttpHeaders } from 'node:http';
import type { Duplex } from 'node:stream';
import type { CodedError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { KubeConnection } from './connection.ts';

export interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: { name?: string; generateName?: string; namespace?: string; [key: string]: unknown };
  [key: string]: unknown;
}

export interface KubeClientOptions {
  log: Log;
  /** Added to the environment of credential plugins. */
  env?: Record<string, string>;
  /** For whole requests; default `KUBE_REQUEST_TIMEOUT_MS`. The kubeconfig's --request-timeout wins. */
  timeoutMs?: number;
  userAgent?: string;
  /** A terminal is there, and credential plugins may ask questions in it. */
  interactive?: boolean;
}

export interface CallOptions {
  signal?: AbortSignal | undefined;
  timeoutMs?: number | undefined;
}

export interface RequestOptions extends CallOptions {
  query?: Record<string, string | undefined>;
  body?: unknown;
  contentType?: string;
}

export interface ListOptions extends CallOptions {
  labelSelector?: string | undefined;
  fieldSelector?: string | undefined;
}

export interface WriteOptions extends CallOptions {
  fieldManager?: string;
  dryRun?: boolean;
  /** For example `status`. */
  subresource?: string;
}

export interface ApplyOptions extends WriteOptions {
  fieldManager: string;
  /** Take fields over from other managers instead of failing with a conflict. */
  force?: boolean;
}

export interface DeleteOptions extends CallOptions {
  propagationPolicy?: 'Foreground' | 'Background' | 'Orphan';
  preconditions?: { uid?: string; resourceVersion?: string };
  gracePeriodSeconds?: number;
  dryRun?: boolean;
}

export interface UpgradeOptions {
  /** Value of the Upgrade header. */
  protocol: string;
  headers?: Record<string, string>;
  signal?: AbortSignal | undefined;
  /** Until the 101. */
  timeoutMs?: number | undefined;
}

export interface WatchEvent<T> {
  type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';
  object: T;
}

export interface WatchOptions {
  /** Only what happened after it. */
  resourceVersion: string;
  labelSelector?: string | undefined;
  fieldSelector?: string | undefined;
  signal?: AbortSignal | undefined;
  /** A watch that brings nothing, not even a bookmark, for so long ends: it may be dead. Default `KUBE_WATCH_IDLE_MS`. */
  idleMs?: number | undefined;
}

export type ChangeKind = 'added' | 'modified' | 'deleted';

export interface InformerOptions<T> {
  labelSelector?: string | undefined;
  fieldSelector?: string | undefined;
  log: Log;
  /** Called in order, also for what the first list brings (`added`), after `get` and `list` show the change. */
  onChange?: (kind: ChangeKind, object: T, old?: T) => void;
  /** Called at each failure; the informer goes on by itself. */
  onError?: (error: CodedError) => void;
  /** What to keep of each object, where memory counts. */
  project?: (object: T) => T;
  signal?: AbortSignal | undefined;
  idleMs?: number;
}

export interface Informer<T> {
  /** Resolves after the first complete list; rejects when closed before. */
  readonly ready: Promise<void>;
  /** Why the list may be out of date at the moment. */
  readonly lastError: CodedError | undefined;
  list(): T[];
  get(namespace: string, name: string): T | undefined;
  /** Cuts a wait between tries short: the caller knows that the network is back. */
  retryNow(): void;
  /** The same, and a watch that is open goes on over a new connection: its old one may be dead without knowing. */
  beginAnew(): void;
  close(): void;
}

export interface AccessAttributes {
  verb: string;
  group?: string;
  resource?: string;
  subresource?: string;
  namespace?: string;
  name?: string;
  /** A path that is no resource, `/metrics`, instead of one. */
  path?: string;
}

export interface TokenReviewResult {
  authenticated: boolean;
  username: string;
  uid: string;
  groups: string[];
  /** For service accounts of pods: `authentication.kubernetes.io/pod-name`, `…/pod-uid`. */
  extra: Record<string, string[]>;
  audiences: string[];
  error?: string;
}

export interface PodLogOptions extends CallOptions {
  tailLines?: number;
  /** Seconds back from now. */
  since?: number;
  /** Of the container's instance before its last restart. */
  previous?: boolean;
  timestamps?: boolean;
}

export interface PodStreams {
  /** {@link KubeClient.upgrade} as a WebSocket, for proxies that let nothing else through. Bytes, no message boundaries, no half-close. */
  websocket(
    path: string,
    options?: { protocol?: string; headers?: Record<string, string>; signal?: AbortSignal | undefined; timeoutMs?: number | undefined },
  ): Promise<{ socket: Duplex; headers: IncomingHttpHeaders }>;
  /** A connection to a pod's port through the kubelet. No half-close. Fails late, as an error of the stream, when nothing listens there. */
  portForward(namespace: string, pod: string, port: number, options?: CallOptions): Promise<Duplex>;
  podLogs(namespace: string, pod: string, container: string, options?: PodLogOptions): Promise<string>;
}

export interface KubeClient extends PodStreams {
  readonly server: string;
  readonly connection: KubeConnection;
  /** Sends and reads the whole JSON answer. `body` is sent as JSON unless it is a string. Fails with coded errors. */
  request<T>(method: string, path: string, options?: RequestOptions): Promise<T>;
  get<T>(path: string, options?: CallOptions): Promise<T>;
  /** All pages of a list. */
  list<T>(path: string, options?: ListOptions): Promise<{ items: T[]; resourceVersion: string }>;
  create<T>(object: KubeObject, options?: WriteOptions): Promise<T>;
  /** PUT: fails with TP-KUBE-CONFLICT when the object's resourceVersion is not the newest. */
  replace<T>(object: KubeObject, options?: WriteOptions): Promise<T>;
  /** Server-side apply. The path comes from a table of built-in kinds, else from discovery. */
  apply<T>(object: KubeObject, options: ApplyOptions): Promise<T>;
  patch<T>(path: string, type: 'merge' | 'json' | 'strategic', body: unknown, options?: WriteOptions): Promise<T>;
  delete(path: string, options?: DeleteOptions): Promise<void>;
  /** Path of an object by its kind, name and namespace. */
  pathOf(object: KubeObject, options?: { subresource?: string; signal?: AbortSignal | undefined }): Promise<string>;
  /** Answers false when a disruption budget forbids it now. */
  evict(namespace: string, pod: string, options?: CallOptions & { gracePeriodSeconds?: number }): Promise<boolean>;
  /** The events of one watch connection, until the server ends it. {@link KubeClient.createInformer} is what carries on. */
  watch<T>(path: string, options: WatchOptions): AsyncGenerator<WatchEvent<T>, void, void>;
  createInformer<T>(path: string, options: InformerOptions<T>): Informer<T>;
  /** Switches protocols; the socket is the raw stream behind the 101, its first bytes included. */
  upgrade(path: string, options: UpgradeOptions): Promise<{ socket: Duplex; headers: IncomingHttpHeaders; head: Buffer }>;
  /** The raw text of an answer (logs, metrics). */
  text(path: string, options?: CallOptions & { query?: Record<string, string | undefined>; limit?: number }): Promise<string>;
  whoAmI(options?: CallOptions): Promise<{ username: string; groups: string[] }>;
  canI(attributes: AccessAttributes, options?: CallOptions): Promise<{ allowed: boolean; reason?: string }>;
  reviewToken(token: string, audiences: string[], options?: CallOptions): Promise<TokenReviewResult>;
  close(): void;
}
