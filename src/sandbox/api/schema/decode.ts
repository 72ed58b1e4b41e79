/** The first look at the fields of a built-in kind, as the API server's own decoder has it: types that don't fit are refused. */
import { isObject } from '../object.ts';
import type { SchemaNode } from './node.ts';
import { quantityValue } from './quantity.ts';

/** What the server says of the first value that has not its field's type; undefined when all have. */
export function typeFault(value: unknown, schema: SchemaNode | undefined, path = '', struct = ''): string | undefined {
  if (schema === undefined || value === null || value === undefined) return undefined;
  const found = kindOf(value);
  if (!fits(found, schema.type))
    return `json: cannot unmarshal ${found === 'integer' ? `number` : found} into Go struct field ${struct}.${path} of type ${goType(schema)}`;
  if (schema.type === 'quantity' && quantityValue(value) === undefined)
    return `quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'`;
  const inner = schema.properties === undefined ? struct : (schema.name ?? struct);
  if (Array.isArray(value)) return first(value, (item) => typeFault(item, schema.items, path, struct));
  if (!isObject(value)) return undefined;
  return first(Object.entries(value), ([key, field]) =>
    typeFault(field, schema.properties?.[key] ?? schema.additional, schema.properties === undefined ? path : path === '' ? key : `${path}.${key}`, inner),
  );
}

function first<T>(all: readonly T[], look: (one: T) => string | undefined): string | undefined {
  for (const one of all) {
    const fault = look(one);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

const kindOf = (value: unknown) => (Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : Number.isInteger(value) ? 'integer' : typeof value);

function fits(found: string, wanted: SchemaNode['type']): boolean {
  switch (wanted) {
    case 'any':
      return true;
    case 'boolean':
      return found === 'bool';
    case 'number':
      return found === 'integer' || found === 'number';
    case 'int-or-string':
    case 'quantity':
      return found === 'integer' || found === 'number' || found === 'string';
    default:
      return found === wanted;
  }
}

function goType({ type, format, name, items, additional }: SchemaNode): string {
  switch (type) {
    case 'integer':
      return format === 'int64' ? 'int64' : 'int32';
    case 'boolean':
      return 'bool';
    case 'number':
      return 'float64';
    case 'array':
      return `[]${items === undefined ? 'interface {}' : goType(items)}`;
    case 'object':
      return additional === undefined ? `v1.${name ?? 'Object'}` : `map[string]${goType(additional)}`;
    default:
      return 'string';
  }
}

/** Changes the value: a field of null is one that is not there. What has no known shape is left as it is. */
export function dropNulls(value: unknown, schema: SchemaNode | undefined): void {
  if (schema === undefined) return;
  if (Array.isArray(value)) for (const item of value) dropNulls(item, schema.items);
  if (!isObject(value)) return;
  for (const [key, field] of Object.entries(value)) {
    const below = schema.properties?.[key] ?? schema.additional;
    if (below === undefined) continue;
    if (field !== null) dropNulls(field, below);
    else if (below.nullable !== true && below.default === undefined) delete value[key];
  }
}
