/** A store on disk: what it has after its process ended, in whatever moment. */
import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { STATE_REWRITE_BYTES } from '../limits.ts';
import type { ApiObject } from '../object.ts';
import { openStore } from './disk.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'disk-'));
  file = path.join(folder, 'objects.jsonl');
});
afterEach(() => rmSync(folder, { recursive: true }));

const open = (revive = (_: string, object: ApiObject) => object) => openStore({ file, revive });
const map = (name: string, data: Record<string, string> = {}): ApiObject =>
  ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace: 'shop', uid: name, creationTimestamp: '', resourceVersion: '' },
    data,
  }) as unknown as ApiObject;

it('goes on with its objects and its revisions', () => {
  const before = open();
  const maps = before.collection('configmaps');
  maps.put(map('kept', { a: '1' }));
  maps.put(map('changed', { a: '1' }));
  maps.put(map('changed', { a: '2' }));
  maps.remove(maps.put(map('gone')));
  before.collection('secrets').put(map('secret'));
  const after = open();
  expect(after.revision).toBe(before.revision);
  expect(after.collection('configmaps').list()).toEqual(maps.list());
  expect(after.collection('secrets').count()).toBe(1);
  expect(Number(after.collection('configmaps').put(map('next')).metadata.resourceVersion)).toBe(before.revision + 1);
});

it('knows the newest revision also when what it was of is gone and the file was written anew', () => {
  const before = open();
  const maps = before.collection('configmaps');
  maps.remove(maps.put(map('gone')));
  open();
  expect(open().revision).toBe(before.revision);
});

it('tells a watch of before that it can’t go on', () => {
  const before = open();
  before.collection('configmaps').put(map('one'));
  const since = before.revision;
  before.collection('configmaps').put(map('two'));
  const after = open().collection('configmaps');
  expect(() => after.watch(since, () => {})).toThrow('too old resource version');
});

it('forgets the line in which its process died', () => {
  open().collection('configmaps').put(map('whole'));
  appendFileSync(file, '{"collection":"configmaps","obj');
  const after = open();
  expect(after.collection('configmaps').list()).toHaveLength(1);
  after.collection('configmaps').put(map('next'));
  expect(open().collection('configmaps').count()).toBe(2);
});

it('refuses a file with anything else in it, and leaves it alone', () => {
  appendFileSync(file, 'a diary\n{"revision":7}\n');
  expect(() => open()).toThrow(`Line 1 of ${file} is not what a sandbox writes.`);
  expect(readFileSync(file, 'utf8')).toBe('a diary\n{"revision":7}\n');
});

it('does not grow with the number of changes', () => {
  const maps = open().collection('configmaps');
  const data = { text: 'x'.repeat(100_000) };
  const changes = (3 * STATE_REWRITE_BYTES) / 100_000;
  for (let change = 0; change < changes; change++) maps.put(map('busy', data));
  expect(statSync(file).size).toBeLessThan(2 * STATE_REWRITE_BYTES);
  expect(open().collection('configmaps').list()).toEqual(maps.list());
});

it('gives objects back as they are after a restart', () => {
  open().collection('pods').put(map('one'));
  const revived = open((collection, object) => ({ ...object, revivedIn: collection }) as ApiObject);
  expect(revived.collection('pods').list()).toMatchObject([{ revivedIn: 'pods' }]);
});
