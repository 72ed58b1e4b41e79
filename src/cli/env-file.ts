/** Writes an environment so that the file is whole or not there, and nobody else's to read. */
import { randomBytes } from 'node:crypto';
import { open, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { CodedError, codeOf, messageOf } from '../base/errors.ts';

/** Throws TP-ENV-FILE; what stood in the file before is then untouched. */
export async function writeEnvFile(file: string, text: string): Promise<void> {
  try {
    const target = await follow(file);
    if (target.special) await writeFile(target.path, text);
    else await replace(target.path, text);
  } catch (error) {
    if (error instanceof CodedError) throw error;
    throw new CodedError('TP-ENV-FILE', `The environment could not be written to ${file}: ${messageOf(error)}.`, { cause: error });
  }
}

/** A link is written through, not replaced; a device or pipe is written into. */
async function follow(file: string): Promise<{ path: string; special: boolean }> {
  try {
    const path = await realpath(file);
    const found = await stat(path);
    if (found.isDirectory()) throw new CodedError('TP-ENV-FILE', `${file} is a folder.`);
    return { path, special: !found.isFile() };
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return { path: resolve(file), special: false };
    throw error;
  }
}

async function replace(path: string, text: string): Promise<void> {
  const temporary = resolve(dirname(path), `.telepresence-${randomBytes(6).toString('hex')}.tmp`);
  try {
    const handle = await open(temporary, 'wx', 0o600);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
