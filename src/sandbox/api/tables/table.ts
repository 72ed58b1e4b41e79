/** Lists as `kubectl get` shows them: columns and cells instead of objects. */
import type { ApiObject, JsonObject } from '../object.ts';
import { presented } from '../request/present.ts';
import type { Resource } from '../resources/registry.ts';
import { columnsOf } from './columns.ts';

export interface TableOptions {
  version: string;
  /** `None`, `Metadata` or `Object`: what comes with each row. */
  include: string;
  /** Only the first event of a watch carries them. */
  columns: boolean;
  /** The only row of a bookmark. */
  bookmark?: JsonObject;
}

export function createTable(resource: Resource, items: readonly ApiObject[], metadata: JsonObject, options: TableOptions): JsonObject {
  const columns = columnsOf(resource);
  const rows: JsonObject[] = items.map((item) => ({ cells: columns.map((column) => column.value(item)), object: objectOf(resource, item, options) }));
  if (options.bookmark !== undefined) rows.push({ cells: [], object: options.bookmark });
  return {
    kind: 'Table',
    apiVersion: `meta.k8s.io/${options.version}`,
    metadata,
    columnDefinitions: options.columns
      ? columns.map(({ name, type, format, description, priority }) => ({
          name,
          type,
          format: format ?? '',
          description: description ?? '',
          priority: priority ?? 0,
        }))
      : null,
    rows,
  };
}

function objectOf(resource: Resource, item: ApiObject, { include, version }: TableOptions): JsonObject | null {
  if (include === 'None') return null;
  if (include === 'Object') return presented(resource, item);
  return { kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${version}`, metadata: item.metadata };
}
