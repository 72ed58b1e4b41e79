/** What an apply on the client's side wrote down of itself, where the same `kubectl` goes on with applies on the server's side. */
import { type ApiObject, isObject, type JsonObject } from '../object.ts';
import type { SchemaNode } from '../schema/node.ts';
import { FieldSet } from './field-set.ts';
import { compareFields, fieldsOf } from './fields-of.ts';

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';
/** Others have nothing to do with that annotation. */
const KUBECTL = 'kubectl';

/** The fields that an apply by this manager may take from anybody: what the client applied itself, where it is still so. */
export function ownByAnnotation(manager: string, live: ApiObject | undefined, schema: SchemaNode | undefined): FieldSet {
  const text = live?.metadata.annotations?.[LAST_APPLIED];
  if (manager !== KUBECTL || text === undefined) return new FieldSet();
  const applied = parsed(text);
  if (applied === undefined) return new FieldSet();
  const { added, modified, removed } = compareFields(applied, live, schema);
  return fieldsOf(applied, schema).difference(added).difference(modified).difference(removed);
}

/** Changes `next`: the annotation, where there is one, tells the newest apply. */
export function annotateApplied(manager: string, next: ApiObject, applied: ApiObject): void {
  const { annotations } = next.metadata;
  if (manager !== KUBECTL || annotations?.[LAST_APPLIED] === undefined) return;
  const { managedFields: _fields, annotations: { [LAST_APPLIED]: _old, ...others } = {}, ...metadata } = applied.metadata;
  const plain = { ...applied, metadata: { ...metadata, ...(Object.keys(others).length === 0 ? {} : { annotations: others }) } };
  next.metadata.annotations = { ...annotations, [LAST_APPLIED]: `${goText(plain)}\n` };
}

function parsed(text: string): JsonObject | undefined {
  try {
    const value = JSON.parse(text) as unknown;
    return isObject(value) ? value : undefined;
  } catch {
    // anybody may write an annotation: one that is no configuration gives no rights
    return undefined;
  }
}

/** Keys in order, and what HTML would take for its own escaped. */
function goText(value: unknown): string {
  const inOrder = (one: unknown): unknown => {
    if (Array.isArray(one)) return one.map(inOrder);
    if (!isObject(one)) return one;
    return Object.fromEntries(
      Object.keys(one)
        .sort()
        .map((key) => [key, inOrder(one[key])]),
    );
  };
  return JSON.stringify(inOrder(value)).replaceAll(/[<>&\u2028\u2029]/g, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
