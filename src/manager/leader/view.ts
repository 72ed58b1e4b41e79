/** What the leader watches of the cluster, trimmed to what it decides from. Followers watch none of it. */
import type { Deployment, ReplicaSet, StatefulSet } from 'kubernetes-types/apps/v1.js';
import type { Container, Namespace, Pod, PodTemplateSpec, Service } from 'kubernetes-types/core/v1.js';
import type { NetworkPolicy } from 'kubernetes-types/networking/v1.js';
import type { Log } from '../../base/log.ts';
import { type KubeClient, resourcePath } from '../../kube/index.ts';
import { ANNOTATION, type WorkloadKind } from '../../protocol/resources.ts';
import type { WorkloadRef } from '../context.ts';
import { withoutBookkeeping } from '../watched.ts';
import type { WorkloadObject } from './workload.ts';

export interface ClusterView {
  ready: Promise<unknown>;
  workload(ref: WorkloadRef): WorkloadObject | undefined;
  /** Those that have an agent-config in their template, in one namespace or in all. */
  withAgents(namespace?: string): WorkloadRef[];
  pods(namespace: string): Pod[];
  replicaSets(namespace: string): ReplicaSet[];
  services(namespace: string): Service[];
  policies(namespace: string): NetworkPolicy[];
  namespaceLabels(namespace: string): Record<string, string>;
}

export interface ViewListener {
  /** A workload, or something that belongs to it, changed. */
  workload(ref: WorkloadRef): void;
  /** A Service of the namespace changed. */
  service(namespace: string): void;
  pod(pod: Pod, old: Pod | undefined, gone: boolean): void;
}

interface Indexed<T> {
  ready: Promise<unknown>;
  in: (namespace: string) => T[];
  all: () => T[];
  get: (namespace: string, name: string) => T | undefined;
}

export interface ViewOptions {
  log: Log;
  signal: AbortSignal;
  /** Namespaces that are served; empty: all. With single namespaces the manager has rights in these and its own only. */
  served: readonly string[];
  /** The manager's own namespace. */
  own: string;
}

interface Owned {
  metadata?: Pod['metadata'];
}
const ownerOf = ({ metadata }: Owned) => metadata?.ownerReferences?.find(({ controller }) => controller === true);
const isKind = (kind: string | undefined): kind is WorkloadKind => kind === 'Deployment' || kind === 'StatefulSet' || kind === 'ReplicaSet';

/** Environments, volumes and commands are not kept: they are most of a container, and none of the leader's business. */
const trimContainer = ({ name, ports, restartPolicy }: Container): Container => ({
  name,
  ...(ports === undefined ? {} : { ports }),
  ...(restartPolicy === undefined ? {} : { restartPolicy }),
});

function trimTemplate({ metadata, spec }: PodTemplateSpec): PodTemplateSpec {
  const { hostNetwork, containers, initContainers } = spec ?? { containers: [] };
  return {
    ...(metadata === undefined ? {} : { metadata }),
    spec: {
      containers: containers.map(trimContainer),
      ...(initContainers === undefined ? {} : { initContainers: initContainers.map(trimContainer) }),
      ...(hostNetwork === undefined ? {} : { hostNetwork }),
    },
  };
}

/** Of a workload's template only what pods are called, how they are annotated, and where they listen. */
export function trimWorkload<T extends WorkloadObject>(object: T): T {
  const { spec } = object;
  return withoutBookkeeping(spec?.template === undefined ? object : { ...object, spec: { ...spec, template: trimTemplate(spec.template) } });
}

/** Of a pod only whose it is, its agent's config, where it listens, and how it is. */
export function trimPod(pod: Pod): Pod {
  const { name, namespace, uid, labels, ownerReferences, deletionTimestamp, creationTimestamp, annotations } = pod.metadata ?? {};
  const config = annotations?.[ANNOTATION.agentConfig];
  const { phase, conditions, initContainerStatuses, containerStatuses } = pod.status ?? {};
  return JSON.parse(
    JSON.stringify({
      metadata: {
        name,
        namespace,
        uid,
        labels,
        ownerReferences,
        deletionTimestamp,
        creationTimestamp,
        annotations: config === undefined ? undefined : { [ANNOTATION.agentConfig]: config },
      },
      spec: { containers: pod.spec?.containers.map(trimContainer) ?? [], initContainers: pod.spec?.initContainers?.map(trimContainer) },
      status: { phase, conditions, initContainerStatuses, containerStatuses },
    }),
  ) as Pod;
}

/** Of a Deployment's ReplicaSet only whose it is, what its template is annotated with, and why it can't make pods. */
function trimReplicaSet(set: ReplicaSet): ReplicaSet {
  if (ownerOf(set) === undefined || set.spec === undefined) return trimWorkload(set);
  const { metadata } = set.spec.template ?? {};
  return withoutBookkeeping({
    ...set,
    spec: {
      selector: set.spec.selector,
      ...(set.spec.replicas === undefined ? {} : { replicas: set.spec.replicas }),
      template: metadata === undefined ? {} : { metadata },
    },
  });
}

export function watchView(kube: KubeClient, listener: ViewListener, { served, own, ...options }: ViewOptions): ClusterView {
  const places: readonly (string | undefined)[] = served.length === 0 ? [undefined] : served;
  const withOwn = served.length === 0 || served.includes(own) ? places : [...places, own];
  const watch = <T extends Owned>(
    apiVersion: string,
    plural: string,
    project: (object: T) => T,
    onChange?: (object: T, old: T | undefined, gone: boolean) => void,
    where = places,
  ): Indexed<T> => {
    // A round looks at one namespace of a cluster that may have thousands of pods.
    const index = new Map<string, Map<string, T>>();
    const onEach = (kind: 'added' | 'modified' | 'deleted', object: T, old?: T) => {
      const { namespace = '', name = '' } = object.metadata ?? {};
      const there = index.get(namespace) ?? new Map<string, T>();
      if (kind === 'deleted') there.delete(name);
      else there.set(name, object);
      if (there.size === 0) index.delete(namespace);
      else index.set(namespace, there);
      onChange?.(object, old, kind === 'deleted');
    };
    const informers = where.map((namespace) => kube.createInformer<T>(resourcePath(apiVersion, plural, namespace), { ...options, project, onChange: onEach }));
    return {
      ready: Promise.all(informers.map(({ ready }) => ready)),
      in: (namespace) => [...(index.get(namespace)?.values() ?? [])],
      all: () => [...index.values()].flatMap((there) => [...there.values()]),
      get: (namespace, name) => index.get(namespace)?.get(name),
    };
  };

  const refOf = (kind: string, { metadata }: Owned): WorkloadRef => ({ namespace: metadata?.namespace ?? '', kind, name: metadata?.name ?? '' });
  const tellOwner = (object: Owned) => {
    const owner = ownerOf(object);
    const namespace = object.metadata?.namespace ?? '';
    if (owner === undefined || !isKind(owner.kind)) return;
    const above = owner.kind === 'ReplicaSet' ? ownerOf(replicaSets.get(namespace, owner.name) ?? {}) : undefined;
    listener.workload({ namespace, kind: above?.kind ?? owner.kind, name: above?.name ?? owner.name });
  };

  const deployments = watch<Deployment>('apps/v1', 'deployments', trimWorkload, (object) => listener.workload(refOf('Deployment', object)));
  const statefulSets = watch<StatefulSet>('apps/v1', 'statefulsets', trimWorkload, (object) => listener.workload(refOf('StatefulSet', object)));
  const replicaSets = watch<ReplicaSet>('apps/v1', 'replicasets', trimReplicaSet, (object) => {
    if (ownerOf(object) === undefined) listener.workload(refOf('ReplicaSet', object));
    else tellOwner(object);
  });
  const onPod = (pod: Pod, old: Pod | undefined, gone: boolean) => {
    listener.pod(pod, old, gone);
    tellOwner(pod);
  };
  const pods = watch<Pod>('v1', 'pods', trimPod, onPod, withOwn);
  const services = watch<Service>('v1', 'services', withoutBookkeeping, (service) => listener.service(service.metadata?.namespace ?? ''));
  const policies = watch<NetworkPolicy>('networking.k8s.io/v1', 'networkpolicies', withoutBookkeeping);
  const namespaces = watch<Namespace>('v1', 'namespaces', withoutBookkeeping, undefined, [undefined]);
  const kinds: Record<string, Indexed<Deployment> | Indexed<StatefulSet> | Indexed<ReplicaSet>> = {
    Deployment: deployments,
    StatefulSet: statefulSets,
    ReplicaSet: replicaSets,
  };
  const annotated = ({ spec }: { spec?: { template?: { metadata?: Pod['metadata'] } } }) =>
    spec?.template?.metadata?.annotations?.[ANNOTATION.agentConfig] !== undefined;

  const listed = <T>({ all, in: within }: Indexed<T>, namespace: string | undefined): T[] => (namespace === undefined ? all() : within(namespace));

  return {
    ready: Promise.all([deployments, statefulSets, replicaSets, pods, services, policies, namespaces].map(({ ready }) => ready)),
    workload: ({ kind, namespace, name }) => kinds[kind]?.get(namespace, name),
    withAgents: (namespace) => [
      ...listed(deployments, namespace)
        .filter(annotated)
        .map((object) => refOf('Deployment', object)),
      ...listed(statefulSets, namespace)
        .filter(annotated)
        .map((object) => refOf('StatefulSet', object)),
      ...listed(replicaSets, namespace)
        .filter((set) => ownerOf(set) === undefined && annotated(set))
        .map((object) => refOf('ReplicaSet', object)),
    ],
    pods: (namespace) => pods.in(namespace),
    replicaSets: (namespace) => replicaSets.in(namespace),
    services: (namespace) => services.in(namespace),
    policies: (namespace) => policies.in(namespace),
    namespaceLabels: (name) => namespaces.get('', name)?.metadata?.labels ?? {},
  };
}
