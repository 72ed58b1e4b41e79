/** Puts an image into the sandbox's folder; it needs not run. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { CodedError } from '../../base/errors.ts';
import { loadArchive } from '../images/archive.ts';
import { imageOfFolder, imageOfProgram } from '../images/make.ts';
import { createImageStore } from '../images/store.ts';

export async function image(folder: string, args: string[], usage: string): Promise<void> {
  const store = createImageStore(join(folder, 'images'));
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const optional = args[0] === '--if-missing';
  const [first = '', source = '', path = '', ...rest] = optional ? args.slice(1) : args;
  if (first === '--load') await loadArchive(store, source);
  else if (source === '' || path === '') throw new CodedError('TP-USAGE', usage.trimEnd());
  else if (optional && (await store.find(first)) !== undefined) return;
  else if (path === '--') await imageOfFolder(store, first, source, rest);
  else await imageOfProgram(store, first, source, path);
}
