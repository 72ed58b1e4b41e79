/** What every controller works with: caches that all share, and writes that the caches learn from. */
import { CodedError } from '../../../base/errors.ts';
import type { Log } from '../../../base/log.ts';
import { resourcePath } from '../../../kube/paths.ts';
import type { ClusterClient } from '../../contract.ts';
import { type Cache, createCache } from './cache.ts';
import { createEventRecorder, type EventRecorder } from './events.ts';
import type { Kind, Stored } from './types.ts';

const FIELD_MANAGER = 'kube-controller-manager';

/** An object that is to be created: what the API adds is not there yet. */
export type Draft<T extends Stored> = Omit<T, 'metadata' | 'status'> & { metadata: Partial<T['metadata']>; status?: never };

export interface RemoveOptions {
  propagationPolicy?: 'Foreground' | 'Background' | 'Orphan';
  gracePeriodSeconds?: number;
}

export interface ControllerContext {
  readonly client: ClusterClient;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly events: EventRecorder;
  /** Starts with the first call for a kind. */
  cache<T extends Stored>(kind: Kind<T>): Cache<T>;
  create<T extends Stored>(kind: Kind<T>, draft: Draft<T>): Promise<T>;
  /** PUT with the resourceVersion of what was read. */
  replace<T extends Stored>(kind: Kind<T>, object: T, subresource?: string): Promise<T>;
  mergePatch<T extends Stored>(kind: Kind<T>, object: T, patch: object): Promise<T>;
  /** Only this one, by its uid; one that is gone already is no failure. */
  remove<T extends Stored>(kind: Kind<T>, object: T, options?: RemoveOptions): Promise<void>;
}

export const isNotFound = (error: unknown): boolean => error instanceof CodedError && error.code === 'TP-KUBE-NOT-FOUND';
export const isConflict = (error: unknown): boolean => error instanceof CodedError && error.code === 'TP-KUBE-CONFLICT';

export function pathOf(kind: Kind, object: { metadata: Partial<Stored['metadata']> }, subresource?: string): string {
  return resourcePath(kind.apiVersion, kind.plural, kind.namespaced ? object.metadata.namespace : undefined, object.metadata.name, subresource);
}

export function createContext({ client, log, signal }: { client: ClusterClient; log: Log; signal: AbortSignal }): ControllerContext {
  const caches = new Map<string, Cache<Stored>>();
  const cacheKey = (kind: Kind): string => `${kind.apiVersion}/${kind.plural}`;
  /** Only a cache that is there learns. */
  const learn = (kind: Kind, object: Stored): void => caches.get(cacheKey(kind))?.learn(structuredClone(object));

  const context: ControllerContext = {
    client,
    log,
    signal,
    events: createEventRecorder({ client, log, signal }),
    cache<T extends Stored>(kind: Kind<T>): Cache<T> {
      const key = cacheKey(kind);
      let cache = caches.get(key);
      if (cache === undefined) {
        cache = createCache<Stored>(kind, { client, log, signal });
        caches.set(key, cache);
      }
      return cache as unknown as Cache<T>;
    },
    async create<T extends Stored>(kind: Kind<T>, draft: Draft<T>): Promise<T> {
      const path = resourcePath(kind.apiVersion, kind.plural, kind.namespaced ? draft.metadata.namespace : undefined);
      const created = await client.request<T>('POST', path, { body: draft, query: { fieldManager: FIELD_MANAGER }, signal });
      learn(kind, created);
      return created;
    },
    async replace<T extends Stored>(kind: Kind<T>, object: T, subresource?: string): Promise<T> {
      const written = await client.request<T>('PUT', pathOf(kind, object, subresource), { body: object, query: { fieldManager: FIELD_MANAGER }, signal });
      learn(kind, written);
      return written;
    },
    async mergePatch<T extends Stored>(kind: Kind<T>, object: T, patch: object): Promise<T> {
      const written = await client.patch<T>(pathOf(kind, object), 'merge', patch, { fieldManager: FIELD_MANAGER, signal });
      learn(kind, written);
      return written;
    },
    async remove<T extends Stored>(kind: Kind<T>, object: T, options: RemoveOptions = {}): Promise<void> {
      const { uid } = object.metadata;
      const body = { kind: 'DeleteOptions', apiVersion: 'v1', ...options, preconditions: { uid } };
      try {
        const answer = await client.request<Stored>('DELETE', pathOf(kind, object), { body, signal });
        if (answer.metadata?.deletionTimestamp === undefined) caches.get(cacheKey(kind))?.forget(uid);
        else learn(kind, answer);
      } catch (error) {
        // not found, or another object of this name
        if (!isNotFound(error) && !isConflict(error)) throw error;
        caches.get(cacheKey(kind))?.forget(uid);
      }
    },
  };
  return context;
}
