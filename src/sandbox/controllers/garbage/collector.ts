/** Garbage collection: what has lost its last owner goes, an owner that waits for its dependents goes after them, orphans are let go. */
import type { OwnerReference } from 'kubernetes-types/meta/v1.js';
import type { Cache } from '../core/cache.ts';
import { type ControllerContext, isNotFound, pathOf } from '../core/context.ts';
import { createQueue } from '../core/queue.ts';
import { CRDS, type Kind, type Stored } from '../core/types.ts';
import { builtInKinds, customKinds } from './kinds.ts';

const FOREGROUND = 'foregroundDeletion';
const ORPHAN = 'orphan';

const waitsFor = (object: Stored, finalizer: string): boolean =>
  object.metadata.deletionTimestamp !== undefined && object.metadata.finalizers?.includes(finalizer) === true;

export function startGarbageCollector(context: ControllerContext): () => Promise<void> {
  const caches = new Map<string, Cache<Stored>>();
  const queue = createQueue({ name: 'garbage-collector', log: context.log, signal: context.signal, work: sync });

  function watch(kind: Kind): void {
    const key = `${kind.apiVersion}/${kind.kind}`;
    if (caches.has(key)) return;
    const cache = context.cache(kind);
    caches.set(key, cache);
    cache.onChange((now, old) => {
      if (now === undefined && old !== undefined) {
        for (const { uid } of dependentsOf(old.metadata.uid)) queue.add(uid);
        // an owner that waits for it may go now
        for (const { uid } of old.metadata.ownerReferences ?? []) queue.add(uid);
      } else if (now !== undefined && (now.metadata.ownerReferences !== undefined || now.metadata.deletionTimestamp !== undefined)) queue.add(now.metadata.uid);
    });
  }

  for (const kind of builtInKinds()) watch(kind);
  context.cache(CRDS).onChange(() => {
    for (const kind of customKinds(context)) watch(kind);
  });

  function dependentsOf(owner: string): { uid: string; kind: Kind; object: Stored }[] {
    return [...caches.values()].flatMap((cache) => cache.ownedBy(owner).map((object) => ({ uid: object.metadata.uid, kind: cache.kind, object })));
  }

  function find(uid: string): { kind: Kind; object: Stored } | undefined {
    for (const cache of caches.values()) {
      const object = cache.byUid(uid);
      if (object !== undefined) return { kind: cache.kind, object };
    }
    return undefined;
  }

  async function sync(uid: string): Promise<void> {
    const found = find(uid);
    if (found === undefined) return;
    const { kind, object } = found;
    if (waitsFor(object, ORPHAN)) return orphan(kind, object);
    if (waitsFor(object, FOREGROUND)) return foreground(kind, object);
    if (object.metadata.deletionTimestamp !== undefined) return;
    const references = object.metadata.ownerReferences ?? [];
    if (references.length === 0) return;
    const states = await Promise.all(references.map((reference) => stateOf(object, reference)));
    if (!states.includes('solid')) {
      // an owner that waits for this one waits for all that hangs on it as well
      const deep = states.includes('waiting') && dependentsOf(uid).length > 0;
      await context.remove(kind, object, { propagationPolicy: deep ? 'Foreground' : 'Background' });
    } else if (states.some((state) => state !== 'solid')) {
      const kept = references.filter((_, index) => states[index] === 'solid');
      await context.mergePatch(kind, object, { metadata: { uid, ownerReferences: kept } });
    }
  }

  async function stateOf(object: Stored, reference: OwnerReference): Promise<'solid' | 'waiting' | 'gone'> {
    const cache = caches.get(`${reference.apiVersion}/${reference.kind}`);
    const known = cache?.byUid(reference.uid) ?? find(reference.uid)?.object;
    if (known !== undefined) return waitsFor(known, FOREGROUND) ? 'waiting' : 'solid';
    // of a kind that is not known nothing can be said: it stays
    if (cache === undefined) return 'solid';
    try {
      // the watch may be behind: only the API knows that it is gone
      const owner = await context.client.get<Stored>(pathOf(cache.kind, { metadata: { name: reference.name, namespace: object.metadata.namespace } }));
      return owner.metadata.uid === reference.uid ? 'solid' : 'gone';
    } catch (error) {
      if (!isNotFound(error)) throw error;
      return 'gone';
    }
  }

  async function orphan(kind: Kind, owner: Stored): Promise<void> {
    for (const dependent of dependentsOf(owner.metadata.uid)) {
      const kept = (dependent.object.metadata.ownerReferences ?? []).filter(({ uid }) => uid !== owner.metadata.uid);
      await context.mergePatch(dependent.kind, dependent.object, { metadata: { uid: dependent.uid, ownerReferences: kept.length === 0 ? null : kept } });
    }
    await dropFinalizer(kind, owner, ORPHAN);
  }

  async function foreground(kind: Kind, owner: Stored): Promise<void> {
    const dependents = dependentsOf(owner.metadata.uid);
    for (const { uid } of dependents) queue.add(uid);
    const blocks = (object: Stored): boolean =>
      object.metadata.ownerReferences?.some(({ uid, blockOwnerDeletion }) => uid === owner.metadata.uid && blockOwnerDeletion === true) === true;
    if (!dependents.some(({ object }) => blocks(object))) await dropFinalizer(kind, owner, FOREGROUND);
  }

  async function dropFinalizer(kind: Kind, object: Stored, finalizer: string): Promise<void> {
    const finalizers = object.metadata.finalizers?.filter((other) => other !== finalizer) ?? [];
    const { uid, resourceVersion } = object.metadata;
    const written = await context.mergePatch(kind, object, { metadata: { uid, resourceVersion, finalizers: finalizers.length === 0 ? null : finalizers } });
    if (written.metadata.finalizers === undefined && (written.metadata.deletionGracePeriodSeconds ?? 0) === 0) context.cache(kind).forget(uid);
  }

  return async () => {
    await Promise.all(Array.from(caches.values(), ({ ready }) => ready));
    queue.start();
  };
}
