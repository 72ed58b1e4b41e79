/** Holds the layout: who may import whom, no cycles, file sizes, a module comment in each folder's entry file. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { VERSION } from '../src/base/version.ts';

const root = path.join(import.meta.dirname, '..');
const foundation = ['base', 'net', 'config', 'protocol'];

/** A folder of src → what it may import. Programs never import each other: they meet in protocol/. */
const ALLOWED: Record<string, string[]> = {
  base: [],
  net: ['base'],
  config: ['base', 'net'],
  protocol: ['base', 'net'],
  mux: ['base', 'net'],
  rpc: ['base', 'net', 'protocol', 'mux'],
  tunnel: ['base', 'net', 'protocol', 'mux', 'rpc'],
  kube: ['base', 'net'],
  http: ['base', 'net'],
  dns: ['base', 'net'],
  install: ['base', 'net', 'protocol', 'kube'],
  // starts in about 100 ms: no kube client, no mux
  cli: ['base', 'net', 'config', 'protocol', 'rpc'],
  daemon: [...foundation, 'mux', 'rpc', 'tunnel', 'kube', 'dns', 'install'],
  // the only privileged program: as little code as can be
  netd: ['base', 'net', 'protocol', 'rpc'],
  manager: [...foundation, 'mux', 'rpc', 'tunnel', 'kube', 'dns', 'install'],
  agent: ['base', 'net', 'protocol', 'mux', 'rpc', 'tunnel', 'http'],
  cloud: [...foundation, 'mux', 'rpc', 'tunnel', 'http'],
  // serves a sandbox's Ingresses: of the product it shares mechanisms only
  ingress: ['base', 'net', 'http', 'kube', 'tunnel'],
  // a cluster, not a part of the product's own: it knows none of its objects
  sandbox: ['base', 'net', 'config', 'protocol', 'rpc', 'kube', 'http', 'dns'],
};
const LINES_AT_MOST = 400;

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const full = path.join(folder, entry.name);
    return entry.isDirectory() ? filesBelow(full) : full.endsWith('.ts') || full.endsWith('.tsx') ? [full] : [];
  });
}

const src = path.join(root, 'src');
const sources = filesBelow(src);
const importsOf = new Map(
  sources.map((file) => {
    const { importedFiles } = ts.preProcessFile(readFileSync(file, 'utf8'), true, true);
    const inside = importedFiles.filter(({ fileName }) => fileName.startsWith('.')).map(({ fileName }) => path.resolve(path.dirname(file), fileName));
    return [file, inside] as const;
  }),
);
const partOf = (file: string): string => path.relative(src, file).split(path.sep)[0] ?? '';

describe('the import table', () => {
  it('reads every source file', () => {
    expect(sources.length).toBeGreaterThan(20);
  });

  it('names each folder of src', () => {
    const folders = readdirSync(src).filter((name) => statSync(path.join(src, name)).isDirectory() && filesBelow(path.join(src, name)).length > 0);
    expect(folders.filter((name) => !(name in ALLOWED))).toEqual([]);
  });

  it('is kept', () => {
    const broken: string[] = [];
    for (const [file, imports] of importsOf) {
      // tests may build their counterpart from another program
      if (file.endsWith('.test.ts')) continue;
      for (const target of imports) {
        const from = partOf(file);
        const to = partOf(target);
        if (!target.startsWith(src + path.sep)) broken.push(`${path.relative(root, file)} → ${path.relative(root, target)} (outside src)`);
        else if (from !== to && !ALLOWED[from]?.includes(to)) broken.push(`${path.relative(root, file)} → ${path.relative(root, target)}`);
      }
    }
    expect(broken).toEqual([]);
  });

  it('imports http where it costs least', () => {
    const costly = sources.filter((file) => {
      if (file.endsWith('.test.ts') || file.includes('/testing/')) return false;
      const text = readFileSync(file, 'utf8');
      // a type's import('node:http').X costs nothing
      return /^import (?!type )[^;]*from '(node:)?http';/m.test(text) || /import\('(node:)?http'\)(?!\.[A-Z])/.test(text);
    });
    // base/node-http.ts says why
    expect(costly.map((file) => path.relative(root, file))).toEqual([]);
  });

  it('has no cycle of files', () => {
    const state = new Map<string, 'open' | 'done'>();
    const cycles: string[] = [];
    const visit = (file: string, trail: string[]): void => {
      if (state.get(file) === 'done') return;
      if (state.get(file) === 'open') {
        cycles.push([...trail.slice(trail.indexOf(file)), file].map((name) => path.relative(src, name)).join(' → '));
        return;
      }
      state.set(file, 'open');
      for (const target of importsOf.get(file) ?? []) visit(target, [...trail, file]);
      state.set(file, 'done');
    };
    for (const file of sources) visit(file, []);
    expect(cycles).toEqual([]);
  });
});

describe('files', () => {
  it(`have at most ${LINES_AT_MOST} lines`, () => {
    const all = [...sources, ...filesBelow(path.join(root, 'test')), ...filesBelow(path.join(root, 'scripts'))];
    const long = all
      .map((file) => [path.relative(root, file), readFileSync(file, 'utf8').split('\n').length] as const)
      .filter(([, lines]) => lines > LINES_AT_MOST);
    expect(long).toEqual([]);
  });

  it('begin with a comment that says what they are for, where they are a folder’s entry', () => {
    const entries = sources.filter((file) => /(^|\/)(index|main)\.ts$/.test(file));
    expect(entries.filter((file) => !readFileSync(file, 'utf8').startsWith('/**')).map((file) => path.relative(root, file))).toEqual([]);
  });
});

it('VERSION is the version of the package', () => {
  expect(JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')).version).toBe(VERSION);
});
