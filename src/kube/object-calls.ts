/** Objects by their kind, over whatever carries a request: a connection to a server, or a server in the same process. */
import type { CallOptions, KubeClient, ListOptions, RequestOptions, WriteOptions } from './contract.ts';
import { createDiscovery } from './discovery.ts';
import { KUBE_LIST_PAGE } from './limits.ts';
import { statusOf } from './status-error.ts';

const PATCH_TYPES = {
  merge: 'application/merge-patch+json',
  json: 'application/json-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
} as const;

type Request = <T>(method: string, path: string, options?: RequestOptions) => Promise<T>;
type ObjectCalls = Pick<KubeClient, 'request' | 'get' | 'list' | 'pathOf' | 'create' | 'replace' | 'apply' | 'patch' | 'delete'>;

export function createObjectCalls(request: Request): ObjectCalls {
  const discovery = createDiscovery((path, signal) => request('GET', path, { signal }));
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

  return {
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
  };
}

interface ListPage<T> {
  items?: T[] | null;
  metadata?: { continue?: string; resourceVersion?: string };
}
