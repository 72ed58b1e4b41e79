/** A {@link Watched} without an API server, for tests. */
import type { Watched, WatchListener } from './context.ts';

interface Named {
  metadata: { name: string; namespace?: string | undefined };
}

export interface FakeWatched<T> extends Watched<T> {
  /** Adds or replaces. */
  set(object: T): void;
  remove(object: T): void;
}

export function fakeWatched<T extends Named>(objects: readonly T[] = []): FakeWatched<T> {
  const keyOf = (object: T) => `${object.metadata.namespace ?? ''}/${object.metadata.name}`;
  const entries = new Map(objects.map((object) => [keyOf(object), object]));
  const listeners = new Set<WatchListener<T>>();
  return {
    ready: Promise.resolve(),
    list: () => [...entries.values()],
    get: (namespace, name) => entries.get(`${namespace ?? ''}/${name}`),
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close: () => listeners.clear(),
    set(object) {
      const old = entries.get(keyOf(object));
      entries.set(keyOf(object), object);
      for (const listener of listeners) listener(old === undefined ? 'added' : 'modified', object, old);
    },
    remove(object) {
      if (entries.delete(keyOf(object))) for (const listener of listeners) listener('deleted', object);
    },
  };
}
