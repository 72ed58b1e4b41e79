/** The conditions of a Deployment, in the words that `kubectl rollout status` and people know. */
import type { DeploymentCondition, DeploymentStatus } from 'kubernetes-types/apps/v1.js';
import { timestamp } from '../core/time.ts';
import type { Deployment } from '../core/types.ts';

export type Conditions = readonly DeploymentCondition[];

export const conditionOf = (conditions: Conditions | undefined, type: string): DeploymentCondition | undefined =>
  conditions?.find((condition) => condition.type === type);

export function condition(type: string, status: 'True' | 'False' | 'Unknown', reason: string, message: string): DeploymentCondition {
  const now = timestamp();
  return { type, status, lastUpdateTime: now, lastTransitionTime: now, reason, message };
}

/** Unchanged where it says the same already; the time of the transition stays while the status does. */
export function withCondition(conditions: Conditions, next: DeploymentCondition): DeploymentCondition[] {
  const before = conditionOf(conditions, next.type);
  if (before !== undefined && before.status === next.status && before.reason === next.reason) return [...conditions];
  const lastTransitionTime = before?.status === next.status ? before.lastTransitionTime : next.lastTransitionTime;
  return [...without(conditions, next.type), lastTransitionTime === undefined ? next : { ...next, lastTransitionTime }];
}

export const without = (conditions: Conditions, type: string): DeploymentCondition[] => conditions.filter((one) => one.type !== type);

export function isComplete(deployment: Deployment, status: DeploymentStatus): boolean {
  const wanted = deployment.spec.replicas ?? 1;
  return (
    (status.updatedReplicas ?? 0) === wanted &&
    (status.replicas ?? 0) === wanted &&
    (status.availableReplicas ?? 0) === wanted &&
    (status.observedGeneration ?? 0) >= (deployment.metadata.generation ?? 0)
  );
}

function isProgressing(before: DeploymentStatus, now: DeploymentStatus): boolean {
  const old = (status: DeploymentStatus): number => (status.replicas ?? 0) - (status.updatedReplicas ?? 0);
  return (
    (now.updatedReplicas ?? 0) > (before.updatedReplicas ?? 0) ||
    old(now) < old(before) ||
    (now.readyReplicas ?? 0) > (before.readyReplicas ?? 0) ||
    (now.availableReplicas ?? 0) > (before.availableReplicas ?? 0)
  );
}

/** When its progress will have taken too long; undefined while nothing is awaited. */
export function deadlineOf(deployment: Deployment, conditions: Conditions): number | undefined {
  const progressing = conditionOf(conditions, 'Progressing');
  const seconds = deployment.spec.progressDeadlineSeconds;
  if (progressing === undefined || seconds === undefined || seconds === 2 ** 31 - 1) return undefined;
  if (progressing.reason === 'NewReplicaSetAvailable' || progressing.reason === 'ProgressDeadlineExceeded') return undefined;
  return Date.parse(progressing.lastUpdateTime ?? '') + seconds * 1000;
}

/** The conditions after a look at how the rollout goes. `set` is the name of the newest ReplicaSet. */
export function withProgress(deployment: Deployment, status: DeploymentStatus, set: string | undefined): DeploymentCondition[] {
  const conditions = status.conditions ?? [];
  const seconds = deployment.spec.progressDeadlineSeconds;
  if (seconds === undefined || seconds === 2 ** 31 - 1) return without(conditions, 'Progressing');
  const subject = set === undefined ? `Deployment "${deployment.metadata.name}"` : `ReplicaSet "${set}"`;
  const before = conditionOf(conditions, 'Progressing');
  if ((status.replicas ?? 0) === (status.updatedReplicas ?? 0) && before?.reason === 'NewReplicaSetAvailable') return [...conditions];
  if (isComplete(deployment, status)) {
    return withCondition(conditions, condition('Progressing', 'True', 'NewReplicaSetAvailable', `${subject} has successfully progressed.`));
  }
  if (isProgressing(deployment.status ?? {}, status)) {
    const next = condition('Progressing', 'True', 'ReplicaSetUpdated', `${subject} is progressing.`);
    // told anew at each step: the deadline counts from the last one
    const kept = before?.status === 'True' && before.lastTransitionTime !== undefined ? { ...next, lastTransitionTime: before.lastTransitionTime } : next;
    return [...without(conditions, 'Progressing'), kept];
  }
  const deadline = deadlineOf(deployment, conditions);
  if (deadline !== undefined && deadline <= Date.now()) {
    return withCondition(conditions, condition('Progressing', 'False', 'ProgressDeadlineExceeded', `${subject} has timed out progressing.`));
  }
  return [...conditions];
}
