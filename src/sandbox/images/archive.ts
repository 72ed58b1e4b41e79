/** Archives as `docker save` and our own image build write them: an OCI layout, or docker's manifest.json. */
import { readFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { extract } from 'tar-stream';
import { z } from 'zod';
import { CodedError } from '../../base/errors.ts';
import type { ImageStore } from './store.ts';
import type { ImageConfig, StoredImage } from './stored-image.ts';
import { unpackLayer } from './unpack.ts';

const descriptorSchema = z.object({
  mediaType: z.string().optional(),
  digest: z.string(),
  platform: z.object({ architecture: z.string(), os: z.string() }).optional(),
  annotations: z.record(z.string(), z.string()).optional(),
});
const indexSchema = z.object({ manifests: z.array(descriptorSchema) });
const manifestSchema = z.object({ config: descriptorSchema, layers: z.array(descriptorSchema) });
const dockerSchema = z.array(z.object({ Config: z.string(), RepoTags: z.array(z.string()).nullish(), Layers: z.array(z.string()) }));
const configSchema = z.looseObject({ config: z.looseObject({}).optional() });
type Descriptor = z.infer<typeof descriptorSchema>;
type Files = ReadonlyMap<string, Buffer>;

const ARCHITECTURES: Partial<Record<NodeJS.Architecture, string>> = { x64: 'amd64', arm64: 'arm64' };

/** Puts every image of the archive into the store, each under its name. Throws TP-SANDBOX-IMAGE for what is no archive of images. */
export async function loadArchive(store: ImageStore, file: string): Promise<StoredImage[]> {
  const files = await readArchive(file);
  const fail = (why: string) => new CodedError('TP-SANDBOX-IMAGE', `${file} can't be loaded: ${why}.`);
  const read = (path: string): Buffer => {
    const bytes = files.get(path);
    if (bytes === undefined) throw fail(`${path} is not in it`);
    return bytes;
  };
  const blob = (digest: string) => read(`blobs/${digest.replace(':', '/')}`);
  const put = (name: string, id: string, config: Buffer, layers: Buffer[]) =>
    store.put(name, id, configOf(config), async (root) => {
      for (const layer of layers) await unpackLayer(layer, root);
    });
  const loaded: StoredImage[] = [];
  if (files.has('index.json')) {
    for (const top of indexSchema.parse(parse(read('index.json'))).manifests) {
      const name = top.annotations?.['io.containerd.image.name'] ?? top.annotations?.['org.opencontainers.image.ref.name'];
      if (name === undefined) continue;
      const manifest = manifestSchema.parse(parse(blob(ownPlatform(top, blob, fail).digest)));
      loaded.push(
        await put(
          name,
          manifest.config.digest,
          blob(manifest.config.digest),
          manifest.layers.map(({ digest }) => blob(digest)),
        ),
      );
    }
  } else if (files.has('manifest.json')) {
    for (const { Config, RepoTags, Layers } of dockerSchema.parse(parse(read('manifest.json')))) {
      const id = `sha256:${/[0-9a-f]{64}/.exec(Config)?.[0] ?? ''}`;
      for (const name of RepoTags ?? []) loaded.push(await put(name, id, read(Config), Layers.map(read)));
    }
  }
  if (loaded.length === 0) throw fail('it holds no image with a name');
  return loaded;
}

function ownPlatform(top: Descriptor, blob: (digest: string) => Buffer, fail: (why: string) => CodedError): Descriptor {
  const parsed = indexSchema.safeParse(parse(blob(top.digest)));
  if (!parsed.success) return top;
  const wanted = ARCHITECTURES[process.arch];
  const found = parsed.data.manifests.find(({ platform }) => platform?.os === 'linux' && platform.architecture === wanted);
  if (found === undefined) throw fail(`it has nothing for linux/${wanted ?? process.arch}`);
  return found;
}

const parse = (bytes: Buffer): unknown => JSON.parse(bytes.toString());

/** Both forms have the runtime's part under `config`, with the names of Docker. */
function configOf(bytes: Buffer): ImageConfig {
  return configSchema.parse(parse(bytes)).config ?? {};
}

async function readArchive(file: string): Promise<Files> {
  const files = new Map<string, Buffer>();
  const entries = extract();
  Readable.from([await readFile(file)]).pipe(entries);
  for await (const entry of entries) {
    const chunks: Buffer[] = [];
    for await (const chunk of entry) chunks.push(chunk as Buffer);
    if (entry.header.type === 'file') files.set(entry.header.name.replace(/^\.\//, ''), Buffer.concat(chunks));
  }
  return files;
}
