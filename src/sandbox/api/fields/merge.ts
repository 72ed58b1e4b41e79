/** Puts an applied configuration over an object, and takes fields out of one. */
import { copy, isObject, type JsonObject } from '../object.ts';
import type { SchemaNode } from '../schema/node.ts';
import type { FieldSet } from './field-set.ts';
import { fieldSchema, itemElement, itemsByElement, shapeOf } from './shape.ts';

/** A new tree; what the configuration does not name stays as it is. */
export function mergeConfiguration(live: unknown, applied: unknown, schema: SchemaNode | undefined): unknown {
  if (live === undefined || live === null) return copy(applied);
  const shape = shapeOf(schema, applied);
  if (shape === 'leaf' || shapeOf(schema, live) !== shape) return copy(applied);
  if (shape === 'list') return mergeList(live as unknown[], applied as unknown[], schema);
  const result = copy(live) as JsonObject;
  for (const [key, value] of Object.entries(applied as JsonObject)) result[key] = mergeConfiguration(result[key], value, fieldSchema(schema, key));
  return result;
}

/** The applied items in their order; the others keep their place among them. */
function mergeList(live: readonly unknown[], applied: readonly unknown[], schema: SchemaNode | undefined): unknown[] {
  const before = itemsByElement(schema, live);
  const after = [...itemsByElement(schema, applied)];
  const named = new Set(after.map(([element]) => element));
  const result: unknown[] = [];
  let next = 0;
  const take = () => {
    const [element, item] = after[next++] ?? ['', undefined];
    result.push(mergeConfiguration(before.get(element), item, schema?.items));
    return element;
  };
  const taken = new Set<string>();
  for (const [element, item] of before) {
    if (!named.has(element)) result.push(copy(item));
    else while (!taken.has(element)) taken.add(take());
  }
  while (next < after.length) take();
  return result;
}

/** A new tree without those fields. Undefined when nothing is left. */
export function removeFields(value: unknown, fields: FieldSet, schema: SchemaNode | undefined): unknown {
  const shape = shapeOf(schema, value);
  if (shape === 'leaf') return copy(value);
  if (shape === 'list') {
    const items: unknown[] = [];
    for (const item of value as unknown[]) {
      const element = itemElement(schema, item);
      if (fields.members.has(element)) continue;
      const below = fields.children.get(element);
      const rest = below === undefined ? copy(item) : removeFields(item, below, schema?.items);
      if (rest !== undefined) items.push(rest);
    }
    return items.length === 0 ? undefined : items;
  }
  if (!isObject(value)) return copy(value);
  const result: JsonObject = {};
  for (const [key, field] of Object.entries(value)) {
    const element = `f:${key}`;
    if (fields.members.has(element)) continue;
    const below = fields.children.get(element);
    const rest = below === undefined ? copy(field) : removeFields(field, below, fieldSchema(schema, key));
    if (rest !== undefined) result[key] = rest;
  }
  return Object.keys(result).length === 0 ? undefined : result;
}
