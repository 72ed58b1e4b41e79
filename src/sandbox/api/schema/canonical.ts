/** Objects as a real server's own types write them down: what is empty and no pointer is left out, and structs are always there. */
import { isObject, type JsonObject } from '../object.ts';
import type { SchemaNode } from './node.ts';

/** Changes the value. */
export function makeCanonical(value: unknown, schema: SchemaNode | undefined): void {
  if (schema === undefined) return;
  if (Array.isArray(value)) {
    if (schema.items?.properties !== undefined || schema.items?.held !== undefined) for (const item of value) makeCanonical(item, schema.items);
    return;
  }
  if (!isObject(value)) return;
  const { properties, held, additional } = schema;
  if (properties === undefined) {
    if (additional?.properties !== undefined) for (const field of Object.values(value)) makeCanonical(field, additional);
    return;
  }
  for (const [key, kind] of held ?? []) hold(value, key, kind, properties[key]);
  for (const [key, field] of Object.entries(value)) if (typeof field === 'object') makeCanonical(field, properties[key]);
}

function hold(value: JsonObject, key: string, kind: 'v' | 'V', schema: SchemaNode | undefined): void {
  const field = value[key];
  // The server's own: its strategies say when there is one.
  if (key === 'status' || key === 'metadata') return;
  if (schema?.type === 'object' && schema.properties !== undefined) {
    if (field === undefined) value[key] = {};
  } else if (kind === 'v' && isEmpty(field) && schema?.type !== 'int-or-string') delete value[key];
}

function isEmpty(value: unknown): boolean {
  if (value === '' || value === 0 || value === false) return true;
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}
