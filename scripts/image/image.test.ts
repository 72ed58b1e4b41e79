import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readElf } from './elf.ts';
import { makeLayer, tarOf } from './layer.ts';
import { archiveOf, makeImage, makePlatformImage } from './oci.ts';
import { formatReference, parseReference } from './reference.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'image-'));
});
afterEach(() => rm(folder, { recursive: true }));

describe('layers', () => {
  it('are the same bytes whatever the order of their entries', async () => {
    const entries = [
      { path: '/b/c', mode: 0o755, content: Buffer.from('c') },
      { path: '/a', mode: 0o644, content: Buffer.from('a') },
    ];
    expect(await tarOf(entries)).toEqual(await tarOf(entries.toReversed()));
  });
  it('come from the cache as they were made', async () => {
    const entries = [{ path: '/a', mode: 0o644, content: Buffer.from('a') }];
    expect(await makeLayer(entries, folder)).toEqual(await makeLayer(entries, folder));
  });
});

describe('archives', () => {
  it('hold an OCI layout and the list that docker load reads', async () => {
    const layer = await makeLayer([{ path: '/a', mode: 0o644, content: Buffer.from('a') }], folder);
    const text = (await archiveOf(makeImage([makePlatformImage('amd64', [layer], {})]), 'example.com/x:1')).toString('latin1');
    expect(text).toContain('"imageLayoutVersion":"1.0.0"');
    expect(text).toContain('"io.containerd.image.name":"example.com/x:1"');
    expect(text).toContain(`"RepoTags":["example.com/x:1"],"Layers":["blobs/${layer.digest.replace(':', '/')}"]`);
  });
});

describe('references', () => {
  it('need a registry', () => {
    expect(formatReference(parseReference('localhost:5000/a/b'))).toBe('localhost:5000/a/b:latest');
    expect(parseReference('example.com/a_b/c:v1')).toEqual({ registry: 'example.com', repository: 'a_b/c', tag: 'v1' });
    expect(() => parseReference('busybox:1')).toThrow('not a reference with a registry');
    expect(() => parseReference('team/app:1')).toThrow('not a reference with a registry');
  });
});

describe('ELF', () => {
  it('refuses what is no program', () => {
    expect(() => readElf(Buffer.from('#!/bin/sh'), 'x')).toThrow('x is not a 64-bit little-endian ELF file');
  });
  it.skipIf(process.platform !== 'linux')('finds libraries and loader of the Node that runs this (Linux only)', async () => {
    const elf = readElf(await readFile(process.execPath), 'node');
    expect(elf.needed).toContain('libc.so.6');
    expect(elf.interpreter).toMatch(/ld-linux/);
  });
});
