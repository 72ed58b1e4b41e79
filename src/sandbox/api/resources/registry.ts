/** Which kinds are served at the moment: the built-in ones, and those of the custom resource definitions. */

import { builtInSchema } from '../schema/built-in.ts';
import type { SchemaNode } from '../schema/node.ts';
import type { Column } from '../tables/column.ts';
import type { Strategy } from './strategy.ts';
import type { StoredType } from './table.ts';

/** Where a custom resource has what `scale` reads and writes. */
export interface ScalePaths {
  specReplicasPath: string;
  statusReplicasPath: string;
  labelSelectorPath?: string;
}

/** A kind with the rules for it. */
export interface Resource {
  type: StoredType;
  listKind: string;
  strategy: Strategy;
  /** Of a custom resource definition. */
  columns?: Column[];
  openApiSchema?: unknown;
  scale?: ScalePaths;
  schema?: SchemaNode;
}

export class Registry {
  #byPath = new Map<string, Resource>();
  #listeners = new Set<() => void>();

  /** Group `''`, version `v1`, plural `pods`. */
  find(group: string, version: string, plural: string): Resource | undefined {
    return this.#byPath.get(`${group}/${version}/${plural}`);
  }

  findKind(apiVersion: string, kind: string): Resource | undefined {
    for (const resource of this.#byPath.values()) if (resource.type.kind === kind && apiVersionOf(resource) === apiVersion) return resource;
    return undefined;
  }

  all(): Resource[] {
    return [...this.#byPath.values()];
  }

  add(resource: Resource): void {
    const { group, version, plural } = resource.type;
    this.#byPath.set(`${group}/${version}/${plural}`, resource);
    for (const listener of this.#listeners) listener();
  }

  remove(group: string, version: string, plural: string): void {
    if (this.#byPath.delete(`${group}/${version}/${plural}`)) for (const listener of this.#listeners) listener();
  }

  /** Called after each change of what is served. */
  onChange(listener: () => void): void {
    this.#listeners.add(listener);
  }
}

/** Undefined when nothing is known of its shape. */
export function schemaOf(resource: Resource): SchemaNode | undefined {
  return resource.schema ?? builtInSchema(resource.type);
}

export function apiVersionOf(resource: Resource): string {
  const { group, version } = resource.type;
  return group === '' ? version : `${group}/${version}`;
}
