/**
 * `npm run image`: builds the image of the cluster's programs without Docker. Writes dist/image.tar, an OCI archive that
 * `docker load` reads too. The same checkout on the same machine gives the same bytes.
 */
import { access, mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { VERSION } from '../src/base/version.ts';
import { MANAGER_UID } from '../src/install/deployment.ts';
import { bundlePrograms, programNames, ROOT } from './bundle.ts';
import { type Layer, makeLayer } from './image/layer.ts';
import { archiveOf, makeImage, makePlatformImage } from './image/oci.ts';
import { formatReference, parseReference } from './image/reference.ts';
import { PLATFORMS, rootEntries } from './image/root.ts';

const USAGE = `npm run image -- [--tag REF] [--push REF] [--plain-http] [--output FILE] [--platform linux/ARCH]… [--sysroot ARCH=DIR]…

  --tag REF          name of the image (default telepresence.local/telepresence:${VERSION})
  --push REF         also push it there; credentials are those of \`docker login\`
  --plain-http       push without TLS (always so for localhost)
  --output FILE      where the archive goes (default dist/image.tar)
  --platform P       build only this one (default: each whose Node is in node_modules)
  --sysroot ARCH=DIR take nft and libraries for ARCH (amd64, arm64) from this Debian root instead of this machine's
`;
/** The programs that run in the cluster. */
const PROGRAMS = ['agent', 'agent-init', 'cloud', 'ingress', 'manager'];
const MACHINE: Partial<Record<NodeJS.Architecture, string>> = { x64: 'amd64', arm64: 'arm64' };

const { values } = parseArgs({
  options: {
    tag: { type: 'string', default: `telepresence.local/telepresence:${VERSION}` },
    push: { type: 'string', multiple: true, default: [] },
    'plain-http': { type: 'boolean', default: false },
    output: { type: 'string', default: join(ROOT, 'dist', 'image.tar') },
    platform: { type: 'string', multiple: true, default: [] },
    sysroot: { type: 'string', multiple: true, default: [] },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

async function platformsToBuild(): Promise<{ architecture: string; layer: () => Promise<Layer> }[]> {
  const sysroots = new Map(values.sysroot.map((text) => text.split('=', 2) as [string, string]));
  const own = process.platform === 'linux' ? MACHINE[process.arch] : undefined;
  const wanted = values.platform.map((name) => name.replace(/^linux\//, ''));
  const chosen = [];
  for (const platform of PLATFORMS) {
    const node = join(ROOT, 'node_modules', platform.nodePackage, 'bin', 'node');
    const there = await access(node).then(
      () => true,
      () => false,
    );
    if (wanted.length > 0 ? !wanted.includes(platform.architecture) : !there) continue;
    if (!there) throw new Error(`Node for linux/${platform.architecture} is not there: npm install --no-save --force ${platform.nodePackage}`);
    const sysroot = sysroots.get(platform.architecture) ?? (own === platform.architecture ? '/' : undefined);
    if (sysroot === undefined) {
      throw new Error(
        `the libraries for linux/${platform.architecture} are not on this machine: pass --sysroot ${platform.architecture}=DIR with a Debian root of that architecture, or --platform with the others`,
      );
    }
    chosen.push({
      architecture: platform.architecture,
      layer: async () => makeLayer(await rootEntries(platform, node, sysroot), join(ROOT, 'dist', 'image-cache')),
    });
  }
  if (chosen.length === 0) throw new Error('no platform to build: run npm ci on Linux, or name one with --platform linux/amd64');
  return chosen;
}

async function programLayer(): Promise<Layer> {
  const there = await programNames();
  const names = PROGRAMS.filter((name) => there.includes(name));
  for (const name of PROGRAMS) if (!names.includes(name)) process.stderr.write(`bin/${name}.ts is not there: the image goes without it\n`);
  const bundles = await bundlePrograms(names);
  return makeLayer(
    [...bundles].map(([name, content]) => ({ path: `/app/${name}.mjs`, mode: 0o644, content })),
    join(ROOT, 'dist', 'image-cache'),
  );
}

async function run(): Promise<void> {
  if (values.help) {
    process.stdout.write(USAGE);
    return;
  }
  const tag = formatReference(parseReference(values.tag));
  const pushes = values.push.map(parseReference);
  const programs = await programLayer();
  const runtime = {
    User: `${MANAGER_UID}:${MANAGER_UID}`,
    Entrypoint: ['/app/node'],
    WorkingDir: '/',
    Env: ['PATH=/app:/usr/sbin:/usr/bin:/sbin:/bin', 'NODE_ENV=production'],
  };
  const platforms = [];
  for (const platform of await platformsToBuild()) platforms.push(makePlatformImage(platform.architecture, [await platform.layer(), programs], runtime));
  const image = makeImage(platforms);
  const archive = await archiveOf(image, tag);
  await mkdir(dirname(values.output), { recursive: true });
  await writeFile(`${values.output}.${process.pid}`, archive);
  await rename(`${values.output}.${process.pid}`, values.output);
  process.stdout.write(
    `${values.output}: ${tag} (${platforms.map((one) => `linux/${one.architecture}`).join(', ')}), ${(archive.length / 1e6).toFixed(1)} MB, ${image.top.digest}\n`,
  );
  if (pushes.length === 0) return;
  const { pushImage } = await import('./image/registry.ts');
  for (const reference of pushes) {
    await pushImage(image, reference, { plainHttp: values['plain-http'], env: process.env, onProgress: (line) => process.stdout.write(`${line}\n`) });
    process.stdout.write(`pushed ${formatReference(reference)}@${image.top.digest}\n`);
  }
}

run().catch((error: unknown) => {
  process.stderr.write(`image: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
