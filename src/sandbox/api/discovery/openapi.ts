/** OpenAPI v3, as far as `kubectl explain` and clients that look for a kind's shape go. */
import { createHash } from 'node:crypto';
import { isObject, type JsonObject } from '../object.ts';
import { apiVersionOf, type Registry, type Resource } from '../resources/registry.ts';
import { DEFINITIONS, definitionOf } from '../schema/built-in.ts';
import { groupsOf } from './discovery.ts';

/** What a real server says of these of each custom resource. */
const API_VERSION =
  'APIVersion defines the versioned schema of this representation of an object. Servers should convert recognized schemas to the latest internal value, and may reject unrecognized values. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#resources';
const KIND =
  'Kind is a string value representing the REST resource this object represents. Servers may infer this from the endpoint the client submits requests to. Cannot be updated. In CamelCase. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#types-kinds';
const METADATA = "Standard object's metadata. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata";
/** Types of two shapes, which version 2 calls strings. */
const UNIONS: Record<string, JsonObject> = {
  'io.k8s.apimachinery.pkg.util.intstr.IntOrString': { format: 'int-or-string', oneOf: [{ type: 'integer' }, { type: 'string' }] },
  'io.k8s.apimachinery.pkg.api.resource.Quantity': { oneOf: [{ type: 'string' }, { type: 'number' }] },
};
const REF = '#/components/schemas/';

/** `/openapi/v3`: where each group's document is; the hash changes when what is served does. */
export function openApiIndex(registry: Registry): JsonObject {
  const paths: JsonObject = {};
  const add = (path: string, group: string, version: string) => {
    const hash = createHash('sha256')
      .update(JSON.stringify(openApiDocument(registry, group, version)))
      .digest('hex')
      .toUpperCase();
    paths[path] = { serverRelativeURL: `/openapi/v3/${path}?hash=${hash}` };
  };
  add('api/v1', '', 'v1');
  for (const [group, versions] of groupsOf(registry)) for (const version of versions) add(`apis/${group}/${version}`, group, version);
  return { paths };
}

/** Undefined for a group or version that is not served. */
export function openApiDocument(registry: Registry, group: string, version: string): JsonObject | undefined {
  const resources = registry.all().filter(({ type }) => type.group === group && type.version === version);
  if (resources.length === 0) return undefined;
  const schemas: Record<string, JsonObject> = {};
  const paths: JsonObject = {};
  for (const resource of resources) {
    const name = schemaName(resource, schemas);
    addPaths(paths, resource, name);
  }
  return { openapi: '3.0.0', info: { title: 'Kubernetes', version: 'v1.34.4' }, paths, components: { schemas } };
}

function schemaName(resource: Resource, schemas: Record<string, JsonObject>): string {
  const { type } = resource;
  const builtIn = definitionOf(type);
  if (builtIn !== undefined) {
    addDefinition(builtIn, schemas);
    return builtIn;
  }
  const name = `${type.group.split('.').reverse().join('.')}.${type.version}.${type.kind}`;
  const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta';
  addDefinition(meta, schemas);
  const schema = (resource.openApiSchema ?? { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }) as JsonObject;
  const properties = isObject(schema['properties']) ? schema['properties'] : {};
  schemas[name] = {
    ...schema,
    properties: {
      ...properties,
      apiVersion: { type: 'string', description: API_VERSION },
      kind: { type: 'string', description: KIND },
      metadata: { allOf: [{ $ref: `${REF}${meta}` }], description: METADATA, default: {} },
    },
    'x-kubernetes-group-version-kind': [{ group: type.group, kind: type.kind, version: type.version }],
  };
  return name;
}

function addDefinition(name: string, schemas: Record<string, JsonObject>): void {
  const definition = DEFINITIONS[name];
  if (definition === undefined || schemas[name] !== undefined) return;
  schemas[name] = {};
  schemas[name] = UNIONS[name] ?? (converted(definition, schemas) as JsonObject);
}

/** The same with references as version 3 writes them; a reference keeps its company by `allOf`. */
function converted(node: unknown, schemas: Record<string, JsonObject>): unknown {
  if (Array.isArray(node)) return node.map((item) => converted(item, schemas));
  if (!isObject(node)) return node;
  const { $ref, ...rest } = node;
  const result = Object.fromEntries(Object.entries(rest).map(([key, value]) => [key, converted(value, schemas)]));
  if (typeof $ref !== 'string') return result;
  addDefinition($ref, schemas);
  const reference = { $ref: `${REF}${$ref}` };
  return Object.keys(result).length === 0 ? reference : { ...result, allOf: [reference] };
}

/** Enough of the paths that a client finds the kind by them, and that PATCH takes `fieldValidation`. */
function addPaths(paths: JsonObject, resource: Resource, schema: string): void {
  const { type } = resource;
  const prefix = `/${type.group === '' ? 'api' : 'apis'}/${apiVersionOf(resource)}${type.namespaced ? '/namespaces/{namespace}' : ''}/${type.plural}`;
  const gvk = { group: type.group, kind: type.kind, version: type.version };
  const query = (name: string) => ({ in: 'query', name, schema: { type: 'string', uniqueItems: true } });
  const content = { 'application/json': { schema: { $ref: `${REF}${schema}` } } };
  const operation = (action: string, parameters: unknown[] = []) => ({
    tags: [type.plural],
    parameters,
    responses: { '200': { description: 'OK', content } },
    'x-kubernetes-action': action,
    'x-kubernetes-group-version-kind': gvk,
  });
  const options = [query('dryRun'), query('fieldManager'), query('fieldValidation')];
  const one: JsonObject = {};
  if (type.verbs.includes('get')) one['get'] = operation('get');
  if (type.verbs.includes('update')) one['put'] = operation('put', options);
  if (type.verbs.includes('patch')) one['patch'] = operation('patch', [...options, query('force')]);
  if (type.verbs.includes('delete')) one['delete'] = operation('delete');
  const many: JsonObject = {};
  if (type.verbs.includes('list')) many['get'] = operation('list');
  if (type.verbs.includes('create')) many['post'] = operation('post', options);
  paths[prefix] = many;
  if (Object.keys(one).length > 0) paths[`${prefix}/{name}`] = one;
}
