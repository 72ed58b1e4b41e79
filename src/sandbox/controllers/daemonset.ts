/** DaemonSets: one pod on each node that takes it. */

import type { DaemonSetStatus } from 'kubernetes-types/apps/v1.js';
import type { Toleration } from 'kubernetes-types/core/v1.js';
import type { ControllerContext, Draft } from './core/context.ts';
import { revisionsOf, truncate } from './core/controller-revisions.ts';
import { claim, controllerOf } from './core/owners.ts';
import { scaled } from './core/percent.ts';
import { createPod, deletePod, podFromTemplate } from './core/pod-factory.ts';
import { availableIn, isAvailable, isFinished, isReady, isTerminating } from './core/pods.ts';
import { createQueue } from './core/queue.ts';
import { hasAll } from './core/selector.ts';
import { canonical } from './core/template-hash.ts';
import { DAEMON_SETS, type DaemonSet, keyOf, NODES, type Node, PODS, type Pod, splitKey } from './core/types.ts';

const COMPONENT = 'daemonset-controller';
const REVISION_LABEL = 'controller-revision-hash';
/** A daemon's pod stays on a node that is not well. */
const TOLERATED = [
  { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute' },
  { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute' },
  ...['disk-pressure', 'memory-pressure', 'pid-pressure', 'unschedulable'].map((name) => ({
    key: `node.kubernetes.io/${name}`,
    operator: 'Exists',
    effect: 'NoSchedule',
  })),
];

export function startDaemonSets(context: ControllerContext): () => void {
  const sets = context.cache(DAEMON_SETS);
  const pods = context.cache(PODS);
  const nodes = context.cache(NODES);
  const queue = createQueue({ name: COMPONENT, log: context.log, signal: context.signal, work: sync });

  sets.onChange((now, old) => queue.add(keyOf(now ?? (old as DaemonSet))));
  pods.onChange((now, old) => {
    const pod = (now ?? old) as Pod;
    const owner = controllerOf(pod);
    if (owner?.kind === 'DaemonSet') queue.add(`${pod.metadata.namespace}/${owner.name}`);
  });
  nodes.onChange((now, old) => {
    // a node's heartbeat is no news
    if (now !== undefined && old !== undefined && canonical([now.spec, now.metadata.labels]) === canonical([old.spec, old.metadata.labels])) return;
    for (const set of sets.list()) queue.add(keyOf(set));
  });

  async function sync(key: string): Promise<void> {
    const set = sets.get(...splitKey(key));
    if (set === undefined) return;
    const { all, now: revision } = await revisionsOf(context, set, set.status?.collisionCount ?? 0);
    const hash = revision.metadata.labels?.['controller.kubernetes.io/hash'] ?? '';
    const mine = await claim(context, PODS, set, set.spec.selector, pods.inNamespace(set.metadata.namespace));
    const eligible = nodes.list().filter((node) => takes(node, set));
    if (set.metadata.deletionTimestamp === undefined) await place(set, hash, mine, eligible);
    const after = pods.ownedBy(set.metadata.uid);
    await writeStatus(set, hash, after, eligible);
    const live = new Set([...after.map((pod) => `${set.metadata.name}-${pod.metadata.labels?.[REVISION_LABEL] ?? ''}`), revision.metadata.name]);
    await truncate(context, all, live, set.spec.revisionHistoryLimit ?? 10);
    const waits = after.map((pod) => availableIn(pod, set.spec.minReadySeconds)).filter((ms) => ms !== undefined && ms > 0);
    if (waits.length > 0) queue.addAfter(key, Math.min(...(waits as number[])) + 1);
  }

  async function place(set: DaemonSet, hash: string, mine: readonly Pod[], eligible: readonly Node[]): Promise<void> {
    const names = new Set(eligible.map((node) => node.metadata.name));
    const on = (name: string): Pod[] => mine.filter((pod) => pod.spec.nodeName === name && !isTerminating(pod));
    const surplus = mine.filter((pod) => !isTerminating(pod) && (!names.has(pod.spec.nodeName ?? '') || isFinished(pod)));
    surplus.push(
      ...eligible.flatMap((node) =>
        on(node.metadata.name)
          .filter((pod) => !surplus.includes(pod))
          .slice(1),
      ),
    );
    for (const pod of surplus) await deletePod(context, COMPONENT, set, pod);
    const free = eligible.filter((node) => !mine.some((pod) => pod.spec.nodeName === node.metadata.name && !surplus.includes(pod)));
    await Promise.all(free.map((node) => createPod(context, COMPONENT, set, podOn(set, hash, node))));
    if (set.spec.updateStrategy?.type === 'OnDelete' || free.length > 0) return;
    const most = Math.max(1, scaled(set.spec.updateStrategy?.rollingUpdate?.maxUnavailable ?? 1, eligible.length, 'up'));
    const present = eligible.flatMap((node) => on(node.metadata.name).slice(0, 1));
    let room = most - (eligible.length - present.filter((pod) => isAvailable(pod, set.spec.minReadySeconds)).length);
    for (const pod of present.filter((one) => one.metadata.labels?.[REVISION_LABEL] !== hash)) {
      // one that does not work is replaced at no cost
      if (isAvailable(pod, set.spec.minReadySeconds) && room-- <= 0) continue;
      await deletePod(context, COMPONENT, set, pod);
    }
  }

  /** Bound to its node at once: what the real one leaves to the scheduler by an affinity with the same outcome. */
  function podOn(set: DaemonSet, hash: string, node: Node): Draft<Pod> {
    const draft = podFromTemplate(set.spec.template, set);
    draft.metadata.labels = { ...draft.metadata.labels, [REVISION_LABEL]: hash };
    draft.spec.nodeName = node.metadata.name;
    draft.spec.tolerations = [...(draft.spec.tolerations ?? []), ...TOLERATED];
    return draft;
  }

  async function writeStatus(set: DaemonSet, hash: string, mine: readonly Pod[], eligible: readonly Node[]): Promise<void> {
    const placed = eligible.flatMap((node) => mine.filter((pod) => pod.spec.nodeName === node.metadata.name && !isTerminating(pod)).slice(0, 1));
    const available = placed.filter((pod) => isAvailable(pod, set.spec.minReadySeconds)).length;
    const status: DaemonSetStatus = {
      currentNumberScheduled: placed.length,
      numberMisscheduled: mine.filter((pod) => !isTerminating(pod) && !placed.includes(pod)).length,
      desiredNumberScheduled: eligible.length,
      numberReady: placed.filter(isReady).length,
      observedGeneration: set.metadata.generation ?? 0,
    };
    const updated = placed.filter((pod) => pod.metadata.labels?.[REVISION_LABEL] === hash).length;
    if (updated > 0) status.updatedNumberScheduled = updated;
    if (available > 0) status.numberAvailable = available;
    if (eligible.length > available) status.numberUnavailable = eligible.length - available;
    const newest = sets.byUid(set.metadata.uid);
    if (newest === undefined || canonical(newest.status ?? {}) === canonical(status)) return;
    await context.replace(DAEMON_SETS, { ...newest, status }, 'status');
  }

  return queue.start;
}

/** By the node's labels and taints. */
function takes(node: Node, set: DaemonSet): boolean {
  const { spec } = set.spec.template;
  if (spec?.nodeName !== undefined && spec.nodeName !== node.metadata.name) return false;
  if (!hasAll(node.metadata.labels, spec?.nodeSelector ?? {})) return false;
  const tolerations: Toleration[] = [...(spec?.tolerations ?? []), ...TOLERATED];
  return (node.spec?.taints ?? []).every(
    (taint) =>
      taint.effect === 'PreferNoSchedule' ||
      tolerations.some(
        ({ key, operator, effect, value }) =>
          (key === undefined || key === taint.key) &&
          (effect === undefined || effect === taint.effect) &&
          (operator === 'Exists' || (value ?? '') === (taint.value ?? '')),
      ),
  );
}
