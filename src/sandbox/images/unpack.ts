/** Writes an image's layers into a folder, each above the one before, with what a layer says of the removal of files below it. */
import { createWriteStream } from 'node:fs';
import { chmod, lchown, link, mkdir, readdir, readlink, rm, symlink, utimes } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { extract, type Header } from 'tar-stream';
import { codeOf } from '../../base/errors.ts';

const WHITEOUT = '.wh.';
const OPAQUE = '.wh..wh..opq';
const LINKS_AT_MOST = 40;

/** @param layer the bytes as they stand in the archive: plain, gzip or zstd. */
export async function unpackLayer(layer: Buffer, root: string): Promise<void> {
  const entries = extract();
  const decoder = decoderOf(layer);
  // streamx's streams are Node's in all but their types
  const sink = entries as unknown as NodeJS.WritableStream;
  const feed = decoder === undefined ? pipeline(oneChunk(layer), sink) : pipeline(oneChunk(layer), decoder, sink);
  // fails with the loop below
  feed.catch(() => {});
  for await (const entry of entries) {
    await place(entry.header, entry as AsyncIterable<Uint8Array>, root);
    entry.resume();
  }
  await feed;
}

async function* oneChunk(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}

function decoderOf(layer: Buffer) {
  if (layer[0] === 0x1f && layer[1] === 0x8b) return createGunzip();
  return layer.readUInt32LE(0) === 0xfd2fb528 ? createZstdDecompress() : undefined;
}

async function place(header: Header, content: AsyncIterable<Uint8Array>, root: string): Promise<void> {
  const parts = header.name.split('/').filter((part) => part !== '' && part !== '.');
  const name = parts.pop();
  if (name === undefined || name === '..' || parts.includes('..')) return;
  const folder = await folderIn(root, parts);
  const target = join(folder, name);
  if (name === OPAQUE) {
    for (const entry of await readdir(folder)) await rm(join(folder, entry), { recursive: true });
    return;
  }
  if (name.startsWith(WHITEOUT)) return rm(join(folder, name.slice(WHITEOUT.length)), { recursive: true, force: true });
  switch (header.type) {
    case 'directory':
      await mkdir(target).catch(async (error: unknown) => {
        if (codeOf(error) !== 'EEXIST') throw error;
        // a folder over a file replaces it, over a folder joins it
        if (await isFolder(target)) return;
        await rm(target);
        await mkdir(target);
      });
      break;
    case 'symlink':
      await rm(target, { recursive: true, force: true });
      await symlink(header.linkname ?? '', target);
      break;
    case 'link': {
      await rm(target, { recursive: true, force: true });
      const from = (header.linkname ?? '').split('/').filter((part) => part !== '' && part !== '.');
      const file = from.pop() ?? '';
      await link(join(await folderIn(root, from), file), target);
      return;
    }
    case 'file':
    case 'contiguous-file':
    case null:
    case undefined:
      await rm(target, { recursive: true, force: true });
      await pipeline(content, createWriteStream(target, { mode: 0o600 }));
      break;
    default:
      // devices and pipes: a container gets its own /dev
      return;
  }
  // Only root may give files away; in a user namespace all belong to the one user there is.
  if (process.getuid?.() === 0) await lchown(target, header.uid ?? 0, header.gid ?? 0).catch(ignoreUnmapped);
  if (header.type === 'symlink') return;
  await chmod(target, header.mode ?? 0o644);
  if (header.mtime !== undefined) await utimes(target, header.mtime, header.mtime);
}

function ignoreUnmapped(error: unknown): void {
  if (codeOf(error) !== 'EINVAL' && codeOf(error) !== 'EPERM') throw error;
}

async function isFolder(path: string): Promise<boolean> {
  return readdir(path).then(
    () => true,
    () => false,
  );
}

/** The folder that these names lead to inside `root`, its links followed as the container will follow them; made where it is missing. */
async function folderIn(root: string, parts: readonly string[]): Promise<string> {
  let at = root;
  const rest = [...parts];
  let links = 0;
  for (let part = rest.shift(); part !== undefined; part = rest.shift()) {
    if (part === '' || part === '.') continue;
    if (part === '..') {
      if (at !== root) at = dirname(at);
      continue;
    }
    const next = join(at, part);
    const to = await readlink(next).catch((error: unknown) => {
      if (codeOf(error) === 'EINVAL') return undefined;
      if (codeOf(error) !== 'ENOENT') throw error;
      return mkdir(next, { mode: 0o755 }).then(() => undefined);
    });
    if (to === undefined) at = next;
    else {
      if (++links > LINKS_AT_MOST) throw new Error(`${relative(root, next)}: too many links`);
      rest.unshift(...to.split('/'));
      if (to.startsWith('/')) at = root;
    }
  }
  return at;
}
