/**
 * Adds the platform packages to package-lock.json that npm leaves out when a registry does not carry them: tools such as Biome name one
 * optional package for each platform, and `npm ci` refuses a lock file that lacks any of them, also those it would never install.
 * Run after a change of dependencies on such a registry: `node scripts/complete-lock.ts`. What is there already stays as it is.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

interface LockEntry {
  version?: string;
  optionalDependencies?: Record<string, string>;
  dev?: boolean;
  optional?: boolean;
  os?: string[];
  cpu?: string[];
  libc?: string[];
}

const SYSTEMS = ['android', 'darwin', 'freebsd', 'linux', 'win32', 'openharmony', 'aix', 'sunos', 'netbsd', 'openbsd'];
const PROCESSORS = ['arm64', 'x64', 'ia32', 'arm', 'ppc64', 'riscv64', 's390x', 'loong64', 'mips64el', 'wasm32'];

const file = path.join(import.meta.dirname, '../package-lock.json');
const lock = JSON.parse(readFileSync(file, 'utf8')) as { packages: Record<string, LockEntry> };
const found = { ...lock.packages };
let added = 0;
for (const [at, entry] of Object.entries(lock.packages)) {
  if (at === '') continue;
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const words = name.split(/[/_-]/);
    const os = SYSTEMS.find((word) => words.includes(word));
    const cpu = PROCESSORS.find((word) => words.includes(word));
    const known = `node_modules/${name}` in found || `${at}/node_modules/${name}` in found;
    if (known || cpu === undefined || !/^\d/.test(version)) continue;
    const libc = words.some((word) => word.startsWith('musl')) ? 'musl' : words.some((word) => word.startsWith('gnu')) ? 'glibc' : undefined;
    found[`node_modules/${name}`] = {
      version,
      cpu: [cpu],
      ...(entry.dev === true ? { dev: true } : {}),
      ...(libc === undefined ? {} : { libc: [libc] }),
      optional: true,
      ...(os === undefined ? {} : { os: [os] }),
    };
    added++;
  }
}
lock.packages = Object.fromEntries(Object.entries(found).sort(([a], [b]) => (a < b ? -1 : 1)));
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
process.stdout.write(`${added} platform packages added\n`);
