/**
 * Custom resource definitions as they come and go: each is served from the turn in which it is stored, told of in its status, and taken
 * away with all its objects.
 */
import type { Log } from '../../../base/log.ts';
import { createEvaluator, type Evaluator } from '../../admission/index.ts';
import { StatusError, type UserInfo } from '../../contract.ts';
import { type ApiObject, copy, equal, isObject, timestamp } from '../object.ts';
import type { Registry, Resource } from '../resources/registry.ts';
import { collectionName } from '../resources/table.ts';
import type { Store } from '../store/store.ts';
import { deleteObject } from '../write/delete.ts';
import type { WriteDeps, WriteScope } from '../write/scope.ts';
import { updateObject } from '../write/update.ts';
import { customResources, type Definition } from './resource.ts';
import { CLEANUP_FINALIZER, DEFINITIONS } from './rules-of-definitions.ts';

interface Condition {
  type: string;
  status: 'True' | 'False';
  lastTransitionTime: string;
  reason: string;
  message: string;
}

/** @returns what settles the definitions of a kept state, once writes are possible. */
export function serveDefinitions(store: Store, registry: Registry, deps: WriteDeps, log: Log): () => void {
  const evaluator = createEvaluator();
  const own = registry.find('apiextensions.k8s.io', 'v1', 'customresourcedefinitions');
  if (own === undefined) return () => {};
  const settleSoon = (name: string): void =>
    // Not within the write that this is told of.
    queueMicrotask(() => {
      settle(store, deps, registry, own, name).catch((error: unknown) => {
        // it has gone in the meantime: there is nothing left to settle
        if (error instanceof StatusError && error.code === 404) return;
        log.error('a custom resource definition could not be settled', { name, error });
      });
    });
  const definitions = store.collection(DEFINITIONS);
  const kept = [...definitions.list()];
  for (const definition of kept) register(registry, evaluator, definition as Definition, undefined);
  definitions.watch(store.revision, ({ type, object, previous }) => {
    if (type === 'DELETED') unregister(registry, object as Definition);
    else if (previous === undefined || !equal(previous['spec'], object['spec']))
      register(registry, evaluator, object as Definition, previous as Definition | undefined);
    settleSoon(object.metadata.name);
  });
  return () => {
    for (const { metadata } of kept) settleSoon(metadata.name);
  };
}

function register(registry: Registry, evaluator: Evaluator, definition: Definition, previous: Definition | undefined): void {
  if (previous !== undefined) unregister(registry, previous);
  for (const resource of customResources(definition, evaluator)) registry.add(resource);
}

function unregister(registry: Registry, { spec }: Definition): void {
  for (const { name } of spec.versions) registry.remove(spec.group, name, spec.names.plural);
}

/** What a status says, or what is left to do before it may go. */
async function settle(store: Store, deps: WriteDeps, registry: Registry, own: Resource, name: string): Promise<void> {
  const definition = store.collection(DEFINITIONS).get(undefined, name) as Definition | undefined;
  if (definition === undefined) return;
  await updateObject(deps, scopeOf(own, undefined, name, 'status'), { unconditional: true, compute: (current) => withStatus(current as Definition) });
  if (definition.metadata.deletionTimestamp === undefined) return;
  await removeObjects(store, deps, registry, definition);
  await updateObject(deps, scopeOf(own, undefined, name), {
    unconditional: true,
    compute(current) {
      const next = copy(current);
      next.metadata.finalizers = (next.metadata.finalizers ?? []).filter((finalizer) => finalizer !== CLEANUP_FINALIZER);
      return next;
    },
  });
}

async function removeObjects(store: Store, deps: WriteDeps, registry: Registry, { spec }: Definition): Promise<void> {
  const [version] = spec.versions.filter(({ served }) => served);
  const resource = registry.find(spec.group, version?.name ?? '', spec.names.plural);
  const collection = store.collection(collectionName(spec.group, spec.names.plural));
  if (resource === undefined) return;
  for (const { metadata } of [...collection.list(undefined)]) {
    try {
      await deleteObject(deps, scopeOf(resource, metadata.namespace, metadata.name), {
        gracePeriodSeconds: 0,
        propagationPolicy: undefined,
        uid: undefined,
        resourceVersion: undefined,
      });
    } catch (error) {
      if (!(error instanceof StatusError && error.code === 404)) throw error;
    }
  }
  // Those with finalizers go when whoever is named there is ready.
  if (collection.count(undefined) === 0) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const stop = collection.watch(store.revision, () => {
    if (collection.count(undefined) === 0) resolve();
  });
  await promise;
  stop();
}

function withStatus(current: Definition): ApiObject {
  const next = copy(current);
  const { names, versions } = current.spec;
  const old = isObject(current['status']) ? current['status'] : {};
  const conditions = [...((old['conditions'] as Condition[] | undefined) ?? [])];
  const set = (type: string, reason: string, message: string) => {
    if (!conditions.some((condition) => condition.type === type)) conditions.push({ type, status: 'True', lastTransitionTime: timestamp(), reason, message });
  };
  set('NamesAccepted', 'NoConflicts', 'no conflicts found');
  set('Established', 'InitialNamesAccepted', 'the initial names have been accepted');
  if (current.metadata.deletionTimestamp !== undefined) set('Terminating', 'InstanceDeletionInProgress', 'CustomResource deletion is in progress');
  const storage = versions.find((version) => version.storage)?.name ?? '';
  const stored = (old['storedVersions'] as string[] | undefined) ?? [];
  next['status'] = { conditions, acceptedNames: names, storedVersions: stored.includes(storage) ? stored : [...stored, storage] };
  return next;
}

const SERVER: UserInfo = { username: 'system:apiserver', uid: '', groups: ['system:masters'], extra: {} };

function scopeOf(resource: Resource, namespace: string | undefined, name: string, subresource?: string): WriteScope {
  return {
    resource,
    namespace,
    name,
    subresource,
    user: SERVER,
    dryRun: false,
    manager: 'kube-apiserver',
    managerNamed: true,
    force: false,
    fieldValidation: 'Ignore',
    warn: () => {},
    options: {},
  };
}
