/** The folder of `--state`: the API's objects, and the keys by which kubeconfigs and tokens of before are still good. */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { JWK } from 'jose';
import { codeOf } from '../base/errors.ts';
import type { CertificatePair } from './access/authority.ts';

export interface Keys {
  authority: CertificatePair;
  tokenKey: JWK;
}

export const objectsFile = (folder: string): string => join(folder, 'objects.jsonl');
const keysFile = (folder: string): string => join(folder, 'keys.json');

/** Of an earlier start. Makes the folder where there is none. */
export async function readKeys(folder: string): Promise<Keys | undefined> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  try {
    return JSON.parse(await readFile(keysFile(folder), 'utf8')) as Keys;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

export async function writeKeys(folder: string, keys: Keys): Promise<void> {
  const fresh = `${keysFile(folder)}.new`;
  await writeFile(fresh, JSON.stringify(keys), { mode: 0o600 });
  await rename(fresh, keysFile(folder));
}
