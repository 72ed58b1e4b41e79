/**
 * The store on disk: a file with a line for each change, written anew as one line for each object when it has grown. What somebody was told
 * is in the file when this process dies, however it dies; whether it is when the machine dies is the file system's affair.
 */
import { closeSync, openSync, readFileSync, renameSync, writeFileSync, writeSync } from 'node:fs';
import { CodedError, codeOf } from '../../../base/errors.ts';
import { STATE_REWRITE_BYTES } from '../limits.ts';
import type { ApiObject } from '../object.ts';
import { Store } from './store.ts';

type Line =
  | { revision: number }
  | { collection: string; object: ApiObject }
  | { collection: string; gone: { namespace: string; name: string }; revision: number };

export interface KeptStore {
  file: string;
  /** What an object is after a restart, which some do not outlive as they were. */
  revive(collection: string, object: ApiObject): ApiObject;
}

/** A store that goes on with what the file has, or begins it. @throws TP-SANDBOX-START for a file that is none of ours */
export function openStore({ file, revive }: KeptStore): Store {
  const lines = readLines(file);
  const store = new Store(lines.reduce((newest, line) => Math.max(newest, revisionOf(line)), 1));
  for (const line of lines) {
    if ('object' in line) store.collection(line.collection).restore(line.object);
    else if ('gone' in line) store.collection(line.collection).forget(line.gone.namespace, line.gone.name);
  }
  for (const collection of store.collections()) for (const object of [...collection.list()]) collection.restore(revive(collection.name, object));
  keep(store, file);
  return store;
}

function readLines(file: string): Line[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  }
  const lines = text.split('\n');
  // what stands behind the last line's end was being written when its process died: nobody was told of it
  lines.pop();
  return lines.map((line, index): Line => {
    try {
      return JSON.parse(line) as Line;
    } catch (error) {
      throw new CodedError('TP-SANDBOX-START', `Line ${index + 1} of ${file} is not what a sandbox writes.`, { cause: error });
    }
  });
}

function revisionOf(line: Line): number {
  return 'object' in line ? Number(line.object.metadata.resourceVersion) : line.revision;
}

function keep(store: Store, file: string): void {
  let descriptor: number | undefined;
  let length = 0;
  let most = 0;
  const rewrite = (): void => {
    const lines: Line[] = [{ revision: store.revision }];
    for (const { name, list } of everything(store)) for (const object of list) lines.push({ collection: name, object });
    const fresh = Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    writeFileSync(`${file}.new`, fresh, { mode: 0o600 });
    renameSync(`${file}.new`, file);
    if (descriptor !== undefined) closeSync(descriptor);
    descriptor = openSync(file, 'a', 0o600);
    length = fresh.length;
    most = 2 * length + STATE_REWRITE_BYTES;
  };
  rewrite();
  store.recordTo((collection, { type, revision, object }) => {
    const { namespace = '', name } = object.metadata;
    const line: Line = type === 'DELETED' ? { collection, gone: { namespace, name }, revision } : { collection, object };
    const bytes = Buffer.from(`${JSON.stringify(line)}\n`);
    if (descriptor !== undefined) writeSync(descriptor, bytes);
    length += bytes.length;
    if (length > most) rewrite();
  });
}

function* everything(store: Store): Generator<{ name: string; list: readonly ApiObject[] }> {
  for (const collection of store.collections()) yield { name: collection.name, list: collection.list() };
}
