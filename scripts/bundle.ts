/**
 * Bundles programs with esbuild: one self-contained ES module for each of `bin/*.ts`. `node scripts/bundle.ts [--outdir DIR] [NAME…]`
 * writes them to dist/bundle; scripts/image.ts calls {@link bundlePrograms} for the programs of the image.
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { build, type Plugin } from 'esbuild';

export const ROOT = join(import.meta.dirname, '..');

/** Bundled CommonJS dependencies call `require` for Node's own modules; an ES module has none unless it makes one. */
const REQUIRE_BANNER = "import { createRequire as __bundleCreateRequire } from 'node:module';\nconst require = __bundleCreateRequire(import.meta.url);";

/** zod's messages in other languages than English are a third of an agent's bundle, and 2 MiB of each running program. */
const englishOnly: Plugin = {
  name: 'english-only',
  setup: ({ onLoad }) => onLoad({ filter: /zod\/v4\/locales\/index\.c?js$/ }, () => ({ contents: "export { default as en } from './en.js';" })),
};

/** Names of the programs that exist: the files of `bin/` without `.ts`, sorted. */
export async function programNames(): Promise<string[]> {
  const files = await readdir(join(ROOT, 'bin'));
  return files
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .map((file) => file.slice(0, -'.ts'.length))
    .sort();
}

/**
 * Bundles the programs named, `bin/NAME.ts` each, and returns name → text. The text depends on the sources alone, not on where the
 * checkout lies. `koffi` stays outside: it is a native addon that only workstation programs load.
 */
export async function bundlePrograms(names: readonly string[]): Promise<Map<string, Uint8Array>> {
  const bundles = new Map<string, Uint8Array>();
  for (const name of names) {
    const result = await build({
      absWorkingDir: ROOT,
      entryPoints: [join('bin', `${name}.ts`)],
      outfile: join('dist', 'bundle', `${name}.mjs`),
      write: false,
      bundle: true,
      platform: 'node',
      target: 'node24',
      format: 'esm',
      charset: 'utf8',
      minifySyntax: true,
      external: ['koffi'],
      plugins: [englishOnly],
      banner: { js: REQUIRE_BANNER },
      logLevel: 'warning',
    });
    const [output] = result.outputFiles;
    if (output === undefined) throw new Error(`esbuild wrote nothing for bin/${name}.ts`);
    bundles.set(name, output.contents);
  }
  return bundles;
}

if (import.meta.main) {
  const { mkdir, writeFile } = await import('node:fs/promises');
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { outdir: { type: 'string', default: join(ROOT, 'dist', 'bundle') } } });
  await mkdir(values.outdir, { recursive: true });
  for (const [name, text] of await bundlePrograms(positionals.length > 0 ? positionals : await programNames())) {
    const file = join(values.outdir, `${name}.mjs`);
    await writeFile(file, text);
    process.stdout.write(`${file} ${Math.ceil(text.length / 1024)} KiB\n`);
  }
}
