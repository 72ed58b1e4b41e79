/** dist/image.tar, made anew where what it is made of has changed since. */
import { spawnSync } from 'node:child_process';
import { globSync, statSync } from 'node:fs';
import path from 'node:path';

const root = path.join(import.meta.dirname, '..');
const SOURCES = ['bin/*', 'src/**/*.ts', 'scripts/image.ts', 'scripts/bundle.ts', 'scripts/image/*', 'package-lock.json'];

/** @returns the archive's path. */
export function imageOfThisCheckout(): string {
  const archive = path.join(root, 'dist/image.tar');
  const made = statSync(archive, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (globSync(SOURCES, { cwd: root }).some((file) => statSync(path.join(root, file)).mtimeMs > made)) {
    process.stdout.write('Making the image of the programs that run in the cluster\n');
    const { status, error } = spawnSync(process.execPath, [path.join(root, 'scripts/image.ts')], { stdio: 'inherit' });
    if (error) throw error;
    if (status !== 0) throw new Error('the image could not be made');
  }
  return archive;
}
