/**
 * Writes the shapes of the built-in kinds, `src/sandbox/api/schema/kubernetes.json`, from what a real API server says of itself:
 *
 *   kubectl get --raw /openapi/v2 | node scripts/kubernetes-schema.ts
 *
 * Descriptions are left out: they are the larger part, and nothing depends on them.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { builtInTypes } from '../src/sandbox/api/resources/table.ts';

type Node = Record<string, unknown>;

const KEPT = new Set([
  'type',
  'format',
  'required',
  'enum',
  'x-kubernetes-list-type',
  'x-kubernetes-list-map-keys',
  'x-kubernetes-map-type',
  'x-kubernetes-patch-merge-key',
  'x-kubernetes-patch-strategy',
  'x-kubernetes-group-version-kind',
]);

const { definitions } = JSON.parse(readFileSync(0, 'utf8')) as { definitions: Record<string, Node> };
const PREFIX = '#/definitions/';
const wanted = new Map<string, Node>();

function trimmed(node: Node): Node {
  const result: Node = {};
  for (const [key, value] of Object.entries(node)) {
    if (key === '$ref' && typeof value === 'string') {
      const name = value.slice(PREFIX.length);
      result['$ref'] = name;
      add(name);
    } else if (key === 'properties') {
      result[key] = Object.fromEntries(Object.entries(value as Record<string, Node>).map(([name, field]) => [name, trimmed(field)]));
    } else if (key === 'items' || key === 'additionalProperties') result[key] = trimmed(value as Node);
    else if (KEPT.has(key)) result[key] = value;
  }
  return result;
}

function add(name: string): void {
  const definition = definitions[name];
  if (definition === undefined || wanted.has(name)) return;
  wanted.set(name, {});
  wanted.set(name, trimmed(definition));
}

interface Gvk {
  group: string;
  version: string;
  kind: string;
}
const served = new Set([...builtInTypes().map(({ group, version, kind }) => `${group}/${version}/${kind}`), 'autoscaling/v1/Scale', 'policy/v1/Eviction']);
for (const [name, definition] of Object.entries(definitions)) {
  const kinds = definition['x-kubernetes-group-version-kind'] as Gvk[] | undefined;
  if (kinds?.length === 1 && kinds.some(({ group, version, kind }) => served.has(`${group}/${version}/${kind}`))) add(name);
}
add('io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions');
const delete_ = wanted.get('io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions');
if (delete_ !== undefined) delete delete_['x-kubernetes-group-version-kind'];

const lines = [...wanted].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, node]) => `${JSON.stringify(name)}: ${JSON.stringify(node)}`);
writeFileSync(path.join(import.meta.dirname, '../src/sandbox/api/schema/kubernetes.json'), `{\n${lines.join(',\n')}\n}\n`);
