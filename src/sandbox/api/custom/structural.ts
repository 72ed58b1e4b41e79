/** The schema of a custom resource definition, as the shape that the rest of the server works with. */
import { isObject, type JsonObject } from '../object.ts';
import type { Checks, Rule, SchemaNode } from '../schema/node.ts';

const CHECKS = [
  'minimum',
  'maximum',
  'exclusiveMinimum',
  'exclusiveMaximum',
  'multipleOf',
  'minLength',
  'maxLength',
  'pattern',
  'minItems',
  'maxItems',
  'uniqueItems',
  'minProperties',
  'maxProperties',
] as const;

const TYPES = new Set(['object', 'array', 'string', 'integer', 'number', 'boolean']);

export function structuralNode(schema: JsonObject): SchemaNode {
  const { type } = schema;
  const node: SchemaNode = { type: schema['x-kubernetes-int-or-string'] === true ? 'int-or-string' : TYPES.has(String(type)) ? (type as 'object') : 'any' };
  const { properties, additionalProperties, items } = schema;
  if (isObject(properties)) node.properties = Object.fromEntries(Object.entries(properties).map(([key, field]) => [key, structuralNode(field as JsonObject)]));
  if (isObject(additionalProperties)) node.additional = structuralNode(additionalProperties);
  else if (additionalProperties === true) node.additional = { type: 'any', preserve: true };
  if (isObject(items)) node.items = structuralNode(items);
  if (typeof schema['format'] === 'string') node.format = schema['format'];
  if (Array.isArray(schema['required'])) node.required = schema['required'] as string[];
  if (Array.isArray(schema['enum'])) node.enum = schema['enum'];
  if (schema['nullable'] === true) node.nullable = true;
  if (schema['default'] !== undefined) node.default = schema['default'];
  if (schema['x-kubernetes-preserve-unknown-fields'] === true) node.preserve = true;
  if (schema['x-kubernetes-embedded-resource'] === true) node.embedded = true;
  if (typeof schema['x-kubernetes-list-type'] === 'string') node.listType = schema['x-kubernetes-list-type'] as 'map';
  if (Array.isArray(schema['x-kubernetes-list-map-keys'])) node.listKeys = schema['x-kubernetes-list-map-keys'] as string[];
  if (typeof schema['x-kubernetes-map-type'] === 'string') node.mapType = schema['x-kubernetes-map-type'] as 'atomic';
  const checks = checksOf(schema);
  if (Object.keys(checks).length > 0) node.checks = checks;
  return node;
}

function checksOf(schema: JsonObject): Checks {
  const checks: Checks = {};
  for (const key of CHECKS) if (schema[key] !== undefined) Object.assign(checks, { [key]: schema[key] });
  for (const key of ['allOf', 'anyOf', 'oneOf'] as const) {
    const branches = schema[key];
    // What these two say of an int-or-string is in its type already.
    if (Array.isArray(branches) && schema['x-kubernetes-int-or-string'] !== true) checks[key] = (branches as JsonObject[]).map(structuralNode);
  }
  if (isObject(schema['not'])) checks.not = structuralNode(schema['not']);
  if (Array.isArray(schema['x-kubernetes-validations'])) checks.rules = schema['x-kubernetes-validations'] as Rule[];
  return checks;
}

/** What every object has, whatever its definition says of it. */
export function withObjectFields(node: SchemaNode, metadata: SchemaNode | undefined): SchemaNode {
  const properties = { ...node.properties, apiVersion: { type: 'string' }, kind: { type: 'string' }, metadata: metadata ?? { type: 'any' } } as const;
  return { ...node, type: 'object', properties };
}
