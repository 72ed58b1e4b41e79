/** What a write does to who owns which field: an update takes over what it changes, an apply owns what it names. */
import { type ApiObject, isObject, timestamp } from '../object.ts';
import type { SchemaNode } from '../schema/node.ts';
import { applyConflict, type Conflict } from './conflict.ts';
import { FieldSet } from './field-set.ts';
import { compareFields, fieldsOf, withNamedFields } from './fields-of.ts';
import { annotateApplied, ownByAnnotation } from './last-applied.ts';
import { type Manager, type Managers, managerKey, readManagers, writeManagers } from './managers.ts';
import { mergeConfiguration, removeFields } from './merge.ts';

export interface Writer {
  manager: string;
  apiVersion: string;
  subresource: string | undefined;
  schema: SchemaNode | undefined;
  /** The kind has a status of its own, that only its subresource writes. */
  status: boolean;
}

/** The server's own; nobody owns them. */
const NOBODYS = FieldSet.of({
  'f:apiVersion': {},
  'f:kind': {},
  'f:metadata': {
    'f:name': {},
    'f:namespace': {},
    'f:creationTimestamp': {},
    'f:selfLink': {},
    'f:uid': {},
    'f:generation': {},
    'f:managedFields': {},
    'f:resourceVersion': {},
    'f:deletionTimestamp': {},
    'f:deletionGracePeriodSeconds': {},
  },
});
/** Itself, not what is in it. */
const METADATA = FieldSet.of({ 'f:metadata': {} });
const STATUS = FieldSet.of({ 'f:status': {} });
const METADATA_BESIDE_STATUS = FieldSet.of({ 'f:metadata': { 'f:labels': {}, 'f:ownerReferences': {}, 'f:finalizers': {} } });

/** Of those fields, the ones that this write can set at all. */
function settable(fields: FieldSet, { status, subresource }: Writer): FieldSet {
  const result = fields.difference(METADATA).without(NOBODYS);
  if (!status) return result;
  return subresource === 'status' ? result.only(['f:status', 'f:metadata']).without(METADATA_BESIDE_STATUS) : result.without(STATUS);
}

const bare = (object: ApiObject | undefined): unknown => {
  if (object === undefined) return undefined;
  const { managedFields: _own, ...metadata } = object.metadata;
  return { ...object, metadata };
};

/** After a write that is no apply. Sets `next.metadata.managedFields`. @param current undefined at create. */
export function ownUpdated(writer: Writer, next: ApiObject, current: ApiObject | undefined): void {
  const sent = next.metadata.managedFields;
  // A single empty entry is how a client says that nobody owns anything any more.
  if (Array.isArray(sent) && sent.length === 1 && isObject(sent[0]) && Object.keys(sent[0]).length === 0) {
    delete next.metadata.managedFields;
    return;
  }
  let managers = writer.subresource === undefined ? readManagers(sent) : new Map<string, Manager>();
  if (managers.size === 0) managers = readManagers(current?.metadata.managedFields);
  // Who owned nothing so far begins with an apply.
  if (current !== undefined && managers.size === 0) {
    delete next.metadata.managedFields;
    return;
  }
  const { added, modified, removed } = compareFields(bare(current), bare(next), writer.schema);
  const changed = settable(added.union(modified), writer);
  for (const one of managers.values()) one.fields = one.fields.difference(changed).difference(removed);
  if (!changed.empty) own(managers, writer, 'Update', changed, timestamp());
  store(next, managers);
}

function own(managers: Managers, { manager, apiVersion, subresource }: Writer, operation: Manager['operation'], fields: FieldSet, time: string): void {
  const one = { manager, operation, apiVersion, subresource };
  const key = managerKey(one);
  managers.set(key, { ...one, time, fields: fields.union(managers.get(key)?.fields ?? new FieldSet()) });
}

function store(object: ApiObject, managers: Managers): void {
  const entries = writeManagers(managers);
  if (entries === undefined) delete object.metadata.managedFields;
  else object.metadata.managedFields = entries;
}

/**
 * The object with a configuration applied, and owned so. What the manager applied before and no longer names is taken away, where
 * nobody else owns it.
 * @throws 409 when somebody else owns what would be changed, without `force`.
 */
export function applyConfiguration(writer: Writer, live: ApiObject | undefined, applied: ApiObject, force: boolean): ApiObject {
  const { schema, manager, apiVersion, subresource } = writer;
  const managers = readManagers(live?.metadata.managedFields);
  const before = bare(live);
  if (live !== undefined && managers.size === 0)
    own(managers, { ...writer, manager: 'before-first-apply', subresource: undefined }, 'Update', firstFields(before, writer), live.metadata.creationTimestamp);
  const key = managerKey({ manager, operation: 'Apply', apiVersion, subresource });
  const last = managers.get(key);
  const named = fieldsOf(applied, schema);
  const fields = settable(named, writer);
  managers.set(key, { manager, operation: 'Apply', apiVersion, subresource, time: last?.time, fields });
  const merged = mergeConfiguration(before ?? {}, applied, schema);
  const next = (last === undefined ? merged : prune(merged, managers, named, last.fields, schema)) as ApiObject;

  const { added, modified, removed } = compareFields(before, next, schema);
  const changed = added.union(modified);
  const conflicts: Conflict[] = [];
  const annotated = force ? new FieldSet() : ownByAnnotation(manager, live, schema);
  for (const [other, one] of managers) {
    if (other === key) continue;
    const taken = one.fields.intersection(changed).difference(annotated);
    if (!taken.empty) conflicts.push({ with: one, fields: taken });
  }
  if (conflicts.length > 0 && !force) throw applyConflict(conflicts);
  for (const [other, one] of managers) if (other !== key) one.fields = one.fields.difference(changed).difference(removed);
  const mine = managers.get(key);
  if (mine !== undefined && !(changed.empty && removed.empty && sameFields(last?.fields, fields))) mine.time = timestamp();
  store(next, managers);
  annotateApplied(manager, next, applied);
  return next;
}

/** What somebody would own who had made the object as it is. */
function firstFields(object: unknown, writer: Writer): FieldSet {
  const { added, modified } = compareFields(undefined, object, writer.schema);
  return settable(added.union(modified), writer);
}

function sameFields(a: FieldSet | undefined, b: FieldSet): boolean {
  if (a === undefined) return false;
  return a.difference(b).empty && b.difference(a).empty;
}

/** Takes away what was applied last and is owned by nobody now, with all that hangs on it. */
function prune(merged: unknown, managers: Managers, applied: FieldSet, last: FieldSet, schema: SchemaNode | undefined): unknown {
  // With the object's name, which is nobody's: `metadata` stays.
  let owned = applied;
  for (const { fields } of managers.values()) owned = owned.union(fields);
  const named = (fields: FieldSet) => withNamedFields(fields, schema);
  const all = named(fieldsOf(merged, schema));
  const lastNamed = named(last);
  const without = removeFields(merged, lastNamed, schema);
  const kept = named(fieldsOf(without ?? {}, schema)).union(named(owned));
  const pruned = removeFields(merged, all.difference(kept), schema);
  const gone = all.difference(named(fieldsOf(pruned ?? {}, schema)));
  return removeFields(merged, gone.intersection(lastNamed), schema) ?? {};
}
