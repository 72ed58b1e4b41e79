/** The typed surface over the transport: requests, objects, reviews, upgrades. */

import { CodedError } from '../base/errors.ts';
import { VERSION } from '../base/version.ts';
import type { KubeConnection } from './connection.ts';
import type { CallOptions, KubeClient, KubeClientOptions, ListOptions, RequestOptions, WriteOptions } from './contract.ts';
import { createDiscovery } from './discovery.ts';
import { createInformer } from './informer.ts';
import { KUBE_LIST_PAGE, KUBE_REQUEST_TIMEOUT_MS } from './limits.ts';
import { withQuery } from './paths.ts';
import { createReviews } from './reviews.ts';
import { statusOf, timeoutError } from './status-error.ts';
import { createPodStreams } from './streams.ts';
import { createTransport, readBody } from './transport.ts';
import { watch } from './watch.ts';

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
