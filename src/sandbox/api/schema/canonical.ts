/** Objects as a real server's own types write them down: what is empty and no pointer is left out, and structs are always there. */
import { isObject, type JsonObject } from '../object.ts';
import type { SchemaNode } from './node.ts';
import { canonicalQuantity } from './quantity.ts';

/** Changes the value. */
export function makeCanonical(value: unknown, schema: SchemaNode | undefined): void {
  canonical(value, schema, { root: true, status: false });
}

/** A status that nobody has written yet: its counters are there, at 0. */
export function emptyStatus(schema: SchemaNode | undefined): JsonObject | undefined {
  const status = schema?.properties?.['status'];
  if (schema?.held?.get('status') === undefined || status?.properties === undefined) return undefined;
  const value = {};
  canonical(value, status, { root: false, status: true });
  return value;
}

interface Where {
  root: boolean;
  status: boolean;
}

function canonical(value: unknown, schema: SchemaNode | undefined, where: Where): void {
  if (schema === undefined) return;
  const inside = { ...where, root: false };
  if (Array.isArray(value)) {
    if (schema.items?.properties !== undefined) for (const item of value) canonical(item, schema.items, inside);
    return;
  }
  if (!isObject(value)) return;
  const { properties, held, additional } = schema;
  if (properties === undefined) {
    if (additional?.properties !== undefined) for (const field of Object.values(value)) canonical(field, additional, inside);
    return;
  }
  for (const [key, kind] of held ?? []) if (!where.root || !SERVERS.has(key)) hold(value, key, kind, properties[key], where);
  for (const [key, field] of Object.entries(value))
    if (properties[key]?.additional?.type === 'quantity' && isObject(field)) writeQuantities(field);
    else if (typeof field === 'object') canonical(field, properties[key], { root: false, status: where.status || (where.root && key === 'status') });
}

function writeQuantities(amounts: JsonObject): void {
  for (const [name, amount] of Object.entries(amounts))
    if (typeof amount === 'string' || typeof amount === 'number') amounts[name] = canonicalQuantity(String(amount)) ?? amount;
}

/** At the root: the server's own, its strategies say when there is one. */
const SERVERS = new Set(['metadata', 'status']);

function hold(value: JsonObject, key: string, kind: 'v' | 'V', schema: SchemaNode | undefined, { status }: Where): void {
  const field = value[key];
  if (schema?.properties !== undefined) {
    if (field === undefined) value[key] = {};
  } else if (schema?.format === 'date-time') value[key] ??= null;
  else if (kind === 'V') {
    if (status && schema?.type === 'integer') value[key] ??= 0;
  } else if (isEmpty(field) && schema?.type !== 'int-or-string') delete value[key];
}

function isEmpty(value: unknown): boolean {
  if (value === '' || value === 0 || value === false) return true;
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}
