/** Images from what lies on this machine: a folder with a command, or one static program. */
import { execFile } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { copyFile, cp, mkdir, symlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { ImageStore } from './store.ts';
import type { StoredImage } from './stored-image.ts';

const PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
/** Each call makes a new image: its files may have changed. */
const newId = () => `sha256:${createHash('sha256').update(randomUUID()).digest('hex')}`;

/** `folder` becomes the root. */
export function imageOfFolder(store: ImageStore, name: string, folder: string, command: string[]): Promise<StoredImage> {
  return store.put(name, newId(), { Entrypoint: command, Env: [PATH] }, (root) =>
    cp(folder, root, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true }),
  );
}

/** A root with nothing but this program, under `path`. busybox brings a link for each of its programs, and is a shell. */
export function imageOfProgram(store: ImageStore, name: string, file: string, path: string): Promise<StoredImage> {
  const busybox = basename(path) === 'busybox';
  return store.put(name, newId(), { Entrypoint: [busybox ? '/bin/sh' : path], Env: [PATH] }, async (root) => {
    const folder = join(root, dirname(path));
    for (const one of [folder, join(root, 'tmp'), join(root, 'etc')]) await mkdir(one, { recursive: true });
    await copyFile(file, join(root, path));
    if (!busybox) return;
    const { stdout } = await promisify(execFile)(file, ['--list']);
    for (const applet of stdout.split('\n')) if (applet !== '' && applet !== 'busybox') await symlink('busybox', join(folder, applet));
  });
}
