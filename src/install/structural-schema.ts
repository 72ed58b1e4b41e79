/**
 * Turns a zod schema into the structural OpenAPI v3 schema that a CustomResourceDefinition takes: no references, every property
 * typed outside of `anyOf`, and loose objects marked as such, so that a newer client's fields survive an older cluster's schema.
 */
import { z } from 'zod';

export interface StructuralSchema {
  type?: string;
  format?: string;
  description?: string;
  enum?: unknown[];
  default?: unknown;
  minimum?: number;
  maximum?: number;
  pattern?: string;
  minLength?: number;
  maxLength?: number;
  required?: string[];
  properties?: Record<string, StructuralSchema>;
  additionalProperties?: StructuralSchema;
  items?: StructuralSchema;
  anyOf?: StructuralSchema[];
  'x-kubernetes-preserve-unknown-fields'?: true;
}

type JsonSchema = z.core.JSONSchema.BaseSchema;

const COPIED = ['type', 'description', 'enum', 'default', 'pattern', 'minLength', 'maxLength', 'required'] as const;

/** The structural schema of `schema`'s input. Throws where zod has something that no structural schema can say. */
export function structuralSchema(schema: z.ZodType): StructuralSchema {
  return convert(z.toJSONSchema(schema, { io: 'input', reused: 'inline' }), '$');
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null;
}

function asSchema(value: unknown, path: string): JsonSchema {
  if (!isSchema(value)) throw new Error(`no structural schema for ${path}: ${String(value)}`);
  return value;
}

function convert(json: JsonSchema, path: string): StructuralSchema {
  if (json.$ref !== undefined || json.allOf !== undefined || json.oneOf !== undefined || json.not !== undefined)
    throw new Error(`no structural schema for ${path}`);
  if (Array.isArray(json.type)) throw new Error(`no structural schema for ${path}: it has several types`);
  if (json.anyOf !== undefined) return convertUnion(json.anyOf, path);
  const schema: StructuralSchema = {};
  for (const key of COPIED) if (json[key] !== undefined) Object.assign(schema, { [key]: json[key] });
  if (json.const !== undefined) schema.enum = [json.const];
  if (json.type === 'integer' || json.type === 'number') Object.assign(schema, bounds(json));
  if (json.items !== undefined) schema.items = convert(asSchema(json.items, path), `${path}[]`);
  if (json.properties !== undefined) {
    schema.properties = {};
    for (const [name, property] of Object.entries(json.properties)) schema.properties[name] = convert(asSchema(property, path), `${path}.${name}`);
  }
  const rest = json.additionalProperties;
  if (typeof rest === 'object') {
    if (Object.keys(rest).length === 0) schema['x-kubernetes-preserve-unknown-fields'] = true;
    else schema.additionalProperties = convert(rest, `${path}.*`);
  }
  if (schema.type === undefined && schema['x-kubernetes-preserve-unknown-fields'] === undefined)
    throw new Error(`no structural schema for ${path}: it has no type`);
  return schema;
}

/** zod bounds every integer by what a double can hold; only narrower bounds say something. */
function bounds(json: JsonSchema): StructuralSchema {
  const schema: StructuralSchema = {};
  if (typeof json.minimum === 'number' && json.minimum > Number.MIN_SAFE_INTEGER) schema.minimum = json.minimum;
  if (typeof json.maximum === 'number' && json.maximum < Number.MAX_SAFE_INTEGER) schema.maximum = json.maximum;
  return schema;
}

/** A union of objects: the properties of all of them, one of their sets of required ones. */
function convertUnion(branches: unknown[], path: string): StructuralSchema {
  const union: StructuralSchema = { type: 'object', properties: {}, anyOf: [] };
  for (const branch of branches) {
    const { type, properties, required, ...rest } = convert(asSchema(branch, path), path);
    if (type !== 'object' || required === undefined) throw new Error(`no structural schema for the union ${path}: only objects that require something`);
    Object.assign(union.properties ?? {}, properties);
    if (rest['x-kubernetes-preserve-unknown-fields']) union['x-kubernetes-preserve-unknown-fields'] = true;
    union.anyOf?.push({ required });
  }
  return union;
}
