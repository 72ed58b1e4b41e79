/** The leader's writes: thin, each remembers what it wrote until the watch shows it. */
import type { Service } from 'kubernetes-types/core/v1.js';
import { CodedError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { type KubeClient, resourcePath } from '../../kube/index.ts';
import { GROUP_VERSION, type Intercept, workloadResource } from '../../protocol/resources.ts';
import type { WorkloadRef } from '../context.ts';
import type { InterceptStatus } from './phase.ts';
import type { TargetChange } from './service-targets.ts';
import type { WorkloadPatch } from './template.ts';
import type { WorkloadObject } from './workload.ts';

const isGone = (error: unknown): boolean => error instanceof CodedError && error.code === 'TP-KUBE-NOT-FOUND';

export interface Writes {
  /** The status as it was written last: the leader alone writes it, and its watch may lag behind. */
  statusOf(intercept: Intercept): InterceptStatus | undefined;
  /** Writes what differs; nothing when it is the same. */
  status(intercept: Intercept, status: InterceptStatus): Promise<void>;
  /** The newest state of a workload that is known: the watch's, or the answer to the last patch. */
  newest(ref: WorkloadRef, watched: WorkloadObject | undefined): WorkloadObject | undefined;
  patchWorkload(ref: WorkloadRef, patch: WorkloadPatch): Promise<WorkloadObject>;
  retarget(namespace: string, change: TargetChange): Promise<void>;
  /** False: a budget forbids it now. */
  evict(namespace: string, pod: string): Promise<boolean>;
  remove(kind: 'intercepts' | 'sessions', namespace: string, name: string, uid: string): Promise<void>;
  forget(interceptUid: string): void;
}

const keyOf = ({ namespace, kind, name }: WorkloadRef): string => `${namespace}/${kind}/${name}`;
const FIELD_MANAGER = 'traffic-manager';

export function createWrites(kube: KubeClient, log: Log, signal: AbortSignal): Writes {
  const statuses = new Map<string, InterceptStatus>();
  const patched = new Map<string, WorkloadObject>();
  const options = { signal, fieldManager: FIELD_MANAGER };
  return {
    statusOf: ({ metadata, status }) => statuses.get(metadata.uid ?? '') ?? status,
    async status(intercept, wanted) {
      const uid = intercept.metadata.uid ?? '';
      const before: Record<string, unknown> = { ...(statuses.get(uid) ?? intercept.status) };
      const after: Record<string, unknown> = { ...wanted };
      const differing = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter(
        (key) => JSON.stringify(before[key]) !== JSON.stringify(after[key]),
      );
      if (differing.length === 0) return;
      const path = resourcePath(GROUP_VERSION, 'intercepts', intercept.metadata.namespace ?? '', intercept.metadata.name, 'status');
      try {
        await kube.patch(path, 'merge', { status: Object.fromEntries(differing.map((key) => [key, after[key] ?? null])) }, options);
      } catch (error) {
        if (isGone(error)) return;
        throw error;
      }
      statuses.set(uid, wanted);
      log.info('intercept', {
        namespace: intercept.metadata.namespace,
        name: intercept.metadata.name,
        phase: wanted.phase,
        reason: wanted.reason,
        message: wanted.message,
        granted: wanted.granted,
      });
    },
    newest(ref, watched) {
      const own = patched.get(keyOf(ref));
      if (own === undefined || watched === undefined) return watched;
      const same = own.metadata?.uid === watched.metadata?.uid;
      if (same && (watched.metadata?.generation ?? 0) < (own.metadata?.generation ?? 0)) return own;
      patched.delete(keyOf(ref));
      return watched;
    },
    async patchWorkload(ref, patch) {
      const object = await kube.patch<WorkloadObject>(resourcePath('apps/v1', workloadResource(ref.kind), ref.namespace, ref.name), 'merge', patch, options);
      patched.set(keyOf(ref), object);
      return object;
    },
    async retarget(namespace, { service, index, port, from, to }) {
      const path = `/spec/ports/${index}`;
      const patch = [
        { op: 'test', path: `${path}/port`, value: port },
        { op: 'test', path: `${path}/targetPort`, value: from },
        { op: 'replace', path: `${path}/targetPort`, value: to },
      ];
      await kube.patch<Service>(resourcePath('v1', 'services', namespace, service), 'json', patch, options);
      log.info('service', { namespace, service, port, from, to });
    },
    async evict(namespace, pod) {
      try {
        const evicted = await kube.evict(namespace, pod, { signal });
        log.info(evicted ? 'evicted a pod without its agent' : 'a budget keeps a pod without its agent', { namespace, pod });
        return evicted;
      } catch (error) {
        if (isGone(error)) return true;
        throw error;
      }
    },
    async remove(kind, namespace, name, uid) {
      const apiVersion = GROUP_VERSION;
      try {
        await kube.delete(resourcePath(apiVersion, kind, namespace, name), { preconditions: { uid }, signal });
        log.info('deleted', { kind, namespace, name });
      } catch (error) {
        if (!isGone(error) && !(error instanceof CodedError && error.code === 'TP-KUBE-CONFLICT')) throw error;
      }
    },
    forget: (uid) => statuses.delete(uid),
  };
}
