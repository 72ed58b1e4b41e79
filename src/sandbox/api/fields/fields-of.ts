/** Which fields a value has, and which of them differ between two values. */
import { equal, isObject } from '../object.ts';
import type { SchemaNode } from '../schema/node.ts';
import { FieldSet } from './field-set.ts';
import { fieldSchema, isNamedField, itemElement, itemsByElement, shapeOf } from './shape.ts';

/** What somebody who applies a value owns. */
export function fieldsOf(value: unknown, schema: SchemaNode | undefined): FieldSet {
  const set = new FieldSet();
  if (shapeOf(schema, value) === 'list') {
    for (const item of value as unknown[]) {
      const element = itemElement(schema, item);
      set.members.add(element);
      if (shapeOf(schema?.items, item) !== 'leaf') set.children.set(element, fieldsOf(item, schema?.items));
    }
  } else if (isObject(value)) {
    for (const [key, field] of Object.entries(value)) {
      const element = `f:${key}`;
      const below = fieldSchema(schema, key);
      const leaf = shapeOf(below, field) === 'leaf';
      if (!leaf) set.children.set(element, fieldsOf(field, below));
      if (leaf || (isObject(field) && Object.keys(field).length === 0) || !isNamedField(schema, key)) set.members.add(element);
    }
  }
  return set;
}

/** Struct fields whose parts are in it are in it themselves: what is removed with them is removed whole. */
export function withNamedFields(set: FieldSet, schema: SchemaNode | undefined): FieldSet {
  const result = new FieldSet();
  for (const element of set.members) result.members.add(element);
  for (const [element, below] of set.children) {
    const key = element.startsWith('f:') ? element.slice(2) : undefined;
    if (key !== undefined && isNamedField(schema, key)) result.members.add(element);
    result.children.set(element, withNamedFields(below, key === undefined ? schema?.items : fieldSchema(schema, key)));
  }
  return result;
}

export interface Comparison {
  added: FieldSet;
  modified: FieldSet;
  removed: FieldSet;
}

/** @param old undefined for an object that is made: compared with an empty one, whose structs are there. */
export function compareFields(old: unknown, next: unknown, schema: SchemaNode | undefined): Comparison {
  const result = nothing();
  compareInto(old ?? {}, next, schema, result, old === undefined);
  return result;
}

const nothing = (): Comparison => ({ added: new FieldSet(), modified: new FieldSet(), removed: new FieldSet() });

/** @param zero the old value is a struct that nobody has set. */
function compareInto(old: unknown, next: unknown, schema: SchemaNode | undefined, into: Comparison, zero = false): void {
  if (shapeOf(schema, next ?? old) === 'list') {
    const before = itemsByElement(schema, old);
    const after = itemsByElement(schema, next);
    for (const element of new Set([...before.keys(), ...after.keys()])) compareAt(element, before.get(element), after.get(element), schema?.items, into);
    return;
  }
  const before = isObject(old) ? old : {};
  const after = isObject(next) ? next : {};
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const below = fieldSchema(schema, key);
    compareAt(`f:${key}`, before[key] ?? undefined, after[key] ?? undefined, below, into, zero ? zeroOf(schema, key, below) : undefined);
  }
}

type Zero = 'struct' | 'list' | 'scalar' | undefined;

/** What an empty struct has at a field that is no pointer. */
function zeroOf(schema: SchemaNode | undefined, key: string, below: SchemaNode | undefined): Zero {
  const held = schema?.held?.get(key);
  if (held === undefined) return undefined;
  if (below?.properties !== undefined) return 'struct';
  if (held !== 'V') return undefined;
  return below?.type === 'array' ? 'list' : 'scalar';
}

const isEmpty = (value: unknown) => value === undefined || (typeof value === 'object' && value !== null && Object.keys(value).length === 0);

function compareAt(element: string, old: unknown, next: unknown, schema: SchemaNode | undefined, into: Comparison, zero?: Zero): void {
  if (old === next) return;
  const shape = shapeOf(schema, next ?? old);
  if (old !== undefined && next !== undefined && (shape === 'leaf' || shapeOf(schema, old) !== shape || (isEmpty(old) && isEmpty(next)))) {
    if (!equal(old, next)) into.modified.members.add(element);
    return;
  }
  if (zero !== undefined && (isEmpty(next) || next === '' || next === 0 || next === false)) return;
  if (old === undefined && (zero === undefined || shape === 'leaf')) into.added.members.add(element);
  else if (next === undefined) into.removed.members.add(element);
  if (shape === 'leaf') return;
  const below = nothing();
  compareInto(old, next, schema, below, zero === 'struct');
  for (const kind of ['added', 'modified', 'removed'] as const) if (!below[kind].empty) into[kind].children.set(element, below[kind]);
}
