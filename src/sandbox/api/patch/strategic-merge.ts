/** Strategic merge patch: as a merge patch, but lists of the published kinds are merged by the key that names their items. */
import { copy, isObject, type JsonObject } from '../object.ts';
import type { SchemaNode } from '../schema/node.ts';

/** A new tree; neither argument is changed. @param schema says which lists are merged, and by what. */
export function strategicMerge(target: unknown, patch: unknown, schema: SchemaNode | undefined): unknown {
  if (!isObject(patch)) return copy(patch);
  const { $patch: directive, $retainKeys: retained, ...fields } = patch as JsonObject;
  if (directive === 'replace') return copy(fields);
  const result: JsonObject = isObject(target) ? (copy(target) as JsonObject) : {};
  if (Array.isArray(retained)) for (const key of Object.keys(result)) if (!retained.includes(key)) delete result[key];
  for (const [key, value] of Object.entries(fields)) {
    if (key.startsWith('$deleteFromPrimitiveList/')) {
      const list = key.slice(key.indexOf('/') + 1);
      const before = result[list];
      if (Array.isArray(before) && Array.isArray(value)) result[list] = before.filter((item) => !value.includes(item));
    } else if (key.startsWith('$setElementOrder/')) continue;
    else if (value === null || (isObject(value) && value['$patch'] === 'delete')) delete result[key];
    else {
      const below = schema?.properties?.[key] ?? schema?.additional;
      result[key] = Array.isArray(value) ? mergeList(result[key], value, below) : strategicMerge(result[key], value, below);
    }
  }
  for (const [key, order] of Object.entries(fields)) {
    if (!key.startsWith('$setElementOrder/') || !Array.isArray(order)) continue;
    const list = key.slice(key.indexOf('/') + 1);
    const merged = result[list];
    if (Array.isArray(merged)) result[list] = inOrder(merged, order, schema?.properties?.[list]?.mergeKey);
  }
  return result;
}

function mergeList(target: unknown, patch: readonly unknown[], schema: SchemaNode | undefined): unknown[] {
  const before: unknown[] = Array.isArray(target) ? target : [];
  const key = schema?.mergeKey;
  const replaces = patch.some((item) => isObject(item) && item['$patch'] === 'replace');
  if (schema?.mergeStrategy?.includes('merge') !== true || replaces) return copy(patch.filter((item) => !(isObject(item) && '$patch' in item))) as unknown[];
  if (key === undefined) return [...new Set([...before, ...patch])];
  let result = [...before];
  const added: unknown[] = [];
  for (const item of patch) {
    if (!isObject(item)) continue;
    const index = result.findIndex((other) => isObject(other) && other[key] === item[key]);
    if (item['$patch'] === 'delete') {
      if (index >= 0) result.splice(index, 1);
    } else if (index >= 0) result[index] = strategicMerge(result[index], item, schema.items);
    else added.push(strategicMerge(undefined, item, schema.items));
  }
  // New ones come first, where nothing says otherwise.
  result = [...added, ...result];
  return result;
}

/** Those that are named in their order, each where one of them stood; the others keep their places. */
function inOrder(list: readonly unknown[], order: readonly unknown[], key: string | undefined): unknown[] {
  const nameOf = (item: unknown): unknown => (key !== undefined && isObject(item) ? item[key] : item);
  const rank = new Map(order.map((item, index) => [nameOf(item), index] as const));
  const named = list.filter((item) => rank.has(nameOf(item))).sort((a, b) => (rank.get(nameOf(a)) ?? 0) - (rank.get(nameOf(b)) ?? 0));
  let next = 0;
  return list.map((item) => (rank.has(nameOf(item)) ? named[next++] : item));
}
