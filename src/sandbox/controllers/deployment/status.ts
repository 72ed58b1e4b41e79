/** A Deployment's status from what its ReplicaSets say. */
import type { DeploymentStatus } from 'kubernetes-types/apps/v1.js';
import type { Deployment, ReplicaSet } from '../core/types.ts';
import { type Conditions, condition, withCondition } from './conditions.ts';
import { maxUnavailable } from './plan.ts';
import { replicasOf, sum } from './revisions.ts';

/** Zeros are left out, as the published type says. */
export function statusFor(deployment: Deployment, all: readonly ReplicaSet[], newest: ReplicaSet | undefined, conditions: Conditions): DeploymentStatus {
  const available = sum(all, (set) => set.status?.availableReplicas ?? 0);
  const numbers = {
    observedGeneration: deployment.metadata.generation ?? 0,
    replicas: sum(all, (set) => set.status?.replicas ?? 0),
    updatedReplicas: newest?.status?.replicas ?? 0,
    readyReplicas: sum(all, (set) => set.status?.readyReplicas ?? 0),
    availableReplicas: available,
    unavailableReplicas: Math.max(0, sum(all, replicasOf) - available),
    collisionCount: deployment.status?.collisionCount ?? 0,
  };
  const enough = available >= replicasOf(deployment) - maxUnavailable(deployment);
  const next = enough
    ? condition('Available', 'True', 'MinimumReplicasAvailable', 'Deployment has minimum availability.')
    : condition('Available', 'False', 'MinimumReplicasUnavailable', 'Deployment does not have minimum availability.');
  const status: DeploymentStatus = Object.fromEntries(Object.entries(numbers).filter(([, value]) => value !== 0));
  status.conditions = replicaFailure(withCondition(conditions, next), all);
  return status;
}

/** A failure of a ReplicaSet to make pods is the Deployment's too. */
function replicaFailure(conditions: Conditions, all: readonly ReplicaSet[]): DeploymentStatus['conditions'] & object {
  const others = conditions.filter(({ type }) => type !== 'ReplicaFailure');
  const failures = all.flatMap((set) => (set.status?.conditions ?? []).filter(({ type }) => type === 'ReplicaFailure'));
  const failure = failures[0];
  if (failure === undefined) return [...others];
  return withCondition(conditions, condition('ReplicaFailure', failure.status === 'True' ? 'True' : 'False', failure.reason ?? '', failure.message ?? ''));
}
