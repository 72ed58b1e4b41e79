/** The objects of one kind, and the changes that brought them about, as far back as the window goes. */
import { expired } from '../errors.ts';
import { WATCH_WINDOW_EVENTS } from '../limits.ts';
import { type ApiObject, freeze } from '../object.ts';

export interface Change {
  type: 'ADDED' | 'MODIFIED' | 'DELETED';
  revision: number;
  /** After DELETED the last state, with the revision of the deletion. */
  object: ApiObject;
  previous: ApiObject | undefined;
}

/** Where the revisions come from, and who is told of each change before the watchers are (the disk). */
export interface Journal {
  next(): number;
  current(): number;
  record(collection: string, change: Change): void;
}

export type ChangeListener = (change: Change) => void;

export class Collection {
  readonly name: string;
  #journal: Journal;
  #namespaces = new Map<string, Map<string, ApiObject>>();
  #sorted = new Map<string, ApiObject[]>();
  #log: Change[] = [];
  /** Changes up to this revision are no longer in the log. */
  #forgotten: number;
  #listeners = new Set<ChangeListener>();

  constructor(name: string, journal: Journal, forgotten: number) {
    this.name = name;
    this.#journal = journal;
    this.#forgotten = forgotten;
  }

  get(namespace: string | undefined, name: string): ApiObject | undefined {
    return this.#namespaces.get(namespace ?? '')?.get(name);
  }

  /** In the order of namespaces and names, as a list of the API is. Without a namespace: of all. */
  list(namespace?: string): readonly ApiObject[] {
    if (namespace === undefined) {
      const names = [...this.#namespaces.keys()].sort();
      if (names.length === 1) return this.#inOrder(names[0] ?? '');
      return names.flatMap((name) => this.#inOrder(name));
    }
    return this.#inOrder(namespace);
  }

  count(namespace?: string): number {
    if (namespace !== undefined) return this.#namespaces.get(namespace)?.size ?? 0;
    let sum = 0;
    for (const objects of this.#namespaces.values()) sum += objects.size;
    return sum;
  }

  /** The list as it was at that revision. @throws 410 when it is out of the window. */
  listAt(revision: number, namespace: string | undefined, tooOld: () => Error): readonly ApiObject[] {
    const last = this.#log.at(-1);
    if (last === undefined || last.revision <= revision) {
      if (revision < this.#forgotten) throw tooOld();
      return this.list(namespace);
    }
    if (revision < this.#forgotten) throw tooOld();
    const objects = new Map(this.list(namespace).map((object) => [keyOf(object), object]));
    for (let index = this.#log.length - 1; index >= 0; index--) {
      const change = this.#log[index];
      if (change === undefined || change.revision <= revision) break;
      if (namespace !== undefined && change.object.metadata.namespace !== namespace) continue;
      if (change.previous === undefined) objects.delete(keyOf(change.object));
      else objects.set(keyOf(change.previous), change.previous);
    }
    return [...objects.values()].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  }

  /** Stores an object, with a new revision. What it was before is what the caller looked at: writes are made in one turn. */
  put(object: ApiObject): ApiObject {
    const { namespace = '', name } = object.metadata;
    const previous = this.get(namespace, name);
    const revision = this.#journal.next();
    object.metadata.resourceVersion = String(revision);
    freeze(object);
    this.#set(namespace, name, object);
    this.#tell({ type: previous === undefined ? 'ADDED' : 'MODIFIED', revision, object, previous });
    return object;
  }

  /** @returns its last state, with the revision of the deletion. */
  remove(previous: ApiObject): ApiObject {
    const { namespace = '', name } = previous.metadata;
    const revision = this.#journal.next();
    const object = freeze({ ...previous, metadata: { ...previous.metadata, resourceVersion: String(revision) } });
    this.#unset(namespace, name);
    this.#tell({ type: 'DELETED', revision, object, previous });
    return object;
  }

  /** Puts back what the disk kept; nobody is told. */
  restore(object: ApiObject): void {
    this.#set(object.metadata.namespace ?? '', object.metadata.name, freeze(object));
  }

  /** Takes away what the disk says was deleted; nobody is told. */
  forget(namespace: string, name: string): void {
    this.#unset(namespace, name);
  }

  /** What changed since, and from then on each change as it happens, in the same turn. @returns the way to end it. @throws 410 */
  watch(since: number, listener: ChangeListener): () => void {
    if (since < this.#forgotten) throw expired(`too old resource version: ${since} (${this.#forgotten})`);
    let start = this.#log.length;
    while (start > 0 && (this.#log[start - 1]?.revision ?? 0) > since) start--;
    for (let index = start; index < this.#log.length; index++) {
      const change = this.#log[index];
      if (change !== undefined) listener(change);
    }
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #inOrder(namespace: string): ApiObject[] {
    const known = this.#sorted.get(namespace);
    if (known !== undefined) return known;
    const objects = this.#namespaces.get(namespace);
    if (objects === undefined) return [];
    const list = [...objects.values()].sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
    this.#sorted.set(namespace, list);
    return list;
  }

  #set(namespace: string, name: string, object: ApiObject): void {
    let objects = this.#namespaces.get(namespace);
    if (objects === undefined) {
      objects = new Map();
      this.#namespaces.set(namespace, objects);
    }
    objects.set(name, object);
    this.#sorted.delete(namespace);
  }

  #unset(namespace: string, name: string): void {
    const objects = this.#namespaces.get(namespace);
    objects?.delete(name);
    if (objects?.size === 0) this.#namespaces.delete(namespace);
    this.#sorted.delete(namespace);
  }

  #tell(change: Change): void {
    this.#log.push(change);
    // In one go for many, so that a write does not move the whole log.
    if (this.#log.length > WATCH_WINDOW_EVENTS * 1.25) {
      const gone = this.#log.splice(0, this.#log.length - WATCH_WINDOW_EVENTS);
      this.#forgotten = gone.at(-1)?.revision ?? this.#forgotten;
    }
    this.#journal.record(this.name, change);
    for (const listener of [...this.#listeners]) listener(change);
  }
}

const keyOf = (object: ApiObject) => `${object.metadata.namespace ?? ''}/${object.metadata.name}`;
