/** How the fields of a value are told apart, by the shape of its kind: one by one, or all together. */
import { isObject, type JsonObject } from '../object.ts';
import type { SchemaNode } from '../schema/node.ts';

export type Shape = 'leaf' | 'map' | 'list';

/** Undefined schema: nothing is known of it, objects are taken apart and lists are not. */
export function shapeOf(schema: SchemaNode | undefined, value: unknown): Shape {
  if (Array.isArray(value)) return schema?.listType === 'map' || schema?.listType === 'set' ? 'list' : 'leaf';
  if (isObject(value)) return schema?.mapType === 'atomic' ? 'leaf' : 'map';
  return 'leaf';
}

export function fieldSchema(schema: SchemaNode | undefined, key: string): SchemaNode | undefined {
  return schema?.properties?.[key] ?? schema?.additional;
}

/** Whether it is a field that the kind has by itself, not a key of a free map. */
export function isNamedField(schema: SchemaNode | undefined, key: string): boolean {
  return schema?.properties?.[key] !== undefined;
}

/** What a key of a list has where an item does not say it: the one default among the keys of the built-in kinds. */
const KEY_DEFAULTS: Record<string, unknown> = { protocol: 'TCP' };

/** How an item of a list is named: by its keys, or by itself. */
export function itemElement(schema: SchemaNode | undefined, item: unknown): string {
  if (schema?.listType !== 'map' || !isObject(item)) return `v:${JSON.stringify(item)}`;
  const keys: JsonObject = {};
  for (const key of [...(schema.listKeys ?? [])].sort()) {
    const value = item[key] ?? schema.items?.properties?.[key]?.default ?? KEY_DEFAULTS[key];
    if (value !== undefined) keys[key] = value;
  }
  return `k:${JSON.stringify(keys)}`;
}

/** The items of a list by their names. */
export function itemsByElement(schema: SchemaNode | undefined, list: unknown): Map<string, unknown> {
  return new Map(Array.isArray(list) ? list.map((item) => [itemElement(schema, item), item] as const) : []);
}
