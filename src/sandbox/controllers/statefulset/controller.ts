/** StatefulSets: pods with a name, one after the other. */
import type { StatefulSetStatus } from 'kubernetes-types/apps/v1.js';
import { resourcePath } from '../../../kube/paths.ts';
import { type ControllerContext, isConflict, isNotFound } from '../core/context.ts';
import { revisionsOf, templateOf, truncate } from '../core/controller-revisions.ts';
import { claim, controllerOf } from '../core/owners.ts';
import { createPod, deletePod } from '../core/pod-factory.ts';
import { availableIn, isAvailable, isFinished, isReady, isTerminating } from '../core/pods.ts';
import { createQueue } from '../core/queue.ts';
import { matches } from '../core/selector.ts';
import { canonical } from '../core/template-hash.ts';
import { type ControllerRevision, keyOf, PODS, type Pod, type PodTemplate, STATEFUL_SETS, type StatefulSet, splitKey } from '../core/types.ts';
import { claimName, firstOrdinal, ordinalOf, podFor, revisionOfPod } from './pods.ts';

const COMPONENT = 'statefulset-controller';

interface View {
  set: StatefulSet;
  /** By ordinal. */
  pods: Map<number, Pod>;
  current: ControllerRevision;
  update: ControllerRevision;
}

export function startStatefulSets(context: ControllerContext): () => void {
  const sets = context.cache(STATEFUL_SETS);
  const pods = context.cache(PODS);
  const queue = createQueue({ name: COMPONENT, log: context.log, signal: context.signal, work: sync });

  sets.onChange((now, old) => queue.add(keyOf(now ?? (old as StatefulSet))));
  pods.onChange((now, old) => {
    for (const pod of [now, old]) {
      if (pod === undefined) continue;
      const owner = controllerOf(pod);
      if (owner?.kind === 'StatefulSet') queue.add(`${pod.metadata.namespace}/${owner.name}`);
      if (owner === undefined && now !== undefined)
        for (const set of sets.inNamespace(pod.metadata.namespace)) if (matches(set.spec.selector, pod.metadata.labels)) queue.add(keyOf(set));
    }
  });

  async function sync(key: string): Promise<void> {
    const set = sets.get(...splitKey(key));
    if (set === undefined) return;
    const { all, now: update } = await revisionsOf(context, set, set.status?.collisionCount ?? 0);
    const current = all.find((revision) => revision.metadata.name === set.status?.currentRevision) ?? update;
    const candidates = pods.inNamespace(set.metadata.namespace).filter((pod) => ordinalOf(set, pod) >= 0);
    const mine = await claim(context, PODS, set, set.spec.selector, candidates);
    const view: View = { set, current, update, pods: new Map(mine.map((pod) => [ordinalOf(set, pod), pod])) };
    let failure: unknown;
    if (set.metadata.deletionTimestamp === undefined) {
      try {
        await step(view);
      } catch (error) {
        failure = error;
      }
    }
    const after = pods.ownedBy(set.metadata.uid).filter((pod) => ordinalOf(set, pod) >= 0);
    await writeStatus(view, after);
    if (failure !== undefined) throw failure;
    const live = new Set([current.metadata.name, update.metadata.name, ...after.map(revisionOfPod)]);
    await truncate(context, all, live, set.spec.revisionHistoryLimit ?? 10);
    const waits = after.map((pod) => availableIn(pod, set.spec.minReadySeconds)).filter((ms) => ms !== undefined && ms > 0);
    if (waits.length > 0) queue.addAfter(key, Math.min(...(waits as number[])) + 1);
  }

  /** What an ordinal's new pod is made from. */
  function templateFor(view: View, ordinal: number): { template: PodTemplate; revision: string } {
    const { set, current, update } = view;
    const partition = set.spec.updateStrategy?.rollingUpdate?.partition;
    const rolling = set.spec.updateStrategy?.type !== 'OnDelete';
    const below = partition ?? 0;
    const old = rolling && current !== update && ordinal < firstOrdinal(set) + (partition === undefined ? (set.status?.currentReplicas ?? 0) : below);
    const from = old ? current : update;
    return { template: templateOf(from), revision: from.metadata.name };
  }

  /** One step as far as the order of pods allows it; the next comes with the event of what it did. */
  async function step(view: View): Promise<void> {
    const { set } = view;
    const first = firstOrdinal(set);
    const wanted = set.spec.replicas ?? 1;
    const ordered = set.spec.podManagementPolicy !== 'Parallel';
    const minReady = set.spec.minReadySeconds ?? 0;
    for (let ordinal = first; ordinal < first + wanted; ordinal++) {
      const pod = view.pods.get(ordinal);
      if (pod === undefined) await create(view, ordinal);
      else if (isFinished(pod) && !isTerminating(pod)) await deletePod(context, COMPONENT, set, pod);
      else if (!isTerminating(pod) && isAvailable(pod, minReady)) continue;
      if (ordered) return;
    }
    const condemned = [...view.pods.values()]
      .filter((pod) => ordinalOf(set, pod) < first || ordinalOf(set, pod) >= first + wanted)
      .sort((a, b) => ordinalOf(set, b) - ordinalOf(set, a));
    for (const pod of condemned) {
      if (!isTerminating(pod)) await deletePod(context, COMPONENT, set, pod);
      if (ordered) return;
    }
    if (set.spec.updateStrategy?.type === 'OnDelete') return;
    const lowest = first + (set.spec.updateStrategy?.rollingUpdate?.partition ?? 0);
    for (let ordinal = first + wanted - 1; ordinal >= lowest; ordinal--) {
      const pod = view.pods.get(ordinal);
      if (pod === undefined) return;
      if (revisionOfPod(pod) !== view.update.metadata.name && !isTerminating(pod)) return deletePod(context, COMPONENT, set, pod);
      if (isTerminating(pod) || !isAvailable(pod, minReady)) return;
    }
  }

  async function create(view: View, ordinal: number): Promise<void> {
    const { set } = view;
    for (const template of set.spec.volumeClaimTemplates ?? []) {
      const metadata = { ...template.metadata, name: claimName(template.metadata?.name ?? '', set, ordinal), namespace: set.metadata.namespace };
      const labels = { ...metadata.labels, ...set.spec.selector.matchLabels };
      await context.client
        .create({ ...template, apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { ...metadata, labels } })
        .catch((error: unknown) => {
          if (!isConflict(error)) throw error;
        });
    }
    const { template, revision } = templateFor(view, ordinal);
    try {
      await createPod(context, COMPONENT, set, podFor(set, template, revision, ordinal));
    } catch (error) {
      if (!isConflict(error)) throw error;
      // there already: seen a moment later, or in the way until somebody removes it
      const there = await context.client
        .get<Pod>(resourcePath('v1', 'pods', set.metadata.namespace, `${set.metadata.name}-${ordinal}`))
        .catch((thrown: unknown) => {
          if (!isNotFound(thrown)) throw thrown;
          return undefined;
        });
      if (there !== undefined && controllerOf(there)?.uid === set.metadata.uid) pods.learn(there);
      throw error;
    }
  }

  async function writeStatus({ set, current, update }: View, mine: readonly Pod[]): Promise<void> {
    const of = (revision: ControllerRevision): number => mine.filter((pod) => !isTerminating(pod) && revisionOfPod(pod) === revision.metadata.name).length;
    const ready = mine.filter(isReady).length;
    const status: StatefulSetStatus = {
      observedGeneration: set.metadata.generation ?? 0,
      replicas: mine.length,
      readyReplicas: ready,
      availableReplicas: mine.filter((pod) => isAvailable(pod, set.spec.minReadySeconds)).length,
      currentReplicas: of(current),
      updatedReplicas: of(update),
      currentRevision: current.metadata.name,
      updateRevision: update.metadata.name,
      collisionCount: set.status?.collisionCount ?? 0,
    };
    // the rollout is over: what was the update is what there is
    const rolling = set.spec.updateStrategy?.type !== 'OnDelete';
    if (rolling && status.updatedReplicas === status.replicas && ready === status.replicas && status.replicas === (set.spec.replicas ?? 1)) {
      status.currentReplicas = status.updatedReplicas ?? 0;
      status.currentRevision = update.metadata.name;
    }
    for (const name of ['readyReplicas', 'currentReplicas', 'updatedReplicas'] as const) if (status[name] === 0) delete status[name];
    const newest = sets.byUid(set.metadata.uid);
    if (newest === undefined || canonical(newest.status ?? {}) === canonical(status)) return;
    await context.replace(STATEFUL_SETS, { ...newest, status }, 'status');
  }

  return queue.start;
}
