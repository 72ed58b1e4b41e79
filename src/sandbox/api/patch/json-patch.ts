/** RFC 6902, with the words of the API server for what does not apply. */
import { StatusError } from '../../contract.ts';
import { badRequest } from '../errors.ts';
import { copy, equal, isObject, type JsonObject } from '../object.ts';

interface Step {
  op: string;
  path: string;
  from?: string;
  value?: unknown;
}

const OPERATIONS_MOST = 10_000;

/** A new tree. @throws 400 for what is no patch, 422 when a path is not there or a test fails. */
export function jsonPatch(target: unknown, patch: unknown): unknown {
  if (!Array.isArray(patch)) throw badRequest('error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp');
  if (patch.length > OPERATIONS_MOST)
    throw new StatusError(413, 'RequestEntityTooLarge', `The allowed maximum operations in a JSON patch is ${OPERATIONS_MOST}, got ${patch.length}`);
  let document = copy(target);
  for (const step of patch as Step[]) document = apply(document, step);
  return document;
}

function apply(document: unknown, step: Step): unknown {
  const path = pointer(step.path);
  switch (step.op) {
    case 'add':
      return add(document, path, copy(step.value));
    case 'remove':
      read(document, path);
      return remove(document, path);
    case 'replace':
      return path.length === 0 ? copy(step.value) : set(document, path, copy(step.value));
    case 'test':
      if (!equal(peek(document, path) ?? null, step.value ?? null)) throw failed();
      return document;
    case 'copy':
      return add(document, path, copy(read(document, pointer(step.from ?? ''))));
    case 'move': {
      const moved = read(document, pointer(step.from ?? ''));
      return add(remove(document, pointer(step.from ?? '')), path, moved);
    }
    default:
      throw failed();
  }
}

/** Why, a real server keeps to itself. */
function failed(): StatusError {
  return new StatusError(422, 'Invalid', 'the server rejected our request due to an error in our request', {});
}

function pointer(path: string): string[] {
  if (path === '') return [];
  if (typeof path !== 'string' || !path.startsWith('/')) throw failed();
  return path
    .slice(1)
    .split('/')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function indexOf(list: unknown[], key: string, forAdd: boolean): number {
  if (key === '-' && forAdd) return list.length;
  const index = /^-?\d+$/.test(key) ? Number(key) : Number.NaN;
  const most = forAdd ? list.length : list.length - 1;
  if (!Number.isInteger(index) || index > most || index < 0) throw failed();
  return index;
}

function peek(document: unknown, path: string[]): unknown {
  let here = document;
  for (const key of path) {
    if (Array.isArray(here)) here = here[Number(key)];
    else if (isObject(here)) here = here[key];
    else return undefined;
  }
  return here;
}

function read(document: unknown, path: string[]): unknown {
  const value = peek(document, path);
  if (value === undefined) throw failed();
  return value;
}

function container(document: unknown, path: string[]): unknown[] | JsonObject {
  const parent = peek(document, path.slice(0, -1));
  if (Array.isArray(parent) || isObject(parent)) return parent;
  throw failed();
}

function add(document: unknown, path: string[], value: unknown): unknown {
  const key = path.at(-1);
  if (key === undefined) return value;
  const parent = container(document, path);
  if (Array.isArray(parent)) parent.splice(indexOf(parent, key, true), 0, value);
  else if (key !== '__proto__') parent[key] = value;
  return document;
}

/** A real server takes a `replace` of a key that is not there for an `add`, where there is what it would be in. */
function set(document: unknown, path: string[], value: unknown): unknown {
  const key = path.at(-1) ?? '';
  const parent = container(document, path);
  if (Array.isArray(parent)) parent[indexOf(parent, key, false)] = value;
  else if (key !== '__proto__') parent[key] = value;
  return document;
}

function remove(document: unknown, path: string[]): unknown {
  const key = path.at(-1);
  if (key === undefined) return {};
  const parent = container(document, path);
  if (Array.isArray(parent)) parent.splice(indexOf(parent, key, false), 1);
  else delete parent[key];
  return document;
}
