/** A column, and how times are told in one. */
import type { ApiObject } from '../object.ts';

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
