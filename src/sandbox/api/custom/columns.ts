/** `additionalPrinterColumns`: what `kubectl get` shows of a custom resource. */
import { isObject } from '../object.ts';
import { age, type Column, nameColumn, since } from '../tables/column.ts';
import { compileJsonPath } from '../tables/json-path.ts';

export interface PrinterColumn {
  name: string;
  type: string;
  format?: string;
  description?: string;
  priority?: number;
  jsonPath: string;
}

export function customColumns(columns: readonly PrinterColumn[] | undefined): Column[] {
  if (columns === undefined || columns.length === 0) return [nameColumn, { ...age, type: 'date' }];
  return [
    nameColumn,
    ...columns.map(({ jsonPath, name, type, ...rest }): Column => {
      const read = compileJsonPath(jsonPath);
      return { name, type: type as Column['type'], ...rest, value: (object) => cell(type, read?.(object)[0]) };
    }),
  ];
}

/** Null where there is nothing of that type. */
function cell(type: string, value: unknown): unknown {
  if (value === undefined || value === null) return null;
  switch (type) {
    case 'integer':
      return typeof value === 'number' ? Math.trunc(value) : null;
    case 'number':
      return typeof value === 'number' ? value : null;
    case 'boolean':
      return typeof value === 'boolean' ? value : null;
    case 'date':
      return typeof value === 'string' ? since(value) : null;
    default:
      return Array.isArray(value) || isObject(value) ? JSON.stringify(value) : String(value as string | number | boolean);
  }
}
