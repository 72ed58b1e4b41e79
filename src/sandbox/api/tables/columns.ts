/** Which columns each kind has. */
import type { ApiObject } from '../object.ts';
import type { Resource } from '../resources/registry.ts';
import { age, type Column, nameColumn } from './column.ts';

const PLAIN: Column[] = [nameColumn, { name: 'Created At', type: 'date', value: (object: ApiObject) => object.metadata.creationTimestamp }];

export function columnsOf(resource: Resource): Column[] {
  if (resource.columns !== undefined) return resource.columns;
  return BUILT_IN[resource.type.collection] ?? PLAIN;
}

const BUILT_IN: Record<string, Column[]> = {
  namespaces: [nameColumn, { name: 'Status', type: 'string', value: (object) => (object['status'] as { phase?: string } | undefined)?.phase ?? '' }, age],
};
