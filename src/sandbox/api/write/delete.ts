/** `delete`: at once, or marked and left to whoever must do something first. */
import { badRequest, conflict, invalidOptions, notFound, unsupported } from '../errors.ts';
import { type ApiObject, copy, isObject, timestamp } from '../object.ts';
import { admissionOf } from './admit.ts';
import type { WriteDeps, WriteScope } from './scope.ts';
import { hasSpecFinalizers } from './update.ts';

export interface DeleteRequest {
  gracePeriodSeconds: number | undefined;
  propagationPolicy: string | undefined;
  uid: string | undefined;
  resourceVersion: string | undefined;
}

export interface Deleted {
  /** Its last state when it is gone; else as it is marked now. */
  object: ApiObject;
  gone: boolean;
}

/** From the body of a DELETE, or its query. @throws 400 */
export function readDeleteOptions(body: unknown, query: URLSearchParams): DeleteRequest {
  const options = isObject(body) ? body : {};
  const preconditions = isObject(options['preconditions']) ? options['preconditions'] : {};
  const grace = options['gracePeriodSeconds'] ?? query.get('gracePeriodSeconds') ?? undefined;
  const seconds = grace === undefined || grace === '' ? undefined : Number(grace);
  if (seconds !== undefined && !Number.isInteger(seconds)) throw badRequest(`invalid gracePeriodSeconds: ${String(grace)}`);
  let policy = options['propagationPolicy'] ?? query.get('propagationPolicy') ?? undefined;
  const orphan = options['orphanDependents'] ?? query.get('orphanDependents') ?? undefined;
  if (orphan !== undefined) policy = String(orphan) === 'true' ? 'Orphan' : 'Background';
  if (policy !== undefined && !['Orphan', 'Background', 'Foreground'].includes(String(policy)))
    throw invalidOptions('DeleteOptions', unsupported('propagationPolicy', policy, ['Foreground', 'Background', 'Orphan', 'nil']));
  return {
    gracePeriodSeconds: seconds,
    propagationPolicy: policy === undefined ? undefined : String(policy),
    uid: typeof preconditions['uid'] === 'string' ? preconditions['uid'] : undefined,
    resourceVersion: typeof preconditions['resourceVersion'] === 'string' ? preconditions['resourceVersion'] : undefined,
  };
}

const POLICY_FINALIZERS: Record<string, string> = { Orphan: 'orphan', Foreground: 'foregroundDeletion' };

/** @throws {StatusError} */
export async function deleteObject(deps: WriteDeps, scope: WriteScope, request: DeleteRequest): Promise<Deleted> {
  const { type, strategy } = scope.resource;
  const collection = deps.store.collection(type.collection);
  const name = scope.name ?? '';
  const admission = deps.admission();
  for (;;) {
    const current = collection.get(scope.namespace, name);
    if (current === undefined) throw notFound(type, name);
    checkPreconditions(scope, request, current);
    await admission.mutate(admissionOf(scope, 'DELETE', undefined, current));
    await admission.validate(admissionOf(scope, 'DELETE', undefined, current));
    if (collection.get(scope.namespace, name) !== current) continue;
    const marked = mark(current, request, strategy.deletionFinalizer);
    const waits = (marked.metadata.finalizers ?? []).length > 0 || hasSpecFinalizers(marked);
    if (!waits && (marked.metadata.deletionGracePeriodSeconds ?? 0) === 0) {
      if (scope.dryRun) return { object: current, gone: true };
      const gone = collection.remove(current);
      strategy.deleted?.(gone);
      return { object: gone, gone: true };
    }
    if (scope.dryRun || unchanged(current, marked)) return { object: current, gone: false };
    return { object: collection.put(marked), gone: false };
  }
}

function checkPreconditions(scope: WriteScope, request: DeleteRequest, current: ApiObject): void {
  const { uid, resourceVersion } = current.metadata;
  const { type } = scope.resource;
  // Here it is the kind that is named.
  const asKind = { ...type, plural: type.kind };
  if (request.uid !== undefined && request.uid !== uid)
    throw conflict(
      asKind,
      current.metadata.name,
      `the UID in the precondition (${request.uid}) does not match the UID in record (${uid}). The object might have been deleted and then recreated`,
    );
  if (request.resourceVersion !== undefined && request.resourceVersion !== resourceVersion)
    throw conflict(
      asKind,
      current.metadata.name,
      `the ResourceVersion in the precondition (${request.resourceVersion}) does not match the ResourceVersion in record (${resourceVersion}). The object might have been modified`,
    );
}

function unchanged(current: ApiObject, marked: ApiObject): boolean {
  const a = current.metadata;
  const b = marked.metadata;
  return (
    a.deletionTimestamp === b.deletionTimestamp &&
    a.deletionGracePeriodSeconds === b.deletionGracePeriodSeconds &&
    (a.finalizers ?? []).join() === (b.finalizers ?? []).join()
  );
}

/** The object with a time to go, and the finalizer of the policy. */
function mark(current: ApiObject, request: DeleteRequest, holder: string | undefined): ApiObject {
  const next = copy(current);
  const { metadata } = next;
  const grace = graceOf(current, request.gracePeriodSeconds);
  if (metadata.deletionTimestamp === undefined) {
    metadata.deletionTimestamp = timestamp(Date.now() + grace * 1000);
    metadata.deletionGracePeriodSeconds = grace;
    if (metadata.generation !== undefined) metadata.generation++;
    if (holder !== undefined) metadata.finalizers = [...(metadata.finalizers ?? []), holder];
  } else if (grace < (metadata.deletionGracePeriodSeconds ?? 0)) {
    // A later delete may only shorten the time.
    const begun = Date.parse(metadata.deletionTimestamp) - (metadata.deletionGracePeriodSeconds ?? 0) * 1000;
    metadata.deletionTimestamp = timestamp(begun + grace * 1000);
    metadata.deletionGracePeriodSeconds = grace;
  }
  if (request.propagationPolicy !== undefined) {
    const wanted = POLICY_FINALIZERS[request.propagationPolicy];
    const others = (metadata.finalizers ?? []).filter((finalizer) => !Object.values(POLICY_FINALIZERS).includes(finalizer));
    const finalizers = wanted === undefined ? others : [...others, wanted];
    if (finalizers.length === 0) delete metadata.finalizers;
    else metadata.finalizers = finalizers;
  }
  if (next.kind === 'Namespace') next['status'] = { ...(next['status'] as object | undefined), phase: 'Terminating' };
  return next;
}

/** Only pods that run somewhere have a time to end. */
function graceOf(current: ApiObject, asked: number | undefined): number {
  if (current.kind !== 'Pod' || current.apiVersion !== 'v1') return 0;
  const spec = (current['spec'] ?? {}) as { nodeName?: string; terminationGracePeriodSeconds?: number };
  const phase = (current['status'] as { phase?: string } | undefined)?.phase;
  if ((spec.nodeName ?? '') === '' || phase === 'Failed' || phase === 'Succeeded') return 0;
  const grace = asked ?? spec.terminationGracePeriodSeconds ?? 30;
  // A negative one means the shortest.
  return grace < 0 ? 1 : grace;
}
