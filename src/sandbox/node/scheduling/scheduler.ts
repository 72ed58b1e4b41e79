/** Gives each pod a node: among those that it may run on the one with the fewest pods of the same owner, then with the fewest at all. */
import { pathOf } from '../../controllers/core/context.ts';
import { createQueue } from '../../controllers/core/queue.ts';
import { keyOf, NODES, type Node, PODS, type Pod, splitKey } from '../../controllers/core/types.ts';
import type { NodeContext } from '../context.ts';
import { SCHEDULE_RETRY_MS } from '../limits.ts';
import type { Cluster } from './cluster.ts';
import { refusal } from './fit.ts';

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

  /** Pods that have ended have left their place. */
  function placements(): Cluster['podsOf'] {
    const placed = new Map<string, Pod[]>();
    for (const pod of pods.list()) {
      const { nodeName = '' } = pod.spec;
      const at = nodeName === '' ? assumed.get(pod.metadata.uid) : nodeName;
      if (at === undefined || pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed') continue;
      const there = placed.get(at);
      if (there === undefined) placed.set(at, [pod]);
      else there.push(pod);
    }
    return (nodeName) => placed.get(nodeName) ?? [];
  }

  const queue = createQueue({
    name: 'scheduler',
    log,
    signal,
    async work(key) {
      const pod = pods.get(...splitKey(key));
      if (pod === undefined || !waits(pod)) return;
      const all = nodes.list();
      const cluster = { nodes: all, podsOf: placements() };
      const reasons = all.map((node) => refusal(pod, node, cluster));
      const fitting = all.filter((_, index) => reasons[index] === undefined);
      const load = ({ metadata }: Node): number[] => {
        const there = cluster.podsOf(metadata.name);
        return [there.filter((other) => areSiblings(pod, other)).length, there.length];
      };
      const [chosen] = fitting.map((node) => ({ node, load: load(node) })).sort((x, y) => compare(x.load, y.load));
      if (chosen === undefined) {
        const each = new Map<string, number>();
        for (const reason of reasons) if (reason !== undefined) each.set(reason, (each.get(reason) ?? 0) + 1);
        const why = [...each].map(([reason, times]) => `${times} ${reason}`).sort();
        const none = `0/${all.length} nodes are available`;
        const preempt = `preemption: ${none}: ${all.length} Preemption is not helpful for scheduling.`;
        const message = `${none}: ${why.join(', ')}. no new claims to deallocate, ${preempt}`;
        await unschedulable(pod, all.length === 0 ? 'no nodes available to schedule pods' : message);
        return queue.addAfter(key, SCHEDULE_RETRY_MS);
      }
      const { name, namespace, uid } = pod.metadata;
      assumed.set(uid, chosen.node.metadata.name);
      const target = { apiVersion: 'v1', kind: 'Node', name: chosen.node.metadata.name };
      try {
        await context.client.request('POST', pathOf(PODS, pod, 'binding'), {
          body: { apiVersion: 'v1', kind: 'Binding', metadata: { name, namespace, uid }, target },
          signal,
        });
      } catch (error) {
        assumed.delete(uid);
        throw error;
      }
      context.events.record(SCHEDULER, pod, 'Normal', 'Scheduled', `Successfully assigned ${namespace}/${name} to ${chosen.node.metadata.name}`);
    },
  });

  function addWaiting(): void {
    for (const pod of pods.list()) if (waits(pod)) queue.add(keyOf(pod));
  }

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
    // it has made room
    if (pod === undefined) addWaiting();
  });
  nodes.onChange(addWaiting);
  addWaiting();
  queue.start();
}

function areSiblings(one: Pod, other: Pod): boolean {
  const ownerOf = ({ metadata }: Pod): string | undefined => metadata.ownerReferences?.find(({ controller }) => controller === true)?.uid;
  const owner = ownerOf(one);
  return owner !== undefined && ownerOf(other) === owner;
}

function compare(one: readonly number[], other: readonly number[]): number {
  const index = one.findIndex((value, at) => value !== other[at]);
  return (one[index] ?? 0) - (other[index] ?? 0);
}
