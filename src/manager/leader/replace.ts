/** Which pods must be replaced by the leader because their controller does not do it: a pure decision. */
import type { ReplicaSet } from 'kubernetes-types/apps/v1.js';
import type { Pod } from 'kubernetes-types/core/v1.js';
import { ANNOTATION } from '../../protocol/resources.ts';
import { isCurrent, isEnding, isReady, ordinalOf, type Workload } from './workload.ts';

export type Replacement =
  | { kind: 'none' }
  /** Evict this pod now; the others wait until its successor is ready. */
  | { kind: 'evict'; pod: Pod }
  /** Restart all pods by the template: evicting the only one would leave none. */
  | { kind: 'restart' }
  /** Another pod is on its way, or not ready: one at a time. */
  | { kind: 'wait' };

/**
 * @param wanted whether pods should have an agent (an intercept is there) — pods that have none where none is wanted are left alone.
 */
export function planReplacement(workload: Workload, pods: readonly Pod[], replicaSets: readonly ReplicaSet[], wanted: boolean): Replacement {
  if (!wanted || workload.paused) return { kind: 'none' };
  if (!workload.observed) return { kind: 'wait' };
  const alive = pods.filter((pod) => !isEnding(pod));
  const stale = alive.filter((pod) => !isCurrent(pod, workload.template) && !comesByItself(workload, pod, replicaSets));
  if (stale.length === 0) return { kind: 'none' };
  const unready = stale.filter((pod) => !isReady(pod));
  const [broken] = unready;
  // One that serves nobody can go at once, whatever the others do.
  if (broken !== undefined) return { kind: 'evict', pod: broken };
  const whole = alive.length >= workload.replicas && alive.every(isReady) && alive.length === pods.length;
  if (!whole) return { kind: 'wait' };
  if (workload.kind === 'Deployment' && alive.length === 1 && workload.rollout.by === 'surge') return { kind: 'restart' };
  // The highest ordinal first, as the controller does it.
  const [next] = stale.toSorted((a, b) => (ordinalOf(b) || 0) - (ordinalOf(a) || 0));
  return next === undefined ? { kind: 'none' } : { kind: 'evict', pod: next };
}

/** Its controller replaces it because it is of an older template, or keeps it as it is on purpose. */
export function comesByItself(workload: Workload, pod: Pod, replicaSets: readonly ReplicaSet[]): boolean {
  switch (workload.rollout.by) {
    case 'surge':
    case 'stop-first': {
      const owner = replicaSets.find(({ metadata }) => metadata?.uid === pod.metadata?.ownerReferences?.find(({ controller }) => controller)?.uid);
      const config = (annotations: Record<string, string> | undefined) =>
        [annotations?.[ANNOTATION.agentConfig], annotations?.[ANNOTATION.restartedAt]].join('\n');
      // The ReplicaSet of an older template: the Deployment scales it down.
      return config(owner?.spec?.template?.metadata?.annotations) !== config(workload.template.metadata?.annotations);
    }
    case 'ordinal':
      return (
        ordinalOf(pod) < workload.rollout.partition ||
        workload.updateRevision === undefined ||
        pod.metadata?.labels?.['controller-revision-hash'] !== workload.updateRevision
      );
    case 'eviction':
      // A StatefulSet's new pod gets the template that the controller has seen last.
      return false;
  }
}

/** What a user must know before the pods restart; undefined where nobody notices. */
export function restartWarning(workload: Workload): string | undefined {
  const what = `${workload.kind} ${workload.name}`;
  const { rollout, replicas } = workload;
  switch (rollout.by) {
    case 'surge':
      return undefined;
    case 'stop-first':
      return rollout.all
        ? `All pods of ${what} stop before new ones start: its strategy asks for it.`
        : `${what} has fewer pods while they restart: its strategy lets a pod stop before its successor starts.`;
    case 'ordinal':
      if (rollout.partition > 0) return `Only pods from number ${rollout.partition} on restart and are intercepted: the partition of ${what} keeps the others.`;
      return replicas <= 1 ? `The only pod of ${what} restarts: until it is back nobody answers.` : undefined;
    case 'eviction':
      if (replicas <= 1) return `The only pod of ${what} is evicted: until its successor is ready nobody answers.`;
      return `The pods of ${what} are evicted one after the other, because ${workload.kind === 'StatefulSet' ? 'its update strategy is OnDelete' : 'a ReplicaSet does not restart them itself'}.`;
  }
}
