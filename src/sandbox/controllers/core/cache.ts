/**
 * All objects of one kind as a controller sees them: listed, then watched, and told at once of what the controllers themselves write, so
 * that a controller that was woken by something else never acts on a picture from before its own last act.
 */
import { messageOf } from '../../../base/errors.ts';
import type { Log } from '../../../base/log.ts';
import { sleep } from '../../../base/retry.ts';
import { resourcePath } from '../../../kube/paths.ts';
import type { ClusterClient } from '../../contract.ts';
import { CONTROLLER_GRAVES, CONTROLLER_WATCH_IDLE_MS, CONTROLLER_WATCH_PAUSE_MS } from './limits.ts';
import type { Kind, Stored } from './types.ts';

/** `old` is undefined for an object that is new, `now` for one that is gone. Neither may be changed. */
export type CacheHandler<T> = (now: T | undefined, old: T | undefined) => void;

export interface Cache<T extends Stored> {
  readonly kind: Kind<T>;
  /** Resolves after the first list. */
  readonly ready: Promise<void>;
  get(namespace: string, name: string): T | undefined;
  byUid(uid: string): T | undefined;
  list(): T[];
  inNamespace(namespace: string): T[];
  /** Those with an owner reference to this uid. */
  ownedBy(uid: string): T[];
  onChange(handler: CacheHandler<T>): void;
  /** What the API answered to a write. */
  learn(object: T): void;
  /** The API said that it is gone. */
  forget(uid: string): void;
  /** Ends the watch. */
  close(): void;
}

const newer = (a: Stored, b: Stored): boolean => BigInt(a.metadata.resourceVersion || '0') > BigInt(b.metadata.resourceVersion || '0');

export function createCache<T extends Stored>(kind: Kind<T>, { client, log, signal }: { client: ClusterClient; log: Log; signal: AbortSignal }): Cache<T> {
  const path = resourcePath(kind.apiVersion, kind.plural);
  const byUid = new Map<string, T>();
  const byNamespace = new Map<string, Map<string, T>>();
  const byOwner = new Map<string, Set<string>>();
  /** The last that went, oldest first: what an answer or the watch still brings of them is from before. */
  const gone = new Set<string>();
  const handlers: CacheHandler<T>[] = [];
  const ready = Promise.withResolvers<void>();
  ready.promise.catch(() => {});
  const closing = new AbortController();
  const ended = AbortSignal.any([signal, closing.signal]);

  /** Items of a list of a built-in kind come without kind and apiVersion, objects of the whole cluster without a namespace. */
  function complete(object: T): T {
    object.apiVersion ??= kind.apiVersion;
    object.kind ??= kind.kind;
    object.metadata.namespace ??= '';
    return object;
  }

  function tell(now: T | undefined, old: T | undefined): void {
    for (const handler of handlers) {
      try {
        handler(now, old);
      } catch (error) {
        log.error('a handler of changes failed', { kind: kind.kind, error });
      }
    }
  }

  function unlink(object: T): void {
    byUid.delete(object.metadata.uid);
    const names = byNamespace.get(object.metadata.namespace);
    if (names?.get(object.metadata.name) === object) names.delete(object.metadata.name);
    if (names?.size === 0) byNamespace.delete(object.metadata.namespace);
    for (const { uid } of object.metadata.ownerReferences ?? []) {
      const owned = byOwner.get(uid);
      owned?.delete(object.metadata.uid);
      if (owned?.size === 0) byOwner.delete(uid);
    }
  }

  function link(object: T): void {
    const { uid, namespace, name } = object.metadata;
    byUid.set(uid, object);
    let names = byNamespace.get(namespace);
    if (names === undefined) {
      names = new Map();
      byNamespace.set(namespace, names);
    }
    names.set(name, object);
    for (const owner of object.metadata.ownerReferences ?? []) {
      let owned = byOwner.get(owner.uid);
      if (owned === undefined) {
        owned = new Set();
        byOwner.set(owner.uid, owned);
      }
      owned.add(uid);
    }
  }

  function put(raw: T): void {
    const object = complete(raw);
    if (gone.has(object.metadata.uid)) return;
    const old = byUid.get(object.metadata.uid);
    if (old !== undefined && !newer(object, old)) return;
    const namesake = byNamespace.get(object.metadata.namespace)?.get(object.metadata.name);
    if (namesake !== undefined && namesake.metadata.uid !== object.metadata.uid) {
      if (newer(namesake, object)) return;
      remove(namesake.metadata.uid);
    }
    if (old !== undefined) unlink(old);
    link(object);
    tell(object, old);
  }

  function remove(uid: string): void {
    const old = byUid.get(uid);
    if (old === undefined) return;
    unlink(old);
    tell(undefined, old);
  }

  function bury(uid: string): void {
    gone.add(uid);
    if (gone.size > CONTROLLER_GRAVES) for (const [oldest] of gone.entries().take(1)) gone.delete(oldest);
    remove(uid);
  }

  async function relist(): Promise<string> {
    const { items, resourceVersion } = await client.list<T>(path, { signal: ended });
    const present = new Set(items.map((item) => item.metadata.uid));
    for (const object of [...byUid.values()]) {
      if (!present.has(object.metadata.uid) && BigInt(object.metadata.resourceVersion || '0') <= BigInt(resourceVersion || '0')) remove(object.metadata.uid);
    }
    for (const item of items) put(item);
    ready.resolve();
    return resourceVersion;
  }

  async function follow(resourceVersion: string): Promise<void> {
    for await (const event of client.watch<T>(path, { resourceVersion, signal: ended, idleMs: CONTROLLER_WATCH_IDLE_MS })) {
      if (event.type === 'BOOKMARK') continue;
      if (event.type !== 'DELETED') {
        put(event.object);
        continue;
      }
      bury(event.object.metadata.uid);
    }
  }

  async function run(): Promise<void> {
    while (!ended.aborted) {
      try {
        await follow(await relist());
      } catch (error) {
        if (ended.aborted) break;
        log.debug('watch broke, beginning anew', { kind: kind.kind, reason: messageOf(error) });
      }
      await sleep(CONTROLLER_WATCH_PAUSE_MS, ended).catch(() => {});
    }
    ready.reject(ended.reason);
  }
  void run();

  return {
    kind,
    ready: ready.promise,
    get: (namespace, name) => byNamespace.get(namespace)?.get(name),
    byUid: (uid) => byUid.get(uid),
    list: () => [...byUid.values()],
    inNamespace: (namespace) => [...(byNamespace.get(namespace)?.values() ?? [])],
    ownedBy: (uid) => Array.from(byOwner.get(uid) ?? [], (dependent) => byUid.get(dependent)).filter((object) => object !== undefined),
    onChange: (handler) => void handlers.push(handler),
    learn: put,
    forget(uid) {
      if (byUid.has(uid)) bury(uid);
    },
    close: () => closing.abort(new Error(`the cache of ${kind.plural} was closed`)),
  };
}
