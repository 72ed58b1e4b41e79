/**
 * The images of a sandbox: folders on disk, beside them a file for each name. Whoever puts one in needs no running sandbox, and a node
 * looks at each start of a container.
 */
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CodedError, codeOf } from '../../base/errors.ts';
import { normalReference } from './reference.ts';
import type { ImageConfig, StoredImage } from './stored-image.ts';

export interface ImageStore {
  /** Undefined when there is none of this name. The name must be a good one. */
  find(name: string): Promise<StoredImage | undefined>;
  rootOf(image: StoredImage): string;
  /** `fill` writes the image's files into an empty folder, unless they are there from before. Throws TP-SANDBOX-IMAGE for a bad name. */
  put(name: string, id: string, config: ImageConfig, fill: (root: string) => Promise<void>): Promise<StoredImage>;
}

const fileOf = (reference: string) => `${createHash('sha256').update(reference).digest('hex')}.json`;

export function createImageStore(folder: string): ImageStore {
  const rootOf = (id: string) => join(folder, 'roots', id.replace(':', '-'));
  return {
    rootOf: ({ id }) => rootOf(id),
    async find(name) {
      const reference = normalReference(name);
      if (reference === undefined) return undefined;
      // an image that was put in under a name is meant, whatever digest a manifest asks for
      for (const one of [reference, reference.replace(/@.*$/, '')]) {
        try {
          const text = await readFile(join(folder, 'names', fileOf(one)), 'utf8');
          // the schema's library is a good part of what a sandbox would load before it is up
          return (await import('./stored-image.ts')).parseStoredImage(text);
        } catch (error) {
          if (codeOf(error) !== 'ENOENT') throw error;
        }
      }
      return undefined;
    },
    async put(name, id, config, fill) {
      const reference = normalReference(name);
      if (reference === undefined) throw new CodedError('TP-SANDBOX-IMAGE', `${JSON.stringify(name)} is no name of an image.`);
      for (const part of ['roots', 'names']) await mkdir(join(folder, part), { recursive: true });
      const work = join(folder, 'roots', `new-${randomUUID()}`);
      await mkdir(work, { mode: 0o755 });
      try {
        await fill(work);
        await rename(work, rootOf(id));
      } catch (error) {
        // the same image is there already, perhaps in use
        if (codeOf(error) !== 'ENOTEMPTY' && codeOf(error) !== 'EEXIST') throw error;
      } finally {
        await rm(work, { recursive: true, force: true });
      }
      const image = { reference, id, config };
      const file = join(folder, 'names', fileOf(reference));
      await writeFile(`${file}.${process.pid}`, JSON.stringify(image));
      await rename(`${file}.${process.pid}`, file);
      return image;
    },
  };
}
