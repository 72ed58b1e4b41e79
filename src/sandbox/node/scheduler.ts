/** Gives each pod a node: the one with the fewest pods among those that it may run on. */
import type { NodeSelectorTerm } from 'kubernetes-types/core/v1.js';
import { pathOf } from '../controllers/core/context.ts';
import { createQueue } from '../controllers/core/queue.ts';
import { hasAll, matches } from '../controllers/core/selector.ts';
import { keyOf, NODES, type Node, PODS, type Pod, splitKey } from '../controllers/core/types.ts';
import type { NodeContext } from './context.ts';
import { PODS_PER_NODE, SCHEDULE_RETRY_MS } from './limits.ts';

const SCHEDULER = 'default-scheduler';

export function startScheduler(context: NodeContext): void {
  const { pods, log, signal } = context;
  const nodes = context.cache(NODES);
  /** By uid, pods whose binding the cache does not show yet. */
  const assumed = new Map<string, string>();
  const waits = ({ spec, metadata }: Pod): boolean =>
    (spec.nodeName ?? '') === '' &&
    metadata.deletionTimestamp === undefined &&
    (spec.schedulerName ?? SCHEDULER) === SCHEDULER &&
    (spec.schedulingGates ?? []).length === 0;

  const queue = createQueue({
    name: 'scheduler',
    log,
    signal,
    async work(key) {
      const pod = pods.get(...splitKey(key));
      if (pod === undefined || !waits(pod)) return;
      const all = nodes.list();
      const counts = new Map<string, number>();
      for (const { spec, metadata } of pods.list()) {
        const { nodeName = '' } = spec;
        const at = nodeName === '' ? (assumed.get(metadata.uid) ?? '') : nodeName;
        counts.set(at, (counts.get(at) ?? 0) + 1);
      }
      const count = ({ metadata }: Node): number => counts.get(metadata.name) ?? 0;
      const fitting = all.filter((node) => fits(pod, node) && count(node) < PODS_PER_NODE).sort((a, b) => count(a) - count(b));
      const [chosen] = fitting;
      if (chosen === undefined) {
        const none = `0/${all.length} nodes are available`;
        const why = `${all.length} node(s) didn't match Pod's node affinity/selector. no new claims to deallocate`;
        await unschedulable(pod, `${none}: ${why}, preemption: ${none}: ${all.length} Preemption is not helpful for scheduling.`);
        return queue.addAfter(key, SCHEDULE_RETRY_MS);
      }
      const { name, namespace, uid } = pod.metadata;
      assumed.set(uid, chosen.metadata.name);
      const target = { apiVersion: 'v1', kind: 'Node', name: chosen.metadata.name };
      try {
        await context.client.request('POST', pathOf(PODS, pod, 'binding'), {
          body: { apiVersion: 'v1', kind: 'Binding', metadata: { name, namespace, uid }, target },
          signal,
        });
      } catch (error) {
        assumed.delete(uid);
        throw error;
      }
      context.events.record(SCHEDULER, pod, 'Normal', 'Scheduled', `Successfully assigned ${namespace}/${name} to ${chosen.metadata.name}`);
    },
  });

  async function unschedulable(pod: Pod, message: string): Promise<void> {
    const before = pod.status?.conditions ?? [];
    if (before.some(({ type, message: said }) => type === 'PodScheduled' && said === message)) return;
    const condition = {
      type: 'PodScheduled',
      status: 'False',
      reason: 'Unschedulable',
      message,
      observedGeneration: pod.metadata.generation,
      lastTransitionTime: new Date().toISOString().replace(/\.\d+Z$/, 'Z'),
    };
    const conditions = [...before.filter(({ type }) => type !== 'PodScheduled'), condition];
    await context.client.patch(pathOf(PODS, pod, 'status'), 'merge', { status: { phase: 'Pending', conditions } }, { fieldManager: 'kube-scheduler' });
    context.events.record(SCHEDULER, pod, 'Warning', 'FailedScheduling', message);
  }

  pods.onChange((pod, old) => {
    const uid = (pod ?? old)?.metadata.uid;
    if (uid !== undefined && (pod === undefined || (pod.spec.nodeName ?? '') !== '')) assumed.delete(uid);
    if (pod !== undefined && waits(pod)) queue.add(keyOf(pod));
  });
  nodes.onChange(() => {
    for (const pod of pods.list()) if (waits(pod)) queue.add(keyOf(pod));
  });
  for (const pod of pods.list()) if (waits(pod)) queue.add(keyOf(pod));
  queue.start();
}

function fits({ spec }: Pod, { metadata, ...node }: Node): boolean {
  if (node.spec?.unschedulable === true || !isReady(node)) return false;
  if (!hasAll(metadata.labels, spec.nodeSelector ?? {})) return false;
  const terms = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  if (terms !== undefined && !terms.some((term) => matchesTerm(term, metadata))) return false;
  return (node.spec?.taints ?? []).every(
    (taint) =>
      (taint.effect !== 'NoSchedule' && taint.effect !== 'NoExecute') ||
      (spec.tolerations ?? []).some(
        ({ key, operator, value, effect }) =>
          (effect === undefined || effect === '' || effect === taint.effect) &&
          (operator === 'Exists' ? key === undefined || key === '' || key === taint.key : key === taint.key && (value ?? '') === (taint.value ?? '')),
      ),
  );
}

/** One that nobody has reported yet is a name only. */
const isReady = ({ status }: Pick<Node, 'status'>): boolean => (status?.conditions ?? []).some(({ type, status: is }) => type === 'Ready' && is === 'True');

function matchesTerm({ matchExpressions = [], matchFields = [] }: NodeSelectorTerm, { labels, name }: Node['metadata']): boolean {
  return matches({ matchExpressions }, labels) && matches({ matchExpressions: matchFields }, { 'metadata.name': name });
}
