/** Which of a ReplicaSet's pods go first when there are too many: those that are missed least. */
import { isReady, readyCondition, restarts } from './core/pods.ts';
import type { Pod } from './core/types.ts';

const PHASES: Record<string, number> = { Pending: 0, Unknown: 1, Running: 2 };
const COST = 'controller.kubernetes.io/pod-deletion-cost';

const phase = (pod: Pod): number => PHASES[pod.status?.phase ?? 'Pending'] ?? 0;
const cost = (pod: Pod): number => Number.parseInt(pod.metadata.annotations?.[COST] ?? '0', 10) || 0;
const readySince = (pod: Pod): number => Date.parse(readyCondition(pod)?.lastTransitionTime ?? '') || 0;
const createdAt = (pod: Pod): number => Date.parse(pod.metadata.creationTimestamp) || 0;

/** Ages are compared by their magnitude, so that among pods of about one age chance decides (the uid) and not the second. */
function magnitude(since: number, now: number): number {
  const seconds = Math.floor((now - since) / 1000);
  return seconds <= 0 ? -1 : Math.floor(Math.log2(seconds));
}

/**
 * Sorted: the first is to be deleted first. Unscheduled, pending, not ready; then a low cost; then those that share their node with many
 * of `related` (pods of the same owner's other ReplicaSets); then those ready for less long, restarted more often, younger.
 */
export function inDeletionOrder(pods: readonly Pod[], related: readonly Pod[], now = Date.now()): Pod[] {
  const onNode = new Map<string, number>();
  for (const pod of related) {
    const node = pod.spec.nodeName;
    if (node !== undefined && phase(pod) !== 0) onNode.set(node, (onNode.get(node) ?? 0) + 1);
  }
  const rank = (pod: Pod): number => onNode.get(pod.spec.nodeName ?? '') ?? 0;
  const compare = (a: Pod, b: Pod): number =>
    Number(Boolean(a.spec.nodeName)) - Number(Boolean(b.spec.nodeName)) ||
    phase(a) - phase(b) ||
    Number(isReady(a)) - Number(isReady(b)) ||
    cost(a) - cost(b) ||
    rank(b) - rank(a) ||
    (isReady(a) && isReady(b) ? magnitude(readySince(a), now) - magnitude(readySince(b), now) : 0) ||
    restarts(b) - restarts(a) ||
    magnitude(createdAt(a), now) - magnitude(createdAt(b), now) ||
    (a.metadata.uid < b.metadata.uid ? -1 : 1);
  return [...pods].sort(compare);
}
