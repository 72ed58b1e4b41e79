/** `scale`: the number of pods, or of whatever, that an object wants, alike for all kinds. */
import { StatusError } from '../../contract.ts';
import { badRequest, invalid, invalidValue, methodNotAllowed, notFound } from '../errors.ts';
import { type ApiObject, at, copy, isObject, type JsonObject } from '../object.ts';
import { jsonPatch } from '../patch/json-patch.ts';
import { mergePatch } from '../patch/merge-patch.ts';
import type { Resource, ScalePaths } from '../resources/registry.ts';
import { PLAIN } from '../resources/strategy.ts';
import { age, integer, nameColumn, numberAt } from '../tables/column.ts';
import type { WriteDeps, WriteScope } from './scope.ts';
import { updateObject } from './update.ts';

interface Labels {
  matchLabels?: Record<string, string>;
  matchExpressions?: { key: string; operator: string; values?: string[] }[];
}

/** What a Scale is shown as. */
export const SCALE: Resource = {
  type: {
    group: 'autoscaling',
    version: 'v1',
    plural: 'scales',
    singular: 'scale',
    kind: 'Scale',
    shortNames: [],
    categories: [],
    namespaced: true,
    verbs: [],
    subresources: [],
    collection: 'scales.autoscaling',
  },
  listKind: 'ScaleList',
  strategy: PLAIN,
  columns: [
    nameColumn,
    integer('Desired', (object) => numberAt(object, 'spec', 'replicas')),
    integer('Available', (object) => numberAt(object, 'status', 'replicas')),
    age,
  ],
};

const SCALE_TYPE = { group: 'autoscaling', plural: 'scales', kind: 'Scale' };
const WORKLOAD: ScalePaths = { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas' };
const keysOf = (path: string): string[] => path.split('.').slice(1);

/** GET, PUT and PATCH of a Scale. @throws {StatusError} */
export async function scale(deps: WriteDeps, scope: WriteScope, verb: string, body: unknown): Promise<ApiObject> {
  const { type, scale: paths = WORKLOAD } = scope.resource;
  const name = scope.name ?? '';
  if (verb === 'get') {
    const current = deps.store.collection(type.collection).get(scope.namespace, name);
    if (current === undefined) throw notFound(type, name);
    return scaleOf(current, paths);
  }
  if (verb !== 'update' && verb !== 'patch') throw methodNotAllowed(type);
  if (!isObject(body) && !(verb === 'patch' && Array.isArray(body))) throw badRequest('the body of a request for a scale is one object');
  const { object } = await updateObject(deps, scope, {
    compute(current) {
      const wanted = verb === 'patch' ? patched(scaleOf(current, paths), body) : (body as JsonObject);
      const replicas = at(wanted, 'spec', 'replicas') ?? 0;
      if (!Number.isInteger(replicas)) throw badRequest(`Scale ${JSON.stringify(name)} is invalid: spec.replicas: Invalid value: ${JSON.stringify(replicas)}`);
      if ((replicas as number) < 0) throw invalid(SCALE_TYPE, name, [invalidValue('spec.replicas', replicas, 'must be greater than or equal to 0')]);
      const next = copy(current);
      set(next, keysOf(paths.specReplicasPath), replicas);
      const { resourceVersion } = (wanted['metadata'] ?? {}) as { resourceVersion?: string };
      // only a version that the client itself has named makes the write depend on it
      if (verb === 'update' && resourceVersion !== undefined) next.metadata.resourceVersion = resourceVersion;
      else next.metadata.resourceVersion = scope.resource.strategy.unconditionalUpdate ? '' : current.metadata.resourceVersion;
      return next;
    },
    unconditional: verb === 'patch',
  });
  return scaleOf(object, paths);
}

const patched = (now: JsonObject, body: unknown): JsonObject => (Array.isArray(body) ? jsonPatch(now, body) : mergePatch(now, body)) as JsonObject;

function set(object: JsonObject, keys: string[], value: unknown): void {
  const [key = '', ...rest] = keys;
  if (rest.length === 0) {
    object[key] = value;
    return;
  }
  const below = object[key];
  if (isObject(below)) set(below, rest, value);
  else object[key] = {};
  if (!isObject(below)) set(object[key] as JsonObject, rest, value);
}

function scaleOf(object: ApiObject, { specReplicasPath, statusReplicasPath, labelSelectorPath }: ScalePaths): ApiObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const replicas = at(object, ...keysOf(specReplicasPath));
  if (replicas === undefined)
    throw new StatusError(500, 'InternalError', `Internal error occurred: the spec replicas field "${specReplicasPath}" does not exist`);
  const labels = labelSelectorPath === undefined ? at(object, 'spec', 'selector') : at(object, ...keysOf(labelSelectorPath));
  const selector = typeof labels === 'string' ? labels : selectorText((labels ?? {}) as Labels);
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: replicas === 0 ? {} : { replicas },
    status: { replicas: at(object, ...keysOf(statusReplicasPath)) ?? 0, ...(selector === '' ? {} : { selector }) },
  } as ApiObject;
}

function selectorText({ matchLabels = {}, matchExpressions = [] }: Labels): string {
  const pairs = Object.entries(matchLabels).map(([key, value]) => `${key}=${value}`);
  const rest = matchExpressions.map(({ key, operator, values = [] }) => {
    if (operator === 'Exists') return key;
    return operator === 'DoesNotExist' ? `!${key}` : `${key} ${operator === 'In' ? 'in' : 'notin'} (${values.join()})`;
  });
  return [...pairs, ...rest].sort().join();
}
