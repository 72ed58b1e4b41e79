/** A client that calls itself another version than the manager's, as workstations do that were not upgraded with the cluster. */
import { cp, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { repository } from './cluster.ts';

/** A copy of this checkout's client with that version in it. */
export async function clientOfVersion(version: string): Promise<AsyncDisposable & { binary: string }> {
  const folder = await mkdtemp(path.join(tmpdir(), 'tp-version-'));
  for (const part of ['bin', 'src', 'package.json']) await cp(path.join(repository, part), path.join(folder, part), { recursive: true });
  await symlink(path.join(repository, 'node_modules'), path.join(folder, 'node_modules'));
  await writeFile(path.join(folder, 'src/base/version.ts'), `export const VERSION = '${version}';\n`);
  return {
    binary: path.join(folder, 'bin/telepresence'),
    async [Symbol.asyncDispose]() {
      await rm(folder, { recursive: true, force: true });
    },
  };
}
