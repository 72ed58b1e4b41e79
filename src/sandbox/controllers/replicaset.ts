/** ReplicaSets: as many pods of a template as are wanted. */
import type { ReplicaSetCondition, ReplicaSetStatus } from 'kubernetes-types/apps/v1.js';
import { messageOf } from '../../base/errors.ts';
import type { ControllerContext } from './core/context.ts';
import { CONTROLLER_BURST } from './core/limits.ts';
import { claim, controllerOf } from './core/owners.ts';
import { createPod, deletePod, podFromTemplate, slowStart } from './core/pod-factory.ts';
import { availableIn, isActive, isReady } from './core/pods.ts';
import { createQueue } from './core/queue.ts';
import { hasAll, matches } from './core/selector.ts';
import { canonical } from './core/template-hash.ts';
import { timestamp } from './core/time.ts';
import { keyOf, PODS, type Pod, REPLICA_SETS, type ReplicaSet, splitKey } from './core/types.ts';
import { inDeletionOrder } from './deletion-order.ts';

const COMPONENT = 'replicaset-controller';

export function startReplicaSets(context: ControllerContext): () => void {
  const sets = context.cache(REPLICA_SETS);
  const pods = context.cache(PODS);
  const queue = createQueue({ name: COMPONENT, log: context.log, signal: context.signal, work: sync });

  sets.onChange((now, old) => queue.add(keyOf(now ?? (old as ReplicaSet))));
  pods.onChange((now, old) => {
    for (const pod of [now, old]) {
      if (pod === undefined) continue;
      const owner = controllerOf(pod);
      if (owner?.kind === 'ReplicaSet') queue.add(`${pod.metadata.namespace}/${owner.name}`);
      // an orphan may be somebody's
      if (owner === undefined && now !== undefined)
        for (const set of sets.inNamespace(pod.metadata.namespace)) if (matches(set.spec.selector, pod.metadata.labels)) queue.add(keyOf(set));
    }
  });

  async function sync(key: string): Promise<void> {
    const set = sets.get(...splitKey(key));
    if (set === undefined) return;
    const candidates = pods.inNamespace(set.metadata.namespace).filter((pod) => {
      const owner = controllerOf(pod);
      return owner === undefined || owner.uid === set.metadata.uid;
    });
    const mine = (await claim(context, PODS, set, set.spec.selector, candidates)).filter(isActive);
    let failure: unknown;
    if (set.metadata.deletionTimestamp === undefined) {
      try {
        await scale(set, mine);
      } catch (error) {
        failure = error;
      }
    }
    await writeStatus(set, mine, failure);
    if (failure !== undefined) throw failure;
    const waits = mine.map((pod) => availableIn(pod, set.spec.minReadySeconds)).filter((ms) => ms !== undefined && ms > 0);
    if (waits.length > 0) queue.addAfter(key, Math.min(...(waits as number[])) + 1);
  }

  async function scale(set: ReplicaSet, active: readonly Pod[]): Promise<void> {
    const surplus = active.length - (set.spec.replicas ?? 1);
    if (surplus < 0) {
      const template = set.spec.template ?? {};
      await slowStart(Math.min(-surplus, CONTROLLER_BURST), () => createPod(context, COMPONENT, set, podFromTemplate(template, set)));
    } else if (surplus > 0) {
      const first = inDeletionOrder(active, related(set)).slice(0, Math.min(surplus, CONTROLLER_BURST));
      await Promise.all(first.map((pod) => deletePod(context, COMPONENT, set, pod)));
    }
  }

  /** Active pods of all ReplicaSets with the same owner. */
  function related(set: ReplicaSet): Pod[] {
    const owner = controllerOf(set);
    const siblings = owner === undefined ? [set] : sets.ownedBy(owner.uid);
    return siblings.flatMap((sibling) => pods.ownedBy(sibling.metadata.uid)).filter(isActive);
  }

  async function writeStatus(set: ReplicaSet, active: readonly Pod[], failure: unknown): Promise<void> {
    const templateLabels = set.spec.template?.metadata?.labels ?? {};
    const conditions = (set.status?.conditions ?? []).filter(({ type }) => type !== 'ReplicaFailure');
    if (failure !== undefined) conditions.push(replicaFailure(set, failure, active.length));
    const wanted: ReplicaSetStatus = {
      replicas: active.length,
      fullyLabeledReplicas: active.filter((pod) => hasAll(pod.metadata.labels, templateLabels)).length,
      readyReplicas: active.filter(isReady).length,
      availableReplicas: active.filter((pod) => availableIn(pod, set.spec.minReadySeconds) === 0).length,
      observedGeneration: set.metadata.generation ?? 0,
    };
    // as the published type says: zeros and empty lists are left out
    const status = Object.fromEntries(Object.entries(wanted).filter(([name, value]) => value !== 0 || name === 'replicas')) as unknown as ReplicaSetStatus;
    if (conditions.length > 0) status.conditions = conditions;
    const newest = sets.byUid(set.metadata.uid);
    if (newest === undefined || canonical(newest.status ?? {}) === canonical(status)) return;
    await context.replace(REPLICA_SETS, { ...newest, status }, 'status');
  }

  return queue.start;
}

/** Stays as it was first said: one that says each pod's name would change at each try, and wake its own controller each time. */
function replicaFailure(set: ReplicaSet, failure: unknown, active: number): ReplicaSetCondition {
  const before = set.status?.conditions?.find(({ type }) => type === 'ReplicaFailure');
  if (before !== undefined) return before;
  return {
    type: 'ReplicaFailure',
    status: 'True',
    reason: active < (set.spec.replicas ?? 1) ? 'FailedCreate' : 'FailedDelete',
    message: messageOf(failure),
    lastTransitionTime: timestamp(),
  };
}
