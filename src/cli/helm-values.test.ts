import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readHelmValues, type ValueFlags } from './helm-values.ts';

const folder = mkdtempSync(join(tmpdir(), 'tp-values-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const read = (flags: Partial<ValueFlags>) => readHelmValues({ files: [], json: [], set: [], text: [], file: [], ...flags }, folder);

describe('helm values', () => {
  it.each([
    ['a=b', { a: 'b' }],
    ['a.b.c=1', { a: { b: { c: 1 } } }],
    ['a=true,b=false,c=null,d=-5,e=007,f=1.5,g=', { a: true, b: false, c: null, d: -5, e: '007', f: '1.5', g: '' }],
    ['list={x,y,3}', { list: ['x', 'y', 3] }],
    ['list={}', { list: [] }],
    ['list[1].name=x', { list: [null, { name: 'x' }] }],
    ['list[0][1]=x', { list: [[null, 'x']] }],
    [String.raw`a=b\,c,d=e`, { a: 'b,c', d: 'e' }],
    [String.raw`node\.kubernetes\.io/os=linux`, { 'node.kubernetes.io/os': 'linux' }],
    ['a=b=c', { a: 'b=c' }],
    ['big=12345678901234567890', { big: '12345678901234567890' }],
  ])('--set %s', async (text, values) => {
    expect(await read({ set: [text] })).toEqual(values);
  });

  it('keeps text under --set-string, reads JSON and files', async () => {
    writeFileSync(join(folder, 'note.txt'), 'two\nlines\n');
    expect(await read({ text: ['a=1,b=true'], json: ['c={"d":[1,{"e":null}]}', '{"f":1}'], file: ['g.h=note.txt'] })).toEqual({
      a: '1',
      b: 'true',
      c: { d: [1, { e: null }] },
      f: 1,
      g: { h: 'two\nlines\n' },
    });
  });

  it('merges files in order and lets flags win', async () => {
    writeFileSync(join(folder, 'one.yaml'), 'a: {b: 1, c: [1]}\nd: 1\n');
    writeFileSync(join(folder, 'two.yaml'), 'a: {b: 2, c: [2]}\ne: null\n');
    writeFileSync(join(folder, 'none.yaml'), '');
    expect(await read({ files: ['one.yaml', 'two.yaml', 'none.yaml'], set: ['d=3', 'a.f=4'] })).toEqual({ a: { b: 2, c: [2], f: 4 }, d: 3, e: null });
  });

  it.each([
    [{ set: ['a'] }, '--set a has no =.'],
    [{ set: ['=b'] }, 'is not a path'],
    [{ set: ['a..b=c'] }, 'is not a path'],
    [{ set: ['a[x]=c'] }, 'is not a path'],
    [{ set: ['a[70000]=c'] }, 'the index 70000 is larger than 65536'],
    [{ set: ['__proto__.x=1'] }, "can't be set"],
    [{ json: ['a={'] }, 'is not JSON'],
    [{ file: ['a=missing'] }, "can't be read"],
    [{ files: ['list.yaml'] }, 'does not hold an object'],
    [{ files: ['bad.yaml'] }, 'is not YAML'],
  ])('refuses %j', async (flags, message) => {
    writeFileSync(join(folder, 'list.yaml'), '- a\n');
    writeFileSync(join(folder, 'bad.yaml'), 'a: [\n');
    await expect(read(flags)).rejects.toThrow(message);
  });
});
