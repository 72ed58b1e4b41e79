/** `create`: from what a client sent to what is stored. */
import { randomUUID } from 'node:crypto';
import { alreadyExists, badRequest, forbidden, invalid, notFound } from '../errors.ts';
import { GENERATE_NAME_TRIES } from '../limits.ts';
import { type ApiObject, copy, timestamp } from '../object.ts';
import { apiVersionOf } from '../resources/registry.ts';
import { admissionOf, checkKind } from './admit.ts';
import { decodeFields } from './decode.ts';
import { trackManagers } from './managed.ts';
import { generatedName } from './names.ts';
import type { WriteDeps, WriteScope } from './scope.ts';

/**
 * @param object is the callee's own.
 * @param applied who owns which field is settled.
 * @throws {StatusError}
 */
export async function createObject(deps: WriteDeps, scope: WriteScope, object: ApiObject, applied = false): Promise<ApiObject> {
  const { resource } = scope;
  const { type, strategy } = resource;
  checkKind(resource, object);
  decodeFields(scope, object);
  const { metadata } = object;
  if (type.namespaced) {
    if (metadata.namespace === undefined || metadata.namespace === '') metadata.namespace = scope.namespace ?? 'default';
    else if (metadata.namespace !== scope.namespace) throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
    checkNamespace(deps, scope, metadata.namespace, metadata.name ?? '');
  } else delete metadata.namespace;
  if (!scope.dryRun && (metadata.resourceVersion ?? '') !== '') throw badRequest('resourceVersion should not be set on objects to be created');
  const generated = (metadata.name ?? '') === '' && (metadata.generateName ?? '') !== '';
  const collection = deps.store.collection(type.collection);
  for (let attempt = 1; ; attempt++) {
    const candidate = generated ? copy(object) : object;
    if (generated) candidate.metadata.name = generatedName(metadata.generateName ?? '');
    const made = await prepare(deps, scope, candidate, applied);
    if (collection.get(made.metadata.namespace, made.metadata.name) !== undefined) {
      strategy.deleted?.(made);
      if (generated && attempt < GENERATE_NAME_TRIES) continue;
      throw alreadyExists(type, made.metadata.name);
    }
    if (scope.dryRun) {
      strategy.deleted?.(made);
      return made;
    }
    return collection.put(made);
  }
}

function checkNamespace(deps: WriteDeps, scope: WriteScope, namespace: string, name: string): void {
  const found = deps.store.collection('namespaces').get(undefined, namespace);
  if (found === undefined) throw notFound({ group: '', plural: 'namespaces', kind: 'Namespace' }, namespace);
  if (found.metadata.deletionTimestamp !== undefined) {
    const why = `unable to create new content in namespace ${namespace} because it is being terminated`;
    throw forbidden(scope.resource.type, name, why, {
      causes: [{ reason: 'NamespaceTerminating', message: `namespace ${namespace} is being terminated`, field: 'metadata.namespace' }],
    });
  }
}

async function prepare(deps: WriteDeps, scope: WriteScope, sent: ApiObject, applied: boolean): Promise<ApiObject> {
  const { strategy, type } = scope.resource;
  let object = sent;
  const context = { user: scope.user, subresource: scope.subresource, dryRun: scope.dryRun, old: undefined };
  cleanMetadata(object);
  strategy.defaults(object);
  // What admission adds is nobody's until somebody changes it.
  if (!applied) trackManagers(scope, object, undefined);
  const admission = deps.admission();
  const asked = (changed: ApiObject) => admissionOf(scope, 'CREATE', changed, undefined);
  const admitted = (await admission.mutate(asked(object))) as ApiObject | undefined;
  if (admitted !== undefined) {
    object = Object.isFrozen(admitted) ? copy(admitted) : admitted;
    strategy.defaults(object);
  }
  strategy.prepareCreate(object, context);
  const causes = strategy.validate(object, context);
  if (causes.length > 0) {
    strategy.deleted?.(object);
    throw invalid(type, object.metadata.name ?? '', causes);
  }
  try {
    await admission.validate(asked(object));
  } catch (error) {
    strategy.deleted?.(object);
    throw error;
  }
  return object;

  function cleanMetadata(made: ApiObject): void {
    const { metadata } = made;
    made.apiVersion = apiVersionOf(scope.resource);
    made.kind = type.kind;
    metadata.uid = randomUUID();
    metadata.creationTimestamp = timestamp();
    delete metadata.deletionTimestamp;
    delete metadata.deletionGracePeriodSeconds;
    delete metadata['selfLink'];
    delete metadata.generation;
    if (strategy.generation) metadata.generation = 1;
    dropEmpty(made);
  }
}

/** Go leaves empty ones out; clients send them now and then. */
export function dropEmpty(object: ApiObject): void {
  const { metadata } = object;
  for (const key of ['labels', 'annotations', 'finalizers', 'ownerReferences', 'managedFields', 'generateName'] as const) {
    const value = metadata[key];
    if (value === null || value === '' || (typeof value === 'object' && Object.keys(value).length === 0)) delete metadata[key];
  }
}
