/** Who owns which fields of an object: `metadata.managedFields`, read and written. */
import { isObject, type ManagedFieldsEntry } from '../object.ts';
import { FieldSet } from './field-set.ts';

export interface Manager {
  manager: string;
  operation: 'Apply' | 'Update';
  apiVersion: string;
  subresource: string | undefined;
  time: string | undefined;
  fields: FieldSet;
}

export type Managers = Map<string, Manager>;

/** A manager is another one for each way and version that it writes in. */
export function managerKey({
  manager,
  operation,
  apiVersion,
  subresource = '',
}: Pick<Manager, 'manager' | 'operation' | 'apiVersion' | 'subresource'>): string {
  return JSON.stringify([manager, operation, apiVersion, subresource]);
}

export function readManagers(entries: unknown): Managers {
  const managers: Managers = new Map();
  if (!Array.isArray(entries)) return managers;
  for (const entry of entries as ManagedFieldsEntry[]) {
    if (!isObject(entry) || (entry.operation !== 'Apply' && entry.operation !== 'Update')) continue;
    const { manager = 'unknown', operation, apiVersion, subresource, time } = entry;
    const fields = FieldSet.of(entry.fieldsV1);
    const one = { manager, operation, apiVersion, subresource, time, fields };
    managers.set(managerKey(one), one);
  }
  return managers;
}

/** Appliers first, then by time, as the API server lists them. Undefined when nobody owns anything. */
export function writeManagers(managers: Managers): ManagedFieldsEntry[] | undefined {
  const all = [...managers.values()].filter(({ fields }) => !fields.empty);
  if (all.length === 0) return undefined;
  const order = (one: Manager) => [one.operation, one.time ?? '', one.manager, one.apiVersion, one.subresource ?? ''].join('\n');
  return all
    .sort((a, b) => (order(a) < order(b) ? -1 : 1))
    .map(({ manager, operation, apiVersion, time, fields, subresource }) => ({
      manager,
      operation,
      apiVersion,
      ...(time === undefined ? {} : { time }),
      fieldsType: 'FieldsV1',
      fieldsV1: fields.toJson(),
      ...(subresource === undefined ? {} : { subresource }),
    }));
}
