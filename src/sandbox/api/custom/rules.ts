/** `x-kubernetes-validations`: expressions that a custom resource must satisfy, those over the old object at an update too. */
import { CelError, celValue, type Evaluator } from '../../admission/index.ts';
import type { Cause } from '../errors.ts';
import { equal, isObject } from '../object.ts';
import type { Rule, SchemaNode } from '../schema/node.ts';

/** @param old undefined at create. */
export function validateRules(evaluator: Evaluator, value: unknown, old: unknown, schema: SchemaNode, path = ''): Cause[] {
  if (value === undefined || value === null) return [];
  const causes = (schema.checks?.rules ?? []).flatMap((rule) => faultOf(evaluator, rule, value, old, path));
  if (Array.isArray(value)) {
    const before: unknown[] = Array.isArray(old) ? old : [];
    const { items, listKeys = [], listType } = schema;
    if (items === undefined) return causes;
    const same = (a: unknown, b: unknown) => isObject(a) && isObject(b) && listKeys.every((key) => equal(a[key], b[key]));
    // Only items that have a name can be told to be the same as before.
    const was = (item: unknown): unknown => (listType === 'map' ? before.find((other) => same(item, other)) : undefined);
    return [...causes, ...value.flatMap((item, index) => validateRules(evaluator, item, was(item), items, `${path}[${index}]`))];
  }
  if (!isObject(value)) return causes;
  const before = isObject(old) ? old : {};
  for (const [key, field] of Object.entries(value)) {
    const below = schema.properties?.[key] ?? schema.additional;
    if (below !== undefined) causes.push(...validateRules(evaluator, field, before[key], below, path === '' ? key : `${path}.${key}`));
  }
  return causes;
}

function faultOf(evaluator: Evaluator, rule: Rule, value: unknown, old: unknown, path: string): Cause[] {
  if (/\boldSelf\b/.test(rule.rule) && old === undefined) return [];
  const field = `${path}${rule.fieldPath ?? ''}`.replace(/^\./, '');
  const say = (message: string): Cause[] => [
    {
      reason: (rule.reason as Cause['reason'] | undefined) ?? 'FieldValueInvalid',
      message: `Invalid value: ${shown(value)}: ${message}`,
      field: field === '' ? '<nil>' : field,
    },
  ];
  const variables = { self: celValue(value), ...(old === undefined ? {} : { oldSelf: celValue(old) }) };
  try {
    if (evaluator.evaluate(rule.rule, variables) === true) return [];
    const told = rule.messageExpression === undefined ? undefined : evaluator.evaluate(rule.messageExpression, variables);
    return say(typeof told === 'string' && told.trim() !== '' ? told : (rule.message ?? `failed rule: ${rule.rule}`));
  } catch (error) {
    if (!(error instanceof CelError)) throw error;
    return say(`rule evaluation error: ${error.message}`);
  }
}

function shown(value: unknown): string {
  return JSON.stringify(Array.isArray(value) ? 'array' : isObject(value) ? 'object' : value);
}
