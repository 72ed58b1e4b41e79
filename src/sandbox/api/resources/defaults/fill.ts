/** Filling in what was left out. */
import { isObject, type JsonObject } from '../../object.ts';

/** Changes the target; what is there stays. */
export function fill(target: JsonObject, values: JsonObject): void {
  for (const [key, value] of Object.entries(values)) {
    const there = target[key];
    if (there === undefined || there === null) target[key] = structuredClone(value);
    else if (isObject(there) && isObject(value)) fill(there, value);
  }
}

/** The object at a key, made when it is not there. */
export function part(target: JsonObject, key: string): JsonObject {
  if (!isObject(target[key])) target[key] = {};
  return target[key] as JsonObject;
}

/** The objects of a list; none when it is not there. */
export function items(target: JsonObject, key: string): JsonObject[] {
  const list = target[key];
  return Array.isArray(list) ? (list as unknown[]).filter(isObject) : [];
}
