/** A test's own program as one file, with the libraries that it uses: pods have none. */
import path from 'node:path';
import { build } from 'esbuild';

/** @param entry path below test/e2e/apps */
export async function programText(entry: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [path.join(import.meta.dirname, '../apps', entry)],
    outfile: 'program.mjs',
    write: false,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    minify: true,
    // libraries written as CommonJS ask for Node's modules by it
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
    logLevel: 'warning',
  });
  const [output] = outputFiles;
  if (output === undefined) throw new Error(`esbuild wrote nothing for ${entry}`);
  return output.text;
}
