/** Server-side apply: the client says what it wants of an object, and owns that from then on. */
import { badRequest, conflict, invalidOptions, required } from '../errors.ts';
import { applyConfiguration } from '../fields/ownership.ts';
import { checkTyped } from '../fields/typed-faults.ts';
import { type ApiObject, copy, isObject, type JsonObject } from '../object.ts';
import { checkKind } from '../write/admit.ts';
import { writerOf } from '../write/managed.ts';
import type { WriteDeps, WriteScope } from '../write/scope.ts';
import { type Updated, updateObject } from '../write/update.ts';

/** @throws {StatusError} */
export async function applyPatch(deps: WriteDeps, scope: WriteScope, body: unknown): Promise<Updated> {
  if (!scope.managerNamed) throw invalidOptions('PatchOptions', required('fieldManager', 'is required for apply patch'));
  const applied = configurationOf(scope, body);
  const writer = writerOf(scope);
  const { resourceVersion, uid } = applied.metadata as Partial<ApiObject['metadata']>;
  return updateObject(deps, scope, {
    managed: true,
    unconditional: resourceVersion === undefined || resourceVersion === '',
    compute(current) {
      const next = applyConfiguration(writer, current, applied, scope.force);
      if (resourceVersion === undefined || resourceVersion === '') next.metadata.resourceVersion = current.metadata.resourceVersion;
      return next;
    },
    ...(scope.subresource === undefined
      ? {
          create() {
            if (uid !== undefined && uid !== '')
              throw conflict(scope.resource.type, scope.name ?? '', `uid mismatch: the provided object specified uid ${uid}, and no existing object was found`);
            return applyConfiguration(writer, undefined, applied, scope.force);
          },
        }
      : {}),
  });
}

function configurationOf(scope: WriteScope, body: unknown): ApiObject {
  if (!isObject(body)) throw badRequest('error decoding YAML: the configuration is no object');
  const { type } = scope.resource;
  const { apiVersion, kind } = body;
  if (typeof apiVersion !== 'string' || apiVersion === '' || typeof kind !== 'string' || kind === '') {
    const [group = '', version = ''] =
      typeof apiVersion === 'string' && apiVersion.includes('/') ? apiVersion.split('/') : ['', typeof apiVersion === 'string' ? apiVersion : ''];
    throw badRequest(`invalid object type: ${group}/${version}, Kind=${typeof kind === 'string' ? kind : ''}`);
  }
  checkKind(scope.resource, body);
  const { metadata } = body;
  checkTyped(scope.resource, body as ApiObject);
  if (Array.isArray(metadata.managedFields)) throw badRequest('metadata.managedFields must be nil');
  if (metadata.name === undefined || metadata.name === '') metadata.name = scope.name ?? '';
  else if (metadata.name !== scope.name) throw badRequest(`the name of the object (${metadata.name}) does not match the name on the URL (${scope.name ?? ''})`);
  if (type.namespaced) {
    if (metadata.namespace === undefined || metadata.namespace === '') metadata.namespace = scope.namespace ?? '';
    else if (metadata.namespace !== scope.namespace) throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
  return withoutNulls(copy(body)) as ApiObject;
}

/** A field that is null is one that is not there. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isObject(value)) return value;
  const result: JsonObject = {};
  for (const [key, field] of Object.entries(value)) if (field !== null) result[key] = withoutNulls(field);
  return result;
}
