/** What a pod's status says, as all controllers read it. */
import type { PodCondition } from 'kubernetes-types/core/v1.js';
import type { Pod } from './types.ts';

export function readyCondition(pod: Pod): PodCondition | undefined {
  return pod.status?.conditions?.find(({ type }) => type === 'Ready');
}

export const isReady = (pod: Pod): boolean => readyCondition(pod)?.status === 'True';
export const isTerminating = (pod: Pod): boolean => pod.metadata.deletionTimestamp !== undefined;
export const isFinished = (pod: Pod): boolean => pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
/** Counts as one of the wanted replicas. */
export const isActive = (pod: Pod): boolean => !isFinished(pod) && !isTerminating(pod);

/** Milliseconds until a ready pod has been so for `minReadySeconds`; 0: it is available; undefined: it is not ready. */
export function availableIn(pod: Pod, minReadySeconds = 0, now = Date.now()): number | undefined {
  const ready = readyCondition(pod);
  if (ready?.status !== 'True') return undefined;
  if (minReadySeconds === 0) return 0;
  const since = Date.parse(ready.lastTransitionTime ?? '');
  return Number.isNaN(since) ? undefined : Math.max(0, since + minReadySeconds * 1000 - now);
}

export const isAvailable = (pod: Pod, minReadySeconds = 0): boolean => availableIn(pod, minReadySeconds) === 0;
export const restarts = (pod: Pod): number => Math.max(0, ...(pod.status?.containerStatuses ?? []).map(({ restartCount }) => restartCount));
