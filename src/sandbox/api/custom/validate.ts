/** Whether a custom resource is as its definition says; what is wrong is told in the API server's words. */
import { type Cause, duplicate, required, tooLong, unsupported } from '../errors.ts';
import { equal, isObject } from '../object.ts';
import type { Checks, SchemaNode } from '../schema/node.ts';
import { formatFault } from './formats.ts';

/** @param path of the value, `''` for the object itself. */
export function validateCustom(value: unknown, schema: SchemaNode, path = ''): Cause[] {
  if (value === null && schema.nullable === true) return [];
  const type = typeFault(value, schema, path);
  if (type !== undefined) return [type];
  const causes: Cause[] = [];
  if (schema.enum !== undefined && !schema.enum.some((one) => equal(one, value)))
    causes.push(
      unsupported(
        path,
        value,
        schema.enum.map((one) => (typeof one === 'string' ? one : JSON.stringify(one))),
      ),
    );
  if (schema.format !== undefined && typeof value === 'string') {
    const fault = formatFault(schema.format, value);
    if (fault !== undefined) causes.push({ ...body(path, value, fault), reason: 'FieldValueTypeInvalid' });
  }
  causes.push(...checkFaults(value, schema.checks ?? {}, path));
  if (Array.isArray(value)) return [...causes, ...listFaults(value, schema, path)];
  if (!isObject(value)) return causes;
  for (const key of schema.required ?? []) if (value[key] === undefined) causes.push(required(join(path, key)));
  for (const [key, field] of Object.entries(value)) {
    const named = schema.properties?.[key];
    const below = named ?? schema.additional;
    // Metadata is what all kinds have in common, and checked as such.
    if (below === undefined || (path === '' && key === 'metadata')) continue;
    causes.push(...validateCustom(field, below, named === undefined ? `${path}.${key}` : join(path, key)));
  }
  return causes;
}

const join = (path: string, key: string) => (path === '' ? key : `${path}.${key}`);
const nameOf = (path: string) => (path === '' ? '' : path);

function body(path: string, value: unknown, fault: string): Cause {
  return { reason: 'FieldValueInvalid', message: `Invalid value: ${shown(value)}: ${nameOf(path)} in body ${fault}`, field: path === '' ? '<nil>' : path };
}

function shown(value: unknown): string {
  if (Array.isArray(value)) return JSON.stringify('array');
  return JSON.stringify(isObject(value) ? 'object' : value);
}

const typeOf = (value: unknown) =>
  value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value === 'number' ? (Number.isInteger(value) ? 'integer' : 'number') : typeof value;

function typeFault(value: unknown, { type }: SchemaNode, path: string): Cause | undefined {
  const found = typeOf(value);
  if (type === 'any' || type === found || (type === 'number' && found === 'integer')) return undefined;
  if ((type === 'int-or-string' || type === 'quantity') && (found === 'integer' || found === 'string')) return undefined;
  const wanted = type === 'int-or-string' ? 'integer,string' : type;
  const sentence = `Invalid value: ${JSON.stringify(found)}: ${nameOf(path)} in body must be of type ${wanted}: ${JSON.stringify(found)}`;
  return { reason: 'FieldValueTypeInvalid', message: sentence, field: path === '' ? '<nil>' : path };
}

function checkFaults(value: unknown, checks: Checks, path: string): Cause[] {
  const causes: Cause[] = [];
  const say = (fault: string) => causes.push(body(path, value, fault));
  if (typeof value === 'number') {
    const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf } = checks;
    if (minimum !== undefined && (exclusiveMinimum === true ? value <= minimum : value < minimum))
      say(`should be greater than${exclusiveMinimum === true ? '' : ' or equal to'} ${minimum}`);
    if (maximum !== undefined && (exclusiveMaximum === true ? value >= maximum : value > maximum))
      say(`should be less than${exclusiveMaximum === true ? '' : ' or equal to'} ${maximum}`);
    if (multipleOf !== undefined && value % multipleOf !== 0) say(`should be a multiple of ${multipleOf}`);
  }
  if (typeof value === 'string') {
    const { minLength, maxLength, pattern } = checks;
    const length = [...value].length;
    if (minLength !== undefined && length < minLength) say(`should be at least ${minLength} chars long`);
    else if (maxLength !== undefined && length > maxLength) causes.push(tooLong(path, maxLength));
    else if (pattern !== undefined && !new RegExp(pattern, 'u').test(value)) say(`should match '${pattern}'`);
  }
  if (Array.isArray(value)) {
    const { minItems, maxItems, uniqueItems } = checks;
    if (minItems !== undefined && value.length < minItems) say(`should have at least ${minItems} items`);
    if (maxItems !== undefined && value.length > maxItems)
      causes.push({ reason: 'FieldValueTooMany', message: `Too many: ${value.length}: must have at most ${maxItems} items`, field: path });
    if (uniqueItems === true && value.some((item, index) => value.slice(0, index).some((other) => equal(item, other)))) say("shouldn't contain duplicates");
  }
  if (isObject(value)) {
    const size = Object.keys(value).length;
    if (checks.minProperties !== undefined && size < checks.minProperties) say(`should have at least ${checks.minProperties} properties`);
    if (checks.maxProperties !== undefined && size > checks.maxProperties)
      causes.push({ reason: 'FieldValueTooMany', message: `Too many: ${size}: must have at most ${checks.maxProperties} items`, field: path });
  }
  causes.push(...branchFaults(value, checks, path));
  return causes;
}

function branchFaults(value: unknown, { allOf, anyOf, oneOf, not }: Checks, path: string): Cause[] {
  const causes: Cause[] = [];
  const holds = (schema: SchemaNode) => validateCustom(value, schema, path).length === 0;
  const must = (what: string) =>
    causes.push({
      reason: 'FieldValueInvalid',
      message: `Invalid value: ${shown(value)}: ${JSON.stringify(path)} must ${what}`,
      field: path === '' ? '<nil>' : path,
    });
  if (anyOf !== undefined && !anyOf.some(holds)) must('validate at least one schema (anyOf)');
  if (oneOf !== undefined) {
    const count = oneOf.filter(holds).length;
    if (count !== 1) must(`validate one and only one schema (oneOf). Found ${count === 0 ? 'none valid' : `${count} valid alternatives`}`);
  }
  if (allOf !== undefined) {
    for (const schema of allOf) causes.push(...validateCustom(value, schema, path));
    if (!allOf.every(holds)) must('validate all the schemas (allOf)');
  }
  if (not !== undefined && holds(not)) must('not validate the schema (not)');
  return causes;
}

function listFaults(list: readonly unknown[], schema: SchemaNode, path: string): Cause[] {
  const causes = schema.items === undefined ? [] : list.flatMap((item, index) => validateCustom(item, schema.items as SchemaNode, `${path}[${index}]`));
  if (schema.listType !== 'map' && schema.listType !== 'set') return causes;
  const keys = schema.listKeys ?? [];
  const keyOf = (item: unknown): unknown => (schema.listType === 'map' && isObject(item) ? Object.fromEntries(keys.map((key) => [key, item[key]])) : item);
  for (const [index, item] of list.entries()) {
    const key = keyOf(item);
    if (list.slice(0, index).some((other) => equal(keyOf(other), key))) causes.push(duplicate(`${path}[${index}]`, key));
  }
  return causes;
}
