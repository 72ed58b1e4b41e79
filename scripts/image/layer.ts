/** Layers of an image: tar archives whose bytes depend on names, modes and contents alone. */
import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { pack } from 'tar-stream';

export interface LayerEntry {
  /** Absolute path in the image. */
  path: string;
  mode: number;
  /** Absent: a folder. */
  content?: Uint8Array;
}
export interface Blob {
  /** `sha256:…` of the bytes. */
  digest: string;
  bytes: Buffer;
}
export interface Layer extends Blob {
  /** Digest of the tar inside the gzip. */
  diffId: string;
}

export function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/** A tar archive of the entries and of the folders above them, sorted by path, owned by root, dated 1970. */
export async function tarOf(entries: readonly LayerEntry[]): Promise<Buffer> {
  const byPath = new Map<string, LayerEntry>();
  for (const entry of entries) {
    const parts = entry.path.split('/').slice(1, -1);
    for (let depth = 1; depth <= parts.length; depth++) {
      const folder = `/${parts.slice(0, depth).join('/')}`;
      if (!byPath.has(folder)) byPath.set(folder, { path: folder, mode: 0o755 });
    }
    byPath.set(entry.path, entry);
  }
  const archive = pack();
  const chunks: Buffer[] = [];
  const collected = (async () => {
    for await (const chunk of archive) {
      if (!(chunk instanceof Uint8Array)) throw new Error('the tar writer gave something else than bytes');
      chunks.push(Buffer.from(chunk));
    }
  })();
  for (const path of [...byPath.keys()].sort()) {
    const entry = byPath.get(path);
    if (entry === undefined) continue;
    const header = { name: path.slice(1), mode: entry.mode, mtime: new Date(0), uid: 0, gid: 0, uname: '', gname: '' };
    if (entry.content === undefined) archive.entry({ ...header, type: 'directory', name: `${header.name}/` });
    else archive.entry({ ...header, type: 'file' }, Buffer.from(entry.content.buffer, entry.content.byteOffset, entry.content.byteLength));
  }
  archive.finalize();
  await collected;
  return Buffer.concat(chunks);
}

/** Makes a layer. Compressing Node takes seconds, so `cache` (a folder) keeps compressed layers by the digest of what they hold. */
export async function makeLayer(entries: readonly LayerEntry[], cache: string): Promise<Layer> {
  const tar = await tarOf(entries);
  const diffId = digestOf(tar);
  const file = join(cache, `${diffId.replace(':', '-')}.tar.gz`);
  const cached = await readFile(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (cached !== undefined) return { diffId, digest: digestOf(cached), bytes: cached };
  const bytes = await promisify(gzip)(tar, { level: 9 });
  await mkdir(cache, { recursive: true });
  // Renamed into place, so that a run that was interrupted leaves no half layer under a name that vouches for it.
  await writeFile(`${file}.${process.pid}`, bytes);
  await rename(`${file}.${process.pid}`, file);
  return { diffId, digest: digestOf(bytes), bytes };
}
