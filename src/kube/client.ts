/** The typed surface over the transport: requests, objects, reviews, upgrades. */
import type { IncomingHttpHeaders } from 'node:http';
import type { Duplex } from 'node:stream';
import { CodedError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { VERSION } from '../base/version.ts';
import type { KubeConnection } from './connection.ts';
import { createDiscovery, type KubeObject } from './discovery.ts';
import { createInformer, type Informer, type InformerOptions } from './informer.ts';
import { KUBE_LIST_PAGE, KUBE_REQUEST_TIMEOUT_MS } from './limits.ts';
import { withQuery } from './paths.ts';
import { type AccessAttributes, createReviews, type TokenReviewResult } from './reviews.ts';
import { statusOf, timeoutError } from './status-error.ts';
import { createPodStreams, type PodStreams } from './streams.ts';
import { createTransport, readBody } from './transport.ts';
import { type WatchEvent, type WatchOptions, watch } from './watch.ts';

export interface KubeClientOptions {
  log: Log;
  /** Added to the environment of credential plugins. */
  env?: Record<string, string>;
  /** For whole requests; default {@link KUBE_REQUEST_TIMEOUT_MS}. The kubeconfig's --request-timeout wins. */
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

const PATCH_TYPES = {
  merge: 'application/merge-patch+json',
  json: 'application/json-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
} as const;

/** Makes a client; connects with the first request. */
export function createKubeClient(connection: KubeConnection, options: KubeClientOptions): KubeClient {
  const transport = createTransport(connection, {
    log: options.log,
    userAgent: options.userAgent ?? `telepresence/${VERSION}`,
    ...(options.env === undefined ? {} : { env: options.env }),
    ...(options.interactive === undefined ? {} : { interactive: options.interactive }),
  });
  const defaultTimeout = connection.requestTimeoutMs ?? options.timeoutMs ?? KUBE_REQUEST_TIMEOUT_MS;

  /** Runs `work` with a signal that also fires at the time-out. */
  async function limited<T>(method: string, path: string, call: CallOptions, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const timeoutMs = call.timeoutMs ?? defaultTimeout;
    const controller = new AbortController();
    const timer =
      timeoutMs > 0 ? setTimeout(() => controller.abort(timeoutError({ method, path, server: connection.server }, timeoutMs)), timeoutMs) : undefined;
    const stop = () => controller.abort(call.signal?.reason);
    if (call.signal?.aborted) stop();
    else call.signal?.addEventListener('abort', stop, { once: true });
    try {
      return await work(controller.signal);
    } catch (error) {
      if (controller.signal.aborted && !call.signal?.aborted) transport.dropIdle();
      throw error;
    } finally {
      clearTimeout(timer);
      call.signal?.removeEventListener('abort', stop);
    }
  }

  async function text(method: string, path: string, request: RequestOptions & { limit?: number; accept?: string }): Promise<string> {
    const body = request.body === undefined ? undefined : typeof request.body === 'string' ? request.body : JSON.stringify(request.body);
    return limited(method, path, request, async (signal) => {
      const answer = await transport.open({
        method,
        path: withQuery(path, request.query),
        signal,
        headers: {
          accept: request.accept ?? 'application/json',
          ...(body === undefined ? {} : { 'content-type': request.contentType ?? 'application/json' }),
        },
        ...(body === undefined ? {} : { body }),
      });
      return readBody(answer, { server: connection.server, limit: request.limit, signal });
    });
  }

  async function request<T>(method: string, path: string, call: RequestOptions = {}): Promise<T> {
    const answer = await text(method, path, call);
    try {
      return JSON.parse(answer) as T;
    } catch (error) {
      throw new CodedError('TP-KUBE-API', `${method} ${path}: the API server's answer is not JSON.`, { cause: error });
    }
  }

  const discovery = createDiscovery((path, signal) => request(`GET`, path, { signal }));
  const pathOf: KubeClient['pathOf'] = (object, call = {}) => discovery.pathOf(object, call);

  async function list<T>(path: string, call: ListOptions = {}): Promise<{ items: T[]; resourceVersion: string }> {
    const items: T[] = [];
    let token: string | undefined;
    let limit: string | undefined = String(KUBE_LIST_PAGE);
    for (;;) {
      try {
        const page: ListPage<T> = await request('GET', path, {
          ...call,
          query: { labelSelector: call.labelSelector, fieldSelector: call.fieldSelector, limit, continue: token },
        });
        for (const item of page.items ?? []) items.push(item);
        token = page.metadata?.continue || undefined;
        if (token === undefined) return { items, resourceVersion: page.metadata?.resourceVersion ?? '' };
      } catch (error) {
        // The pages' snapshot was compacted away while they were read: once more, in one piece.
        if (token === undefined || statusOf(error)?.code !== 410) throw error;
        items.length = 0;
        token = undefined;
        limit = undefined;
      }
    }
  }

  const write = (call: WriteOptions) => ({ fieldManager: call.fieldManager, dryRun: call.dryRun === true ? 'All' : undefined });
  const limits = (call: CallOptions): CallOptions => ({ signal: call.signal, timeoutMs: call.timeoutMs });
  const target = (call: WriteOptions) => ({ signal: call.signal, ...(call.subresource === undefined ? {} : { subresource: call.subresource }) });

  const upgrade: KubeClient['upgrade'] = (path, call) =>
    limited('GET', path, call, (signal) =>
      transport.upgrade({ method: 'GET', path, headers: { accept: '*/*', ...call.headers, connection: 'Upgrade', upgrade: call.protocol }, signal }),
    );
  const rawText: KubeClient['text'] = (path, call = {}) => text('GET', path, { ...call, accept: '*/*' });

  const client: KubeClient = {
    server: connection.server,
    connection,
    request,
    get: (path, call) => request('GET', path, call),
    list,
    pathOf,
    async create(object, call = {}) {
      const path = await discovery.collectionOf(object, target(call));
      return request('POST', path, { ...limits(call), body: object, query: write(call) });
    },
    async replace(object, call = {}) {
      return request('PUT', await pathOf(object, target(call)), { ...limits(call), body: object, query: write(call) });
    },
    async apply(object, call) {
      const path = await pathOf(object, target(call));
      return request('PATCH', path, {
        ...limits(call),
        body: object,
        contentType: PATCH_TYPES.apply,
        query: { ...write(call), force: call.force === true ? 'true' : undefined },
      });
    },
    patch(path, type, body, call = {}) {
      const whole = call.subresource === undefined ? path : `${path}/${call.subresource}`;
      return request('PATCH', whole, { ...limits(call), body, contentType: PATCH_TYPES[type], query: write(call) });
    },
    async delete(path, call = {}) {
      const body = {
        apiVersion: 'v1',
        kind: 'DeleteOptions',
        ...(call.propagationPolicy === undefined ? {} : { propagationPolicy: call.propagationPolicy }),
        ...(call.preconditions === undefined ? {} : { preconditions: call.preconditions }),
        ...(call.gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds: call.gracePeriodSeconds }),
        ...(call.dryRun === true ? { dryRun: ['All'] } : {}),
      };
      await request('DELETE', path, { ...limits(call), body });
    },
    ...createReviews(request),
    watch: (path, call) => watch(transport, path, call),
    createInformer: (path, call) => createInformer(client, path, call),
    upgrade,
    text: rawText,
    ...createPodStreams({ upgrade, text: rawText }),
    close: () => transport.close(),
  };
  return client;
}

interface ListPage<T> {
  items?: T[] | null;
  metadata?: { continue?: string; resourceVersion?: string };
}
