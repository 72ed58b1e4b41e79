/** `update`, and what stands behind every patch: from the stored object and a change to the next stored object. */
import { type Cause, conflict, forbiddenField, invalid, invalidValue, notFound } from '../errors.ts';
import { PATCH_TRIES } from '../limits.ts';
import { type ApiObject, copy, equal } from '../object.ts';
import { apiVersionOf } from '../resources/registry.ts';
import { admissionOf } from './admit.ts';
import { createObject, dropEmpty } from './create.ts';
import { decodeFields } from './decode.ts';
import { trackManagers } from './managed.ts';
import type { WriteDeps, WriteScope } from './scope.ts';

export interface Update {
  /** From what is stored (frozen) to what the client wants. The result is the callee's own. Called again when another write came between. */
  compute(current: ApiObject): ApiObject | Promise<ApiObject>;
  /** Makes the object when there is none: apply, and PUT of a few kinds. */
  create?: (() => ApiObject) | undefined;
  /** The managed fields were worked out by `compute`. */
  managed?: boolean;
  /** A version in what was computed is the one that it was computed from, not a condition of the client's. */
  unconditional?: boolean;
  /** Changes what no client may: deletionTimestamp. For the server's own steps. */
  internal?: boolean;
}

export interface Updated {
  object: ApiObject;
  created: boolean;
}

/** @throws {StatusError} */
export async function updateObject(deps: WriteDeps, scope: WriteScope, update: Update): Promise<Updated> {
  const { type } = scope.resource;
  const name = scope.name ?? '';
  const collection = deps.store.collection(type.collection);
  for (let attempt = 1; ; attempt++) {
    const current = collection.get(scope.namespace, name);
    if (current === undefined) {
      if (update.create === undefined) throw notFound(type, name);
      return { object: await createObject(deps, scope, update.create(), update.managed), created: true };
    }
    const sent = await update.compute(current);
    const conditional = checkVersion(scope, sent, current);
    const next = await prepare(deps, scope, sent, current, update);
    // The server's own fields are settled, so that two writes of the same leave one revision.
    if (collection.get(scope.namespace, name) !== current) {
      if ((conditional && update.unconditional !== true) || attempt >= PATCH_TRIES) throw conflict(type, name);
      continue;
    }
    next.metadata.resourceVersion = current.metadata.resourceVersion;
    if (equal(next, current)) return { object: current, created: false };
    if (scope.dryRun) return { object: next, created: false };
    if (isDeletedBy(next)) {
      const gone = collection.remove(next);
      scope.resource.strategy.deleted?.(gone);
      return { object: gone, created: false };
    }
    return { object: collection.put(next), created: false };
  }
}

/** The last finalizer went, and nothing else holds it. */
function isDeletedBy(object: ApiObject): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds, finalizers } = object.metadata;
  return deletionTimestamp !== undefined && (deletionGracePeriodSeconds ?? 0) === 0 && (finalizers ?? []).length === 0 && !hasSpecFinalizers(object);
}

/** A namespace is held by its own list, which only `finalize` changes. */
export function hasSpecFinalizers(object: ApiObject): boolean {
  if (object.kind !== 'Namespace') return false;
  const { finalizers } = (object['spec'] ?? {}) as { finalizers?: string[] };
  return (finalizers ?? []).length > 0;
}

function checkVersion(scope: WriteScope, sent: ApiObject, current: ApiObject): boolean {
  const { type, strategy } = scope.resource;
  const { resourceVersion, uid } = sent.metadata;
  if (uid !== undefined && uid !== '' && uid !== current.metadata.uid)
    throw conflict(
      type,
      current.metadata.name,
      `StorageError: invalid object, Code: 4, Key: /registry/${type.plural}/${scope.namespace === undefined ? '' : `${scope.namespace}/`}${current.metadata.name}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: ${uid}, UID in object meta: ${current.metadata.uid}`,
    );
  if (resourceVersion === undefined || resourceVersion === '' || resourceVersion === '0') {
    if (!strategy.unconditionalUpdate)
      throw invalid(type, current.metadata.name, [invalidValue('metadata.resourceVersion', 0, 'must be specified for an update')]);
    return false;
  }
  if (resourceVersion !== current.metadata.resourceVersion) throw conflict(type, current.metadata.name);
  return true;
}

async function prepare(deps: WriteDeps, scope: WriteScope, sent: ApiObject, current: ApiObject, update: Update): Promise<ApiObject> {
  const { strategy, type } = scope.resource;
  const context = { user: scope.user, subresource: scope.subresource, dryRun: scope.dryRun, old: current };
  let next = sent;
  decodeFields(scope, next);
  carryOver(next, current, scope, update.internal === true);
  strategy.defaults(next);
  if (update.managed !== true) trackManagers(scope, next, current);
  const admission = deps.admission();
  const asked = () => admissionOf(scope, 'UPDATE', next, current);
  const admitted = (await admission.mutate(asked())) as ApiObject | undefined;
  if (admitted !== undefined) {
    next = Object.isFrozen(admitted) ? copy(admitted) : admitted;
    strategy.defaults(next);
    carryOver(next, current, scope, update.internal === true);
  }
  ownParts(next, current, scope);
  strategy.prepareUpdate(next, current, context);
  if (strategy.generation)
    next.metadata.generation =
      (current.metadata.generation ?? 0) + (specChanged(next, current) || strategy.changedBesides?.(next, current) === true ? 1 : 0) || 1;
  const causes = [...finalizerCauses(next, current), ...strategy.validate(next, context), ...strategy.validateUpdate(next, current, context)];
  if (causes.length > 0) throw invalid(type, current.metadata.name, causes);
  await admission.validate(asked());
  return next;
}

/** What is being deleted is not held by anything new. */
function finalizerCauses(next: ApiObject, current: ApiObject): Cause[] {
  if (current.metadata.deletionTimestamp === undefined) return [];
  const added = (next.metadata.finalizers ?? []).filter((one) => current.metadata.finalizers?.includes(one) !== true);
  if (added.length === 0) return [];
  const found = `[]string{${added.map((one) => JSON.stringify(one)).join(', ')}}`;
  return [forbiddenField('metadata.finalizers', `no new finalizers can be added if the object is being deleted, found new finalizers ${found}`)];
}

/** What no client changes. */
function carryOver(next: ApiObject, current: ApiObject, scope: WriteScope, internal: boolean): void {
  next.apiVersion = apiVersionOf(scope.resource);
  next.kind = scope.resource.type.kind;
  const { metadata } = next;
  const old = current.metadata;
  const kept = internal
    ? (['name', 'namespace', 'uid', 'creationTimestamp'] as const)
    : (['name', 'namespace', 'uid', 'creationTimestamp', 'generateName', 'deletionTimestamp', 'deletionGracePeriodSeconds', 'generation'] as const);
  for (const key of kept) {
    if (old[key] === undefined) delete metadata[key];
    else Object.assign(metadata, { [key]: old[key] });
  }
  delete metadata['selfLink'];
  dropEmpty(next);
}

/** `status` changes only the status, everything else leaves it. */
function ownParts(next: ApiObject, current: ApiObject, scope: WriteScope): void {
  if (!scope.resource.strategy.status) return;
  if (scope.subresource === 'status') {
    for (const key of Object.keys(next)) if (!STATUS_KEEPS.has(key)) delete next[key];
    for (const [key, value] of Object.entries(current)) if (!STATUS_KEEPS.has(key)) next[key] = value;
    for (const key of ['labels', 'finalizers', 'ownerReferences'] as const) {
      if (current.metadata[key] === undefined) delete next.metadata[key];
      else Object.assign(next.metadata, { [key]: current.metadata[key] });
    }
  } else if (current['status'] === undefined) delete next['status'];
  else next['status'] = current['status'];
}

const STATUS_KEEPS = new Set(['apiVersion', 'kind', 'metadata', 'status']);

function specChanged(next: ApiObject, current: ApiObject): boolean {
  for (const key of new Set([...Object.keys(next), ...Object.keys(current)])) if (!STATUS_KEEPS.has(key) && !equal(next[key], current[key])) return true;
  return next.metadata.deletionTimestamp !== current.metadata.deletionTimestamp;
}
