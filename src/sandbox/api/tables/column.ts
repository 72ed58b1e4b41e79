/** A column, and how times and lists are told in one. */
import { type ApiObject, at, isObject, type JsonObject } from '../object.ts';

export interface Column {
  name: string;
  type: 'string' | 'integer' | 'date' | 'number' | 'boolean';
  format?: string;
  description?: string;
  /** Above 0: only with `-o wide`. */
  priority?: number;
  value(object: ApiObject): unknown;
}

export const nameColumn: Column = { name: 'Name', type: 'string', format: 'name', value: (object) => object.metadata.name };

export function text(name: string, value: (object: ApiObject) => unknown): Column {
  return { name, type: 'string', value };
}

export function integer(name: string, value: (object: ApiObject) => unknown): Column {
  return { name, type: 'integer', value };
}

/** Only with `-o wide`. */
export function wide(name: string, value: (object: ApiObject) => unknown): Column {
  return { name, type: 'string', priority: 1, value };
}

/** A number in the object; 0 where there is none. */
export function numberAt(object: unknown, ...path: string[]): number {
  const value = at(object, ...path);
  return typeof value === 'number' ? value : 0;
}

export function textAt(object: unknown, ...path: string[]): string {
  const value = at(object, ...path);
  return typeof value === 'string' ? value : typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
}

/** The objects of a list in the object. */
export function listAt(object: unknown, ...path: string[]): JsonObject[] {
  const value = at(object, ...path);
  return Array.isArray(value) ? (value as unknown[]).filter(isObject) : [];
}

/** `app=web,tier in (a,b)`, as `kubectl` writes a selector. */
export function selectorText(selector: unknown): string {
  if (!isObject(selector)) return '<none>';
  const { matchLabels, matchExpressions, ...plain } = selector;
  const labels = isObject(matchLabels) ? matchLabels : matchExpressions === undefined ? plain : {};
  const parts = Object.entries(labels).map(([key, value]) => `${key}=${String(value)}`);
  for (const { key, operator, values } of Array.isArray(matchExpressions) ? (matchExpressions as { key: string; operator: string; values?: string[] }[]) : []) {
    if (operator === 'Exists') parts.push(key);
    else if (operator === 'DoesNotExist') parts.push(`!${key}`);
    else parts.push(`${key} ${operator === 'In' ? 'in' : 'notin'} (${[...(values ?? [])].sort().join(',')})`);
  }
  return parts.length === 0 ? '<none>' : parts.sort().join(',');
}

/** Containers, their images and what selects them: the last columns of every workload. */
export function workloadColumns(template: string[], selector: string[] | undefined): Column[] {
  const containers = (object: ApiObject) => listAt(object, ...template, 'spec', 'containers');
  const columns = [
    wide('Containers', (object) =>
      containers(object)
        .map(({ name }) => String(name))
        .join(','),
    ),
    wide('Images', (object) =>
      containers(object)
        .map(({ image }) => String(image))
        .join(','),
    ),
  ];
  return selector === undefined ? columns : [...columns, wide('Selector', (object) => selectorText(at(object, ...selector)))];
}

/** `5s`, `2m30s`, `3h`, `4d2h`: as long as is worth telling. */
export function since(time: unknown, now = Date.now()): string {
  if (typeof time !== 'string' || time === '') return '<unknown>';
  return shortDuration(now - Date.parse(time));
}

export function shortDuration(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  if (seconds < -1) return '<invalid>';
  if (seconds < 0) return '0s';
  if (seconds < 120) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  const two = (big: number, unit: string, small: number, smaller: string) => (small === 0 ? `${big}${unit}` : `${big}${unit}${small}${smaller}`);
  if (minutes < 10) return two(minutes, 'm', seconds % 60, 's');
  if (minutes < 180) return `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  if (hours < 8) return two(hours, 'h', minutes % 60, 'm');
  if (hours < 48) return `${hours}h`;
  const days = Math.floor(hours / 24);
  if (hours < 192) return two(days, 'd', hours % 24, 'h');
  if (days < 365 * 2) return `${days}d`;
  const years = Math.floor(days / 365);
  return days < 365 * 8 ? two(years, 'y', days % 365, 'd') : `${years}y`;
}

export const age: Column = { name: 'Age', type: 'string', value: (object) => since(object.metadata.creationTimestamp) };
export const createdAt: Column = { name: 'Created At', type: 'date', value: (object) => object.metadata.creationTimestamp };
