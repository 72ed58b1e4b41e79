/** `scale`: the number of pods that a workload wants, alike for all kinds. */
import { badRequest, methodNotAllowed, notFound } from '../errors.ts';
import { type ApiObject, copy, isObject, type JsonObject } from '../object.ts';
import { mergePatch } from '../patch/merge-patch.ts';
import type { WriteDeps, WriteScope } from './scope.ts';
import { updateObject } from './update.ts';

interface Labels {
  matchLabels?: Record<string, string>;
  matchExpressions?: { key: string; operator: string; values?: string[] }[];
}

/** GET, PUT and PATCH (merge) of a Scale. @throws {StatusError} */
export async function scale(deps: WriteDeps, scope: WriteScope, verb: string, body: unknown): Promise<JsonObject> {
  const { type } = scope.resource;
  const name = scope.name ?? '';
  if (verb === 'get') {
    const current = deps.store.collection(type.collection).get(scope.namespace, name);
    if (current === undefined) throw notFound(type, name);
    return scaleOf(current);
  }
  if (verb !== 'update' && verb !== 'patch') throw methodNotAllowed(type);
  if (!isObject(body)) throw badRequest('the body of a request for a scale is one object');
  const { object } = await updateObject(deps, scope, {
    compute(current) {
      const wanted = (verb === 'patch' ? mergePatch(scaleOf(current), body) : body) as JsonObject;
      const { replicas = 0 } = (wanted['spec'] ?? {}) as { replicas?: unknown };
      if (!Number.isInteger(replicas) || (replicas as number) < 0)
        throw badRequest(`Scale ${JSON.stringify(name)} is invalid: spec.replicas: Invalid value: ${JSON.stringify(replicas)}`);
      const next = copy(current);
      next['spec'] = { ...(next['spec'] as JsonObject | undefined), replicas };
      const { resourceVersion } = (wanted['metadata'] ?? {}) as { resourceVersion?: string };
      // only a version that the client itself has named makes the write depend on it
      if (verb === 'update' && resourceVersion !== undefined) next.metadata.resourceVersion = resourceVersion;
      else next.metadata.resourceVersion = '';
      return next;
    },
  });
  return scaleOf(object);
}

function scaleOf(object: ApiObject): JsonObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const spec = (object['spec'] ?? {}) as { replicas?: number; selector?: Labels };
  const status = (object['status'] ?? {}) as { replicas?: number };
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: { replicas: spec.replicas ?? 1 },
    status: { replicas: status.replicas ?? 0, selector: selectorText(spec.selector ?? {}) },
  };
}

function selectorText({ matchLabels = {}, matchExpressions = [] }: Labels): string {
  const pairs = Object.entries(matchLabels).map(([key, value]) => `${key}=${value}`);
  const rest = matchExpressions.map(({ key, operator, values = [] }) => {
    if (operator === 'Exists') return key;
    return operator === 'DoesNotExist' ? `!${key}` : `${key} ${operator === 'In' ? 'in' : 'notin'} (${values.join()})`;
  });
  return [...pairs, ...rest].sort().join();
}
