/** Deployments, StatefulSets and ReplicaSets as one shape: what the leader asks of them. */
import type { Deployment, ReplicaSet, StatefulSet } from 'kubernetes-types/apps/v1.js';
import type { Pod, PodTemplateSpec } from 'kubernetes-types/core/v1.js';
import type { LabelSelector, OwnerReference } from 'kubernetes-types/meta/v1.js';
import { AGENT_CONTAINER, ANNOTATION, type WorkloadKind } from '../../protocol/resources.ts';

export type WorkloadObject = Deployment | StatefulSet | ReplicaSet;

/** How its controller brings a changed template to the pods. */
export type Rollout =
  | { by: 'surge' }
  /** A pod ends before its successor starts; `all`: all of them do. */
  | { by: 'stop-first'; all: boolean }
  /** One after the other, down to this ordinal. */
  | { by: 'ordinal'; partition: number }
  /** Not at all: pods are evicted, one at a time. */
  | { by: 'eviction' };

export interface Workload {
  kind: WorkloadKind;
  namespace: string;
  name: string;
  uid: string;
  replicas: number;
  template: PodTemplateSpec;
  rollout: Rollout;
  paused: boolean;
  owner: OwnerReference | undefined;
  selector: LabelSelector;
  /** Sentences of its conditions that say why pods can't be made. */
  failures: string[];
  /** Its controller has seen the newest template: what its status says is about that one. */
  observed: boolean;
  /** The revision that pods of the newest template carry (StatefulSet). */
  updateRevision: string | undefined;
}

/** `"25%"` of `replicas`, or the number itself. */
function share(value: string | number | undefined, replicas: number, round: (n: number) => number): number {
  if (value === undefined) return round(replicas / 4);
  return typeof value === 'number' ? value : round((Number.parseInt(value, 10) / 100) * replicas);
}

function deploymentRollout({ spec }: Deployment, replicas: number): Rollout {
  if (spec?.strategy?.type === 'Recreate') return { by: 'stop-first', all: true };
  const surge = share(spec?.strategy?.rollingUpdate?.maxSurge, replicas, Math.ceil);
  const unavailable = share(spec?.strategy?.rollingUpdate?.maxUnavailable, replicas, Math.floor);
  // Kubernetes makes it 1 when both come out as 0.
  return surge > 0 && unavailable < Math.max(1, replicas) ? { by: 'surge' } : { by: 'stop-first', all: Math.max(1, unavailable) >= replicas };
}

function statefulSetRollout({ spec }: StatefulSet): Rollout {
  if (spec?.updateStrategy?.type === 'OnDelete') return { by: 'eviction' };
  return { by: 'ordinal', partition: spec?.updateStrategy?.rollingUpdate?.partition ?? 0 };
}

export function asWorkload(kind: WorkloadKind, object: WorkloadObject): Workload {
  const { metadata, spec } = object;
  const replicas = spec?.replicas ?? 1;
  const conditions: { type: string; status: string; message?: string; reason?: string }[] = object.status?.conditions ?? [];
  const bad = conditions.filter(({ type, status }) => (type === 'ReplicaFailure' && status === 'True') || (type === 'Progressing' && status === 'False'));
  return {
    kind,
    namespace: metadata?.namespace ?? '',
    name: metadata?.name ?? '',
    uid: metadata?.uid ?? '',
    replicas,
    template: spec?.template ?? {},
    rollout:
      kind === 'Deployment'
        ? deploymentRollout(object as Deployment, replicas)
        : kind === 'StatefulSet'
          ? statefulSetRollout(object as StatefulSet)
          : { by: 'eviction' },
    paused: kind === 'Deployment' && (object as Deployment).spec?.paused === true,
    owner: metadata?.ownerReferences?.find(({ controller }) => controller === true),
    selector: spec?.selector ?? {},
    failures: bad.flatMap(({ message }) => (message === undefined ? [] : [message])),
    observed: (object.status?.observedGeneration ?? 0) >= (metadata?.generation ?? 0),
    updateRevision: kind === 'StatefulSet' ? (object as StatefulSet).status?.updateRevision : undefined,
  };
}

const controllerOf = (object: { metadata?: Pod['metadata'] }): OwnerReference | undefined =>
  object.metadata?.ownerReferences?.find(({ controller }) => controller === true);

/** The ReplicaSets through which a Deployment has its pods; empty for other kinds. */
export function replicaSetsOf(workload: Workload, replicaSets: readonly ReplicaSet[]): ReplicaSet[] {
  return workload.kind === 'Deployment' ? replicaSets.filter((set) => controllerOf(set)?.uid === workload.uid) : [];
}

/** Its pods that have not ended. */
export function podsOf(workload: Workload, pods: readonly Pod[], replicaSets: readonly ReplicaSet[]): Pod[] {
  const owners = new Set(workload.kind === 'Deployment' ? replicaSetsOf(workload, replicaSets).map(({ metadata }) => metadata?.uid) : [workload.uid]);
  return pods.filter((pod) => owners.has(controllerOf(pod)?.uid) && pod.status?.phase !== 'Succeeded' && pod.status?.phase !== 'Failed');
}

export const isReady = (pod: Pod): boolean => pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true;
export const isEnding = (pod: Pod): boolean => pod.metadata?.deletionTimestamp !== undefined;

export function hasAgent(pod: Pod): boolean {
  return [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])].some(({ name }) => name === AGENT_CONTAINER);
}

/** It has an agent with the config that the template has now. */
export function isCurrent(pod: Pod, template: PodTemplateSpec): boolean {
  return hasAgent(pod) && pod.metadata?.annotations?.[ANNOTATION.agentConfig] === template.metadata?.annotations?.[ANNOTATION.agentConfig];
}

/** `web-3` of the StatefulSet `web` is 3. */
export const ordinalOf = (pod: Pod): number => Number(/-(\d+)$/.exec(pod.metadata?.name ?? '')?.[1] ?? Number.NaN);

/** Label selectors as the API server matches them. */
export function selects(selector: LabelSelector | undefined, labels: Record<string, string> | undefined): boolean {
  if (selector === undefined) return false;
  const has = labels ?? {};
  const equal = Object.entries(selector.matchLabels ?? {}).every(([key, value]) => has[key] === value);
  return (
    equal &&
    (selector.matchExpressions ?? []).every(({ key, operator, values = [] }) => {
      const value = has[key];
      if (operator === 'In') return value !== undefined && values.includes(value);
      if (operator === 'NotIn') return value === undefined || !values.includes(value);
      return operator === 'Exists' ? value !== undefined : value === undefined;
    })
  );
}
