/** A set of fields of an object, as `managedFields` writes them down: `f:spec`, `k:{"name":"web"}`, `v:"finalizer"`. */
import { isObject, type JsonObject } from '../object.ts';

const SELF = '.';

/** Paths of fields. A path may be in it without what is below it, and the other way round. */
export class FieldSet {
  readonly members = new Set<string>();
  readonly children = new Map<string, FieldSet>();

  static of(json: unknown): FieldSet {
    const set = new FieldSet();
    if (!isObject(json)) return set;
    for (const [element, below] of Object.entries(json)) {
      if (element === SELF || !isObject(below)) continue;
      const keys = Object.keys(below);
      if (keys.length === 0 || below[SELF] !== undefined) set.members.add(element);
      if (keys.some((key) => key !== SELF)) set.children.set(element, FieldSet.of(below));
    }
    return set;
  }

  toJson(): JsonObject {
    const json: JsonObject = {};
    for (const element of [...new Set([...this.members, ...this.children.keys()])].sort()) {
      const below = this.children.get(element);
      if (below === undefined || below.empty) {
        if (this.members.has(element)) json[element] = {};
      } else json[element] = this.members.has(element) ? { [SELF]: {}, ...below.toJson() } : below.toJson();
    }
    return json;
  }

  get empty(): boolean {
    if (this.members.size > 0) return false;
    for (const below of this.children.values()) if (!below.empty) return false;
    return true;
  }

  /** The set below an element, made when it is not there. */
  below(element: string): FieldSet {
    let below = this.children.get(element);
    if (below === undefined) {
      below = new FieldSet();
      this.children.set(element, below);
    }
    return below;
  }

  union(other: FieldSet): FieldSet {
    const result = new FieldSet();
    for (const set of [this, other]) {
      for (const element of set.members) result.members.add(element);
      for (const [element, below] of set.children) result.children.set(element, below.union(result.children.get(element) ?? new FieldSet()));
    }
    return result;
  }

  intersection(other: FieldSet): FieldSet {
    const result = new FieldSet();
    for (const element of this.members) if (other.members.has(element)) result.members.add(element);
    for (const [element, below] of this.children) {
      const theirs = other.children.get(element);
      if (theirs !== undefined) result.#put(element, below.intersection(theirs));
    }
    return result;
  }

  /** Without what stands in the other one; what is below it stays. */
  difference(other: FieldSet): FieldSet {
    const result = new FieldSet();
    for (const element of this.members) if (!other.members.has(element)) result.members.add(element);
    for (const [element, below] of this.children) {
      const theirs = other.children.get(element);
      result.#put(element, theirs === undefined ? below : below.difference(theirs));
    }
    return result;
  }

  /** Without what stands in the other one and all that is below it. */
  without(other: FieldSet): FieldSet {
    const result = new FieldSet();
    for (const element of this.members) if (!other.members.has(element)) result.members.add(element);
    for (const [element, below] of this.children) {
      if (other.members.has(element)) continue;
      const theirs = other.children.get(element);
      result.#put(element, theirs === undefined ? below : below.without(theirs));
    }
    return result;
  }

  /** What is at those elements, and below them. */
  only(elements: readonly string[]): FieldSet {
    const result = new FieldSet();
    for (const element of elements) {
      if (this.members.has(element)) result.members.add(element);
      const below = this.children.get(element);
      if (below !== undefined) result.children.set(element, below);
    }
    return result;
  }

  /** Each path, as a message shows it: `.spec.containers[name="web"].image`. */
  paths(prefix = ''): string[] {
    const found: string[] = [];
    for (const element of [...new Set([...this.members, ...this.children.keys()])].sort()) {
      const path = prefix + shown(element);
      if (this.members.has(element)) found.push(path);
      found.push(...(this.children.get(element)?.paths(path) ?? []));
    }
    return found;
  }

  #put(element: string, below: FieldSet): void {
    if (!below.empty) this.children.set(element, below);
  }
}

function shown(element: string): string {
  const rest = element.slice(2);
  switch (element[0]) {
    case 'f':
      return `.${rest}`;
    case 'k':
      return `[${Object.entries(JSON.parse(rest) as JsonObject)
        .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
        .join(',')}]`;
    case 'v':
      return `[=${rest}]`;
    default:
      return `[${rest}]`;
  }
}
