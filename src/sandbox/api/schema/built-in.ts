/** The shapes of the built-in kinds, as the real API server publishes them; `scripts/kubernetes-schema.ts` wrote them down. */
import type { ResourceType } from '../../contract.ts';
import { heldAsValues } from './fields.ts';
import document from './kubernetes.json' with { type: 'json' };
import type { SchemaNode } from './node.ts';

interface Gvk {
  group: string;
  version: string;
  kind: string;
}

interface Published {
  $ref?: string;
  type?: string;
  format?: string;
  required?: string[];
  enum?: string[];
  items?: Published;
  additionalProperties?: Published;
  properties?: Record<string, Published>;
  'x-kubernetes-list-type'?: string;
  'x-kubernetes-list-map-keys'?: string[];
  'x-kubernetes-map-type'?: string;
  'x-kubernetes-patch-merge-key'?: string;
  'x-kubernetes-patch-strategy'?: string;
  'x-kubernetes-group-version-kind'?: Gvk[];
}

export const DEFINITIONS = document as unknown as Record<string, Published>;

const nodes = new Map<string, SchemaNode>();

/** The type as the API names it, `io.k8s.api.core.v1.Pod`. */
export function definitionOf(type: Pick<ResourceType, 'group' | 'version' | 'kind'>): string | undefined {
  return NAMES.get(`${type.group}/${type.version}/${type.kind}`);
}

const NAMES = new Map(
  Object.entries(DEFINITIONS).flatMap(([name, published]) =>
    (published['x-kubernetes-group-version-kind'] ?? []).map(({ group, version, kind }) => [`${group}/${version}/${kind}`, name] as const),
  ),
);

/** Undefined for a kind that is not built in. */
export function builtInSchema(type: Pick<ResourceType, 'group' | 'version' | 'kind'>): SchemaNode | undefined {
  const name = definitionOf(type);
  return name === undefined ? undefined : named(name);
}

function named(name: string): SchemaNode {
  let node = nodes.get(name);
  if (node === undefined) {
    node = nodeOf(DEFINITIONS[name] ?? {}, name);
    nodes.set(name, node);
  }
  return node;
}

const QUANTITY = 'io.k8s.apimachinery.pkg.api.resource.Quantity';

/** Fields are made when they are looked at: a few types hold themselves. */
function nodeOf(published: Published, name: string): SchemaNode {
  if (published.$ref !== undefined) {
    const target = named(published.$ref);
    const more = attributes(published);
    return Object.keys(more).length === 0 ? target : Object.assign(Object.create(target) as SchemaNode, more);
  }
  const node: SchemaNode = { type: typeOf(published, name), ...attributes(published) };
  if (name !== '') {
    node.name = name.slice(name.lastIndexOf('.') + 1);
    const held = heldAsValues(name);
    if (held.size > 0) node.held = held;
  }
  lazily(node, 'items', published.items, (items) => nodeOf(items, ''));
  lazily(node, 'additional', published.additionalProperties, (values) => nodeOf(values, ''));
  lazily(node, 'properties', published.properties, (fields) => Object.fromEntries(Object.entries(fields).map(([key, field]) => [key, nodeOf(field, '')])));
  return node;
}

function lazily<K extends 'items' | 'additional' | 'properties', S>(
  node: SchemaNode,
  key: K,
  source: S | undefined,
  make: (source: S) => NonNullable<SchemaNode[K]>,
): void {
  if (source === undefined) return;
  let made: SchemaNode[K];
  Object.defineProperty(node, key, {
    enumerable: true,
    get: () => {
      made ??= make(source);
      return made;
    },
  });
}

function typeOf(published: Published, name: string): SchemaNode['type'] {
  if (published.format === 'int-or-string') return 'int-or-string';
  if (name === QUANTITY) return 'quantity';
  if (
    name.endsWith('.JSON') ||
    name.endsWith('.JSONSchemaPropsOrArray') ||
    name.endsWith('.JSONSchemaPropsOrBool') ||
    name.endsWith('.JSONSchemaPropsOrStringArray')
  )
    return 'any';
  if (published.type === undefined) return published.properties === undefined ? 'any' : 'object';
  // A type without fields of its own (FieldsV1, RawExtension) takes whatever comes.
  if (published.type === 'object' && published.properties === undefined && published.additionalProperties === undefined) return 'any';
  return published.type as SchemaNode['type'];
}

function attributes(published: Published): Partial<SchemaNode> {
  const strategy = published['x-kubernetes-patch-strategy'];
  return {
    ...(published.format === undefined ? {} : { format: published.format }),
    ...(published.required === undefined ? {} : { required: published.required }),
    ...(published.enum === undefined ? {} : { enum: published.enum }),
    ...(published['x-kubernetes-list-type'] === undefined ? {} : { listType: published['x-kubernetes-list-type'] as 'map' }),
    ...(published['x-kubernetes-list-map-keys'] === undefined ? {} : { listKeys: published['x-kubernetes-list-map-keys'] }),
    ...(published['x-kubernetes-map-type'] === undefined ? {} : { mapType: published['x-kubernetes-map-type'] as 'atomic' }),
    ...(published['x-kubernetes-patch-merge-key'] === undefined ? {} : { mergeKey: published['x-kubernetes-patch-merge-key'] }),
    ...(strategy === undefined ? {} : { mergeStrategy: strategy.split(',') }),
  };
}
