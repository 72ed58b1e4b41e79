/**
 * The client's configuration: config.yml, the `telepresence.io` extension of the kubeconfig's cluster, and flags, each a layer
 * over the one before; defaults lie under all of them. A layer with a mistake is refused as a whole, with every mistake and its line.
 */
import { readFile } from 'node:fs/promises';
import { type Document, isMap, isNode, LineCounter, parseDocument } from 'yaml';
import type { z } from 'zod';
import { CodedError, codeOf, messageOf } from '../base/errors.ts';
import { formatDuration } from './duration.ts';
import { fromLegacyExtension } from './legacy-extension.ts';
import { type ClientConfig, configSchema, DURATION_KEYS, INERT_KEYS } from './schema.ts';

export type { ClientConfig } from './schema.ts';

export interface ConfigLayer {
  /** Where it comes from: a path, `kubeconfig`, `flags`. */
  source: string;
  values: Record<string, unknown>;
  /** Sentences about keys that change nothing. */
  warnings: string[];
}

/** Reads config.yml; a missing file is an empty layer unless it `mustExist`. Throws TP-CONFIG-INVALID. */
export async function readConfigFile(file: string, options: { mustExist?: boolean } = {}): Promise<ConfigLayer> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT' && options.mustExist !== true) return { source: file, values: {}, warnings: [] };
    throw new CodedError('TP-CONFIG-INVALID', `${file} can't be read: ${messageOf(error)}.`, { cause: error });
  }
  return parseConfig(text, file);
}

/** Throws TP-CONFIG-INVALID with all mistakes, each with its line. */
export function parseConfig(text: string, source: string): ConfigLayer {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const problems = document.errors.map((error) => ({ line: lines.linePos(error.pos[0]).line, text: error.message }));
  if (problems.length > 0) throw invalid(source, problems);
  const values: unknown = document.toJS() ?? {};
  const lineOf = (path: readonly PropertyKey[]) => {
    const offset = offsetOf(document, path);
    return offset === undefined ? undefined : lines.linePos(offset).line;
  };
  return layerOf(values, source, lineOf);
}

/** The extension `telepresence.io` of a kubeconfig's cluster; the keys of 2.0 to 2.20 are understood too. Throws TP-CONFIG-INVALID. */
export function extensionLayer(extension: unknown, source = 'the telepresence.io extension of the kubeconfig'): ConfigLayer {
  return layerOf(extension === undefined ? {} : fromLegacyExtension(extension), source, () => undefined);
}

/**
 * The configuration of a client: `file` over the defaults, and `layers` (the kubeconfig's extension, then flags) over both.
 * `clientFile` is what stands in the file alone. Throws TP-CONFIG-INVALID.
 */
export async function loadClientConfig(
  file: string,
  options: { mustExist?: boolean; layers?: readonly ConfigLayer[] } = {},
): Promise<{ config: ClientConfig; clientFile: Record<string, unknown>; warnings: string[] }> {
  const layer = await readConfigFile(file, options);
  const layers = [layer, ...(options.layers ?? [])];
  return { config: resolveConfig(layers), clientFile: layer.values, warnings: layers.flatMap(({ warnings }) => warnings) };
}

/** Merges layers, lowest first, over the defaults: objects by key, lists and values replaced. */
export function resolveConfig(layers: readonly ConfigLayer[]): ClientConfig {
  return configSchema.parse(layers.reduce<Record<string, unknown>>((merged, layer) => merge(merged, layer.values), {}));
}

/** As `config view` shows it: durations as they are written. */
export function configView(config: ClientConfig): Record<string, unknown> {
  const view = structuredClone<Record<string, unknown>>(config);
  for (const path of DURATION_KEYS) {
    const [name = '', key = ''] = path.split('.');
    const part = view[name];
    if (isObject(part) && typeof part[key] === 'number') part[key] = formatDuration(part[key]);
  }
  return view;
}

function layerOf(values: unknown, source: string, lineOf: (path: readonly PropertyKey[]) => number | undefined): ConfigLayer {
  const parsed = configSchema.safeParse(values);
  if (!parsed.success) {
    throw invalid(
      source,
      parsed.error.issues.flatMap((issue) =>
        problemsOf(issue).map((problem) => ({ line: lineOf(problem.path), text: `${problem.path.join('.') || 'the file'}: ${problem.text}` })),
      ),
    );
  }
  if (!isObject(values)) return { source, values: {}, warnings: [] };
  return { source, values, warnings: INERT_KEYS.filter((key) => holds(values, key)).map((key) => `${source}: ${key} has no effect.`) };
}

function problemsOf(issue: z.core.$ZodIssue): { path: PropertyKey[]; text: string }[] {
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => ({ path: [...issue.path, key], text: 'there is no such key' }));
  return [{ path: issue.path, text: issue.message }];
}

function invalid(source: string, problems: readonly { line: number | undefined; text: string }[]): CodedError {
  const list = [...problems].sort((a, b) => (a.line ?? 0) - (b.line ?? 0)).map(({ line, text }) => `  ${line === undefined ? '' : `line ${line}: `}${text}`);
  return new CodedError('TP-CONFIG-INVALID', `${source} has ${problems.length === 1 ? 'a mistake' : `${problems.length} mistakes`}:\n${list.join('\n')}`);
}

/** Where the key at the end of `path` stands, or the value where it is an item of a list. */
function offsetOf(document: Document, path: readonly PropertyKey[]): number | undefined {
  const last = path.at(-1);
  const parent: unknown = path.length <= 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  if (isMap(parent)) {
    for (const pair of parent.items) if (isNode(pair.key) && String(pair.key) === String(last)) return pair.key.range?.[0];
  }
  const node: unknown = document.getIn(path, true);
  if (isNode(node)) return node.range?.[0];
  return isNode(parent) ? parent.range?.[0] : undefined;
}

function holds(values: Record<string, unknown>, path: string): boolean {
  let at: unknown = values;
  for (const key of path.split('.')) {
    if (!isObject(at) || !(key in at)) return false;
    at = at[key];
  }
  return true;
}

function merge(under: Record<string, unknown>, over: Record<string, unknown>): Record<string, unknown> {
  const merged = { ...under };
  for (const [key, value] of Object.entries(over)) {
    const old = merged[key];
    merged[key] = isObject(old) && isObject(value) ? merge(old, value) : value;
  }
  return merged;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
