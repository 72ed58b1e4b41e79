/** The likely cause why a workload's pods have no working agent: one sentence from what Kubernetes says of them. */
import type { ReplicaSet } from 'kubernetes-types/apps/v1.js';
import type { ContainerStatus, Pod } from 'kubernetes-types/core/v1.js';
import { AGENT_CONTAINER, AGENT_INIT_CONTAINER } from '../../protocol/resources.ts';
import { comesByItself } from './replace.ts';
import { hasAgent, isCurrent, isEnding, isReady, ordinalOf, type Workload } from './workload.ts';

export interface DiagnoseFacts {
  workload: Workload;
  /** Its pods that have not ended. */
  pods: readonly Pod[];
  /** Sentences of the ReplicaSets' conditions: quota, PodSecurity and other admissions. */
  failures: readonly string[];
  /** Names of pods whose agent is linked. */
  linked: ReadonlySet<string>;
  replicaSets: readonly ReplicaSet[];
  /** The budget that forbade an eviction. */
  budget: string | undefined;
}

const IMAGE = new Set(['ErrImagePull', 'ImagePullBackOff', 'ErrImageNeverPull', 'InvalidImageName', 'ImageInspectError']);
const CONFIG = new Set(['CreateContainerConfigError', 'CreateContainerError', 'RunContainerError']);

export function diagnose(facts: DiagnoseFacts): string | undefined {
  const { workload, pods } = facts;
  const what = `${workload.kind} ${workload.name}`;
  if (workload.paused) return `The rollout of ${what} is paused: \`kubectl rollout resume\` lets its pods restart.`;
  const failure = [...facts.failures, ...workload.failures].find((message) => message !== '');
  const fresh = pods.filter((pod) => !isEnding(pod) && isCurrent(pod, workload.template));
  const stuck = fresh.filter((pod) => !isReady(pod));
  for (const pod of stuck) {
    const said = podProblem(pod);
    if (said !== undefined) return said;
  }
  if (failure !== undefined && fresh.length === 0) return `Its pods can't be made: ${failure}`;
  if (facts.budget !== undefined) return `The PodDisruptionBudget ${facts.budget} forbids to evict a pod that has no agent yet.`;
  if (workload.rollout.by === 'ordinal' && workload.rollout.partition > 0) {
    const { partition } = workload.rollout;
    if (pods.every((pod) => isCurrent(pod, workload.template) || ordinalOf(pod) < partition))
      return `The StatefulSet's partition ${partition} keeps pods below that number as they are.`;
  }
  const [waiting] = stuck;
  if (waiting !== undefined) return `The pod ${waiting.metadata?.name} is not ready yet.`;
  const without = pods.filter((pod) => !isEnding(pod) && !hasAgent(pod));
  const missed = without.find((pod) => !comesByItself(workload, pod, facts.replicaSets));
  if (missed !== undefined && workload.rollout.by !== 'eviction')
    return `The pod ${missed.metadata?.name} started without an agent: the API server may not have reached the injector's webhook.`;
  if (failure !== undefined) return `Its pods can't be made: ${failure}`;
  const [older] = without;
  if (older !== undefined) return `The pod ${older.metadata?.name} has no agent yet.`;
  const silent = fresh.find(({ metadata }) => !facts.linked.has(metadata?.name ?? ''));
  return silent === undefined ? undefined : `The agent of the pod ${silent.metadata?.name} has not reached the traffic-manager.`;
}

/** What keeps this pod from being ready, if Kubernetes says so. */
export function podProblem(pod: Pod): string | undefined {
  const name = pod.metadata?.name ?? '';
  const scheduled = pod.status?.conditions?.find(({ type }) => type === 'PodScheduled');
  if (scheduled?.status === 'False') return `The pod ${name} can't be scheduled: ${scheduled.message ?? scheduled.reason ?? 'no reason given'}`;
  const statuses: ContainerStatus[] = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])];
  for (const { name: container, state, lastState, image } of statuses) {
    const { reason, message } = state?.waiting ?? {};
    if (reason === undefined) continue;
    const detail = message === undefined ? reason : `${reason}: ${message}`;
    if (IMAGE.has(reason)) return `The image ${image} of the container ${container} can't be had in the pod ${name}: ${detail}`;
    if (CONFIG.has(reason)) return `The container ${container} of the pod ${name} can't be started: ${detail}`;
    if (reason === 'CrashLoopBackOff') {
      const code = lastState?.terminated?.exitCode;
      const ours = container === AGENT_CONTAINER || container === AGENT_INIT_CONTAINER;
      return `The container ${container} of the pod ${name} ends again and again${code === undefined ? '' : ` (exit code ${code})`}${ours ? '' : ", which is the app's own"}.`;
    }
  }
  return undefined;
}
