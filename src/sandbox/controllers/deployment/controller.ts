/** Deployments: ReplicaSets that replace each other as the strategy says. */
import type { DeploymentCondition } from 'kubernetes-types/apps/v1.js';
import type { ControllerContext } from '../core/context.ts';
import { claim, controllerOf } from '../core/owners.ts';
import { isFinished } from '../core/pods.ts';
import { createQueue } from '../core/queue.ts';
import { matches } from '../core/selector.ts';
import { canonical } from '../core/template-hash.ts';
import { DEPLOYMENTS, type Deployment, keyOf, PODS, REPLICA_SETS, type ReplicaSet, splitKey } from '../core/types.ts';
import { condition, conditionOf, deadlineOf, isComplete, withCondition, withProgress } from './conditions.ts';
import { isRolling, newestReplicas, scaleAll, shrinkOld } from './plan.ts';
import { createReplicaSets } from './replica-sets.ts';
import { annotationsFor, DESIRED_REPLICAS, maxRevision, REVISION, replicasOf, revisionOf, split } from './revisions.ts';
import { statusFor } from './status.ts';

const COMPONENT = 'deployment-controller';

/** One look at a Deployment: what is there, and the conditions as they are to be written. */
interface View {
  deployment: Deployment;
  newest: ReplicaSet | undefined;
  old: ReplicaSet[];
  conditions: readonly DeploymentCondition[];
}

export function startDeployments(context: ControllerContext): () => void {
  const deployments = context.cache(DEPLOYMENTS);
  const sets = context.cache(REPLICA_SETS);
  const pods = context.cache(PODS);
  const queue = createQueue({ name: COMPONENT, log: context.log, signal: context.signal, work: sync });
  const writer = createReplicaSets(context, COMPONENT);

  deployments.onChange((now, old) => queue.add(keyOf(now ?? (old as Deployment))));
  sets.onChange((now, old) => {
    for (const set of [now, old]) {
      if (set === undefined) continue;
      const owner = controllerOf(set);
      if (owner?.kind === 'Deployment') queue.add(`${set.metadata.namespace}/${owner.name}`);
      if (owner === undefined && now !== undefined) {
        for (const deployment of deployments.inNamespace(set.metadata.namespace))
          if (matches(deployment.spec.selector, set.metadata.labels)) queue.add(keyOf(deployment));
      }
    }
  });
  // only Recreate waits for pods to be gone
  pods.onChange((now, old) => {
    if (now !== undefined && !isFinished(now)) return;
    const owner = controllerOf((now ?? old) as NonNullable<typeof old>);
    const set = owner?.kind === 'ReplicaSet' ? sets.byUid(owner.uid) : undefined;
    const deployment = set === undefined ? undefined : controllerOf(set);
    if (set !== undefined && deployment?.kind === 'Deployment') queue.add(`${set.metadata.namespace}/${deployment.name}`);
  });

  async function sync(key: string): Promise<void> {
    const deployment = deployments.get(...splitKey(key));
    if (deployment === undefined) return;
    const candidates = sets.inNamespace(deployment.metadata.namespace).filter((set) => {
      const owner = controllerOf(set);
      return owner === undefined || owner.uid === deployment.metadata.uid;
    });
    const mine = await claim(context, REPLICA_SETS, deployment, deployment.spec.selector, candidates);
    const view: View = { deployment, ...split(deployment, mine), conditions: pausedConditions(deployment) };
    if (deployment.metadata.deletionTimestamp === undefined) await act(view);
    else await writeStatus(view);
    const now = deployments.get(...splitKey(key));
    const deadline = now === undefined ? undefined : deadlineOf(now, now.status?.conditions ?? []);
    if (deadline !== undefined && deadline > Date.now()) queue.addAfter(key, deadline - Date.now() + 1000);
  }

  async function act(view: View): Promise<void> {
    const { deployment } = view;
    const isScaled = [...view.old, ...(view.newest === undefined ? [] : [view.newest])].some((set) => {
      const desired = set.metadata.annotations?.[DESIRED_REPLICAS];
      return replicasOf(set) > 0 && desired !== undefined && Number(desired) !== replicasOf(deployment);
    });
    if (deployment.spec.paused === true || isScaled) {
      if (deployment.spec.paused !== true) await numberNewest(view);
      for (const { set, replicas } of scaleAll(deployment, view.newest, view.old)) await writer.scale(deployment, set, replicas);
      refresh(view);
      if (deployment.spec.paused === true) await cleanUp(view);
      await writeStatus(view);
      return;
    }
    await (isRolling(deployment) ? roll(view) : recreate(view));
  }

  /** Takes what the writes of this round have changed. */
  function refresh(view: View): void {
    const newest = (set: ReplicaSet): ReplicaSet => sets.byUid(set.metadata.uid) ?? set;
    view.old = view.old.map(newest);
    if (view.newest !== undefined) view.newest = newest(view.newest);
  }

  const all = (view: View): ReplicaSet[] => [...view.old, ...(view.newest === undefined ? [] : [view.newest])];

  /** The newest template's ReplicaSet has the highest revision, also after a return to an older template. */
  async function numberNewest(view: View): Promise<void> {
    const { deployment, newest } = view;
    if (newest === undefined) return;
    const revision = Math.max(maxRevision(view.old) + 1, revisionOf(newest));
    const wanted = annotationsFor(deployment, newest, revisionOf(newest) > maxRevision(view.old) ? revisionOf(newest) : revision);
    const minReady = deployment.spec.minReadySeconds ?? 0;
    if (wanted !== undefined || (newest.spec.minReadySeconds ?? 0) !== minReady) view.newest = await writer.annotate(newest, wanted, minReady);
    if (conditionOf(view.conditions, 'Progressing') === undefined && deployment.spec.progressDeadlineSeconds !== undefined) {
      view.conditions = withCondition(
        view.conditions,
        condition('Progressing', 'True', 'FoundNewReplicaSet', `Found new replica set "${newest.metadata.name}"`),
      );
    }
    await numberDeployment(view);
  }

  async function numberDeployment(view: View): Promise<void> {
    const revision = view.newest?.metadata.annotations?.[REVISION];
    if (revision === undefined || view.deployment.metadata.annotations?.[REVISION] === revision) return;
    const written = await context.mergePatch(DEPLOYMENTS, view.deployment, { metadata: { annotations: { [REVISION]: revision } } });
    view.deployment = written;
  }

  async function ensureNewest(view: View): Promise<void> {
    if (view.newest !== undefined) return numberNewest(view);
    const { deployment } = view;
    const made = await writer.create(deployment, view.old, newestReplicas(deployment, view.old, undefined));
    if (made === 'collision') {
      // another template with this hash: the count changes the hash, and this round begins anew with the event of the write
      const status = { ...deployment.status, collisionCount: (deployment.status?.collisionCount ?? 0) + 1 };
      await context.replace(DEPLOYMENTS, { ...deployment, status }, 'status');
      queue.add(keyOf(deployment));
      return;
    }
    view.newest = made;
    if (deployment.spec.progressDeadlineSeconds !== undefined) {
      const next = condition('Progressing', 'True', 'NewReplicaSetCreated', `Created new replica set "${made.metadata.name}"`);
      view.conditions = withCondition(view.conditions, next);
    }
    await numberDeployment(view);
  }

  async function roll(view: View): Promise<void> {
    await ensureNewest(view);
    const { deployment, newest } = view;
    if (newest === undefined) return;
    const wanted = replicasOf(newest) > replicasOf(deployment) ? replicasOf(deployment) : newestReplicas(deployment, all(view), newest);
    if (wanted !== replicasOf(newest)) {
      await writer.scale(deployment, newest, wanted);
      refresh(view);
      return writeStatus(view);
    }
    await writer.markSize(deployment, newest);
    refresh(view);
    const shrink = shrinkOld(deployment, view.newest ?? newest, view.old);
    for (const { set, replicas } of shrink) await writer.scale(deployment, set, replicas);
    refresh(view);
    if (shrink.length === 0 && isComplete(deployment, deployment.status ?? {})) await cleanUp(view);
    await writeStatus(view);
  }

  async function recreate(view: View): Promise<void> {
    const { deployment } = view;
    if (view.newest !== undefined) await numberNewest(view);
    const running = view.old.filter((set) => replicasOf(set) > 0);
    for (const set of running) await writer.scale(deployment, set, 0);
    refresh(view);
    if (running.length > 0) return writeStatus(view);
    if (view.old.some((set) => pods.ownedBy(set.metadata.uid).some((pod) => !isFinished(pod)))) return writeStatus(view);
    await ensureNewest(view);
    if (view.newest !== undefined) await writer.scale(deployment, view.newest, replicasOf(deployment));
    refresh(view);
    if (isComplete(deployment, deployment.status ?? {})) await cleanUp(view);
    await writeStatus(view);
  }

  async function cleanUp(view: View): Promise<void> {
    const limit = view.deployment.spec.revisionHistoryLimit;
    if (limit === undefined) return;
    const idle = view.old.filter((set) => set.metadata.deletionTimestamp === undefined).sort((a, b) => revisionOf(a) - revisionOf(b));
    for (const set of idle.slice(0, Math.max(0, idle.length - limit))) {
      const unseen = (set.metadata.generation ?? 0) > (set.status?.observedGeneration ?? 0);
      if (unseen || replicasOf(set) !== 0 || (set.status?.replicas ?? 0) !== 0) continue;
      await context.remove(REPLICA_SETS, set);
      view.old = view.old.filter((other) => other !== set);
    }
  }

  async function writeStatus(view: View): Promise<void> {
    const deployment = deployments.byUid(view.deployment.metadata.uid);
    if (deployment === undefined) return;
    const status = statusFor(view.deployment, all(view), view.newest, view.conditions);
    if (deployment.spec.paused !== true && deployment.metadata.deletionTimestamp === undefined)
      status.conditions = withProgress({ ...view.deployment, status: deployment.status ?? {} }, status, view.newest?.metadata.name);
    // times alone are no news, but that a step was taken is
    if (canonical(deployment.status ?? {}) === canonical(status)) return;
    await context.replace(DEPLOYMENTS, { ...deployment, status }, 'status');
  }

  return queue.start;
}

/** While it is paused nothing progresses, and that is no failure. */
function pausedConditions(deployment: Deployment): readonly DeploymentCondition[] {
  const conditions = deployment.status?.conditions ?? [];
  if (deployment.spec.progressDeadlineSeconds === undefined) return conditions;
  const progressing = conditionOf(conditions, 'Progressing');
  if (progressing?.reason === 'ProgressDeadlineExceeded') return conditions;
  const wasPaused = progressing?.reason === 'DeploymentPaused';
  if (deployment.spec.paused === true && !wasPaused)
    return withCondition(conditions, condition('Progressing', 'Unknown', 'DeploymentPaused', 'Deployment is paused'));
  if (deployment.spec.paused !== true && wasPaused)
    return withCondition(conditions, condition('Progressing', 'Unknown', 'DeploymentResumed', 'Deployment is resumed'));
  return conditions;
}
