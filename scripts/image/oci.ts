/** The OCI image layout, and beside it the index that `docker load` reads, from layers. */
import type { Blob, Layer, LayerEntry } from './layer.ts';
import { digestOf, tarOf } from './layer.ts';

export const MEDIA_TYPE = {
  index: 'application/vnd.oci.image.index.v1+json',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar+gzip',
} as const;

export interface Descriptor {
  mediaType: string;
  digest: string;
  size: number;
  platform?: { architecture: string; os: string };
  annotations?: Record<string, string>;
}
export interface PlatformImage {
  architecture: string;
  config: Blob;
  layers: Layer[];
  manifest: Blob;
}
/** All blobs of an image of one or more platforms; `top` is what a tag points at. */
export interface Image {
  platforms: PlatformImage[];
  top: Descriptor;
  topBytes: Buffer;
}

function jsonBlob(value: unknown): Blob {
  const bytes = Buffer.from(JSON.stringify(value));
  return { digest: digestOf(bytes), bytes };
}
const describe = (mediaType: string, blob: Blob): Descriptor => ({ mediaType, digest: blob.digest, size: blob.bytes.length });

export function makePlatformImage(architecture: string, layers: Layer[], runtime: Record<string, unknown>): PlatformImage {
  const config = jsonBlob({
    created: new Date(0).toISOString(),
    architecture,
    os: 'linux',
    config: runtime,
    rootfs: { type: 'layers', diff_ids: layers.map((layer) => layer.diffId) },
    history: layers.map(() => ({ created: new Date(0).toISOString(), created_by: 'npm run image' })),
  });
  const manifest = jsonBlob({
    schemaVersion: 2,
    mediaType: MEDIA_TYPE.manifest,
    config: describe(MEDIA_TYPE.config, config),
    layers: layers.map((layer) => describe(MEDIA_TYPE.layer, layer)),
  });
  return { architecture, config, layers, manifest };
}

/** One platform is tagged by its manifest, several by an index over theirs. */
export function makeImage(platforms: PlatformImage[]): Image {
  const manifests = platforms.map((image) => ({
    ...describe(MEDIA_TYPE.manifest, image.manifest),
    platform: { architecture: image.architecture, os: 'linux' },
  }));
  const [only] = manifests;
  const [first] = platforms;
  if (only === undefined || first === undefined) throw new Error('an image needs at least one platform');
  if (manifests.length === 1) return { platforms, top: only, topBytes: first.manifest.bytes };
  const index = jsonBlob({ schemaVersion: 2, mediaType: MEDIA_TYPE.index, manifests });
  return { platforms, top: describe(MEDIA_TYPE.index, index), topBytes: index.bytes };
}

const blobPath = (digest: string) => `blobs/${digest.replace(':', '/')}`;

/** The archive, tagged `reference`. `docker load` gets the first platform. */
export async function archiveOf(image: Image, reference: string): Promise<Buffer> {
  const files = new Map<string, Uint8Array>();
  for (const { config, layers, manifest } of image.platforms) for (const blob of [config, manifest, ...layers]) files.set(blobPath(blob.digest), blob.bytes);
  files.set(blobPath(image.top.digest), image.topBytes);
  const annotations = { 'io.containerd.image.name': reference, 'org.opencontainers.image.ref.name': reference.slice(reference.lastIndexOf(':') + 1) };
  files.set('oci-layout', Buffer.from('{"imageLayoutVersion":"1.0.0"}'));
  files.set('index.json', Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPE.index, manifests: [{ ...image.top, annotations }] })));
  const [first] = image.platforms;
  if (first !== undefined) {
    const forDocker = [{ Config: blobPath(first.config.digest), RepoTags: [reference], Layers: first.layers.map((layer) => blobPath(layer.digest)) }];
    files.set('manifest.json', Buffer.from(JSON.stringify(forDocker)));
  }
  const entries: LayerEntry[] = [...files].map(([path, content]) => ({ path: `/${path}`, mode: 0o644, content }));
  return tarOf(entries);
}
