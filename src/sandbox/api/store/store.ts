/** All objects, in memory, with one counter of revisions as etcd has it. */
import { type Change, Collection, type Journal } from './collection.ts';

export type Recorder = (collection: string, change: Change) => void;

export class Store {
  #revision: number;
  #collections = new Map<string, Collection>();
  #recorder: Recorder | undefined;
  #journal: Journal;
  #first: number;

  /** @param revision of a state that was kept on disk. */
  constructor(revision = 1) {
    this.#revision = revision;
    this.#first = revision;
    this.#journal = {
      next: () => ++this.#revision,
      current: () => this.#revision,
      record: (collection, change) => this.#recorder?.(collection, change),
    };
  }

  get revision(): number {
    return this.#revision;
  }

  /** Told of each change before any watcher. */
  recordTo(recorder: Recorder): void {
    this.#recorder = recorder;
  }

  /** `deployments.apps`: the same objects, whichever version they are asked for in. */
  collection(name: string): Collection {
    let collection = this.#collections.get(name);
    if (collection === undefined) {
      // A watch from a time before this process began can't be told what it missed.
      collection = new Collection(name, this.#journal, this.#first === 1 ? 0 : this.#first);
      this.#collections.set(name, collection);
    }
    return collection;
  }

  collections(): Iterable<Collection> {
    return this.#collections.values();
  }
}
