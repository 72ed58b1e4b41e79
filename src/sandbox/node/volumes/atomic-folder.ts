/** A folder whose files change all at once: they are links into another folder, which is exchanged as a whole. As a kubelet does it. */
import { chmod, lchown, mkdir, readdir, readFile, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { codeOf } from '../../../base/errors.ts';

export interface VolumeFile {
  bytes: Buffer;
  mode: number;
}

const DATA = '..data';
const GROUP_READ = 0o040;

/** Does nothing when the folder holds exactly this. @param group its files belong to, where that can be said. */
export async function writeAtomically(folder: string, files: ReadonlyMap<string, VolumeFile>, group: number | undefined): Promise<boolean> {
  const before = await readlink(join(folder, DATA)).catch(() => undefined);
  if (before !== undefined && (await holds(join(folder, before), files))) return false;
  const stamp = `..${new Date().toISOString().replace(/[-:T]/g, '_').replace('.', '.').slice(0, 19)}.${process.hrtime.bigint().toString().slice(-9)}`;
  const fresh = join(folder, stamp);
  await mkdir(fresh, { mode: 0o755 });
  for (const [path, { bytes, mode }] of files) {
    const file = join(fresh, path);
    await mkdir(dirname(file), { recursive: true, mode: 0o755 });
    await writeFile(file, bytes);
    await chmod(file, group === undefined ? mode : mode | GROUP_READ);
    if (group !== undefined) await giveTo(file, group);
  }
  await symlink(stamp, join(folder, `${DATA}_tmp`));
  await rename(join(folder, `${DATA}_tmp`), join(folder, DATA));
  const wanted = new Set([...files.keys()].map((path) => path.split('/')[0] ?? path));
  const there = (await readdir(folder)).filter((name) => !name.startsWith('..'));
  for (const name of wanted) if (!there.includes(name)) await symlink(join(DATA, name), join(folder, name));
  for (const name of there) if (!wanted.has(name)) await rm(join(folder, name));
  if (before !== undefined) await rm(join(folder, before), { recursive: true });
  return true;
}

async function holds(folder: string, files: ReadonlyMap<string, VolumeFile>): Promise<boolean> {
  const names = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => !entry.isDirectory());
  if (names.length !== files.size) return false;
  for (const [path, { bytes }] of files) {
    const there = await readFile(join(folder, path)).catch(() => undefined);
    if (there?.equals(bytes) !== true) return false;
  }
  return true;
}

/** In a user namespace with one user there is no other group: then all belongs to that user, whom every container is. */
export async function giveTo(path: string, group: number): Promise<void> {
  await lchown(path, 0, group).catch((error: unknown) => {
    if (codeOf(error) !== 'EINVAL' && codeOf(error) !== 'EPERM') throw error;
  });
}
