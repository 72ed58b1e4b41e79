/** Takes out what a kind does not know, and fills in what a custom one has where nothing was said. */
import { copy, isObject, type JsonObject } from '../object.ts';
import type { SchemaNode } from './node.ts';

const OBJECT_FIELDS = new Set(['apiVersion', 'kind', 'metadata']);

/** Changes the value. @returns the paths of what was taken out: `spec.containers[0].foo` */
export function pruneUnknown(value: unknown, schema: SchemaNode | undefined, path = ''): string[] {
  if (schema === undefined) return [];
  if (Array.isArray(value)) return value.flatMap((item, index) => pruneUnknown(item, schema.items, `${path}[${index}]`));
  if (!isObject(value)) return [];
  const { properties, additional, preserve, embedded } = schema;
  const free = preserve === true || (schema.type === 'any' && properties === undefined && additional === undefined && schema.checks === undefined);
  return Object.entries(value).flatMap(([key, field]) => {
    const below = properties?.[key] ?? additional;
    const here = path === '' ? key : `${path}.${key}`;
    if (below !== undefined) return pruneUnknown(field, below, here);
    if (free || (embedded === true && OBJECT_FIELDS.has(key))) return [];
    delete value[key];
    return [here];
  });
}

/** Changes the value. A null where none may be stands for the default, or for nothing. */
export function applyDefaults(value: unknown, schema: SchemaNode | undefined): void {
  if (schema === undefined) return;
  if (Array.isArray(value)) {
    for (const item of value) applyDefaults(item, schema.items);
    return;
  }
  if (!isObject(value)) return;
  const { properties = {}, additional } = schema;
  for (const [key, below] of Object.entries(properties)) {
    if (value[key] === null && below.nullable !== true && below.default !== undefined) delete value[key];
    if (value[key] === undefined && below.default !== undefined) value[key] = copy(below.default);
    applyDefaults(value[key], below);
  }
  if (additional !== undefined)
    for (const [key, field] of Object.entries(value as JsonObject)) if (properties[key] === undefined) applyDefaults(field, additional);
}
