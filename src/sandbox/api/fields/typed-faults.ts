/** What an applied configuration has that its kind has not, in the words of the library that a real server takes it apart with. */
import { StatusError } from '../../contract.ts';
import { type ApiObject, isObject } from '../object.ts';
import { apiVersionOf, type Resource, schemaOf } from '../resources/registry.ts';
import type { SchemaNode } from '../schema/node.ts';
import { fieldSchema, itemElement } from './shape.ts';

/** @throws 500, without a reason */
export function checkTyped(resource: Resource, applied: ApiObject): void {
  const faults = typedFaults(applied, schemaOf(resource), '');
  if (faults.length === 0) return;
  const { namespace = '', name } = applied.metadata;
  const version = apiVersionOf(resource);
  const what = `${namespace}/${name}; ${version.includes('/') ? version : `/${version}`}, Kind=${resource.type.kind}`;
  const why = faults.length === 1 ? faults[0] : `errors:${faults.map((fault) => `\n  ${fault}`).join('')}`;
  throw new StatusError(500, '', `failed to create typed patch object (${what}): ${why}`);
}

function typedFaults(value: unknown, schema: SchemaNode | undefined, path: string): string[] {
  if (schema === undefined || value === null || value === undefined) return [];
  switch (schema.type) {
    case 'object':
      return isObject(value) ? fieldFaults(value, schema, path) : [`${path}: expected map, got &{${shown(value)}}`];
    case 'array':
      return Array.isArray(value) ? itemFaults(value, schema, path) : [`${path}: expected list, got &{${shown(value)}}`];
    case 'boolean':
      return typeof value === 'boolean' ? [] : [`${path}: expected boolean, got &{${shown(value)}}`];
    case 'integer':
    case 'number':
      return typeof value === 'number' ? [] : [`${path}: expected numeric (int or float), got ${kindOf(value)}`];
    case 'string':
      return typeof value === 'string' ? [] : [`${path}: expected string, got &value.valueUnstructured{Value:${shown(value)}}`];
    default:
      return [];
  }
}

function fieldFaults(object: Record<string, unknown>, schema: SchemaNode, path: string): string[] {
  const known = schema.properties !== undefined || schema.additional !== undefined;
  return Object.entries(object).flatMap(([key, field]) => {
    const below = fieldSchema(schema, key);
    const here = `${path}.${key}`;
    if (below !== undefined) return typedFaults(field, below, here);
    return known && schema.preserve !== true && schema.embedded !== true ? [`${here}: field not declared in schema`] : [];
  });
}

function itemFaults(list: unknown[], schema: SchemaNode, path: string): string[] {
  const names = list.map((item, index) => (schema.listType === 'map' ? keysText(itemElement(schema, item)) : `[${index}]`));
  const twice = names.find((name, index) => schema.listType === 'map' && names.indexOf(name) !== index);
  const faults = list.flatMap((item, index) => typedFaults(item, schema.items, `${path}${names[index]}`));
  return twice === undefined ? faults : [...faults, `${path}: duplicate entries for key ${twice}`];
}

/** `k:{"name":"web"}` → `[name="web"]` */
function keysText(element: string): string {
  const keys = JSON.parse(element.slice(2)) as Record<string, unknown>;
  return `[${Object.entries(keys)
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .join(',')}]`;
}

const kindOf = (value: unknown): string => (Array.isArray(value) ? 'list' : isObject(value) ? 'map' : typeof value === 'boolean' ? 'bool' : typeof value);

function shown(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(shown).join(' ')}]`;
  return isObject(value)
    ? `map[${Object.entries(value)
        .map(([key, field]) => `${key}:${shown(field)}`)
        .join(' ')}]`
    : String(value);
}
