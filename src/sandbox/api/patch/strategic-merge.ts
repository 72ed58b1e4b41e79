/** Strategic merge patch: as a merge patch, but lists of the published kinds are merged by the key that names their items. */
import { copy, isObject, type JsonObject } from '../object.ts';

/** The published merge keys, by the name of the list's field. */
const KEYS: Record<string, string> = {
  conditions: 'type',
  containers: 'name',
  env: 'name',
  ephemeralContainers: 'name',
  hostAliases: 'ip',
  imagePullSecrets: 'name',
  initContainers: 'name',
  ownerReferences: 'uid',
  podIPs: 'ip',
  secrets: 'name',
  taints: 'key',
  topologySpreadConstraints: 'topologyKey',
  volumeDevices: 'devicePath',
  volumeMounts: 'mountPath',
  volumes: 'name',
};

function keyFor(field: string, items: readonly unknown[]): string {
  if (field !== 'ports') return KEYS[field] ?? '';
  return items.some((item) => isObject(item) && item['containerPort'] !== undefined) ? 'containerPort' : 'port';
}

/** A new tree; neither argument is changed. */
export function strategicMerge(target: unknown, patch: unknown): unknown {
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
    else if (value === null) delete result[key];
    else if (isObject(value) && value['$patch'] === 'delete') delete result[key];
    else result[key] = Array.isArray(value) ? mergeList(key, result[key], value) : strategicMerge(result[key], value);
  }
  return result;
}

function mergeList(field: string, target: unknown, patch: readonly unknown[]): unknown[] {
  const before: unknown[] = Array.isArray(target) ? target : [];
  if (field === 'finalizers') return [...new Set([...before, ...patch])];
  const key = keyFor(field, [...before, ...patch]);
  const directives = patch.filter((item) => isObject(item) && item['$patch'] === 'replace');
  if (key === '' || directives.length > 0) return copy(patch.filter((item) => !directives.includes(item))) as unknown[];
  const result = [...before];
  for (const item of patch) {
    if (!isObject(item)) continue;
    const index = result.findIndex((other) => isObject(other) && other[key] === item[key]);
    if (item['$patch'] === 'delete') {
      if (index >= 0) result.splice(index, 1);
    } else if (index >= 0) result[index] = strategicMerge(result[index], item);
    else result.push(strategicMerge(undefined, item));
  }
  return result;
}
