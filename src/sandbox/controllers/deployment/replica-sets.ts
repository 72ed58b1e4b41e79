/** What a Deployment writes on its ReplicaSets. */

import { statusOf } from '../../../kube/status-error.ts';
import { type ControllerContext, isConflict } from '../core/context.ts';
import { controllerOf, controllerReference } from '../core/owners.ts';
import { hashOf, sameTemplate, TEMPLATE_HASH_LABEL } from '../core/template-hash.ts';
import { type Deployment, type PodTemplate, REPLICA_SETS, type ReplicaSet } from '../core/types.ts';
import { maxSurge } from './plan.ts';
import { annotationsFor, DESIRED_REPLICAS, MAX_REPLICAS, maxRevision, replicasOf } from './revisions.ts';

export interface ReplicaSets {
  /** For the Deployment's template; `collision` when one of this name has another template. */
  create(deployment: Deployment, old: readonly ReplicaSet[], replicas: number): Promise<ReplicaSet | 'collision'>;
  scale(deployment: Deployment, set: ReplicaSet, replicas: number): Promise<void>;
  /** Notes for which size of the Deployment it has its own. */
  markSize(deployment: Deployment, set: ReplicaSet): Promise<void>;
  annotate(set: ReplicaSet, annotations: Record<string, string> | undefined, minReadySeconds: number): Promise<ReplicaSet>;
}

export function createReplicaSets(context: ControllerContext, component: string): ReplicaSets {
  const sizeMarks = (deployment: Deployment): Record<string, string> => ({
    [DESIRED_REPLICAS]: String(replicasOf(deployment)),
    [MAX_REPLICAS]: String(replicasOf(deployment) + maxSurge(deployment)),
  });
  const hasMarks = (set: ReplicaSet, marks: Record<string, string>): boolean =>
    Object.entries(marks).every(([key, value]) => set.metadata.annotations?.[key] === value);

  return {
    async create(deployment, old, replicas) {
      const { template, selector, minReadySeconds } = deployment.spec;
      const hash = hashOf(template, deployment.status?.collisionCount ?? 0);
      const labels = { ...template.metadata?.labels, [TEMPLATE_HASH_LABEL]: hash };
      const hashed: PodTemplate = { ...template, metadata: { ...template.metadata, labels } };
      const name = `${deployment.metadata.name}-${hash}`;
      try {
        const made = await context.create(REPLICA_SETS, {
          apiVersion: 'apps/v1',
          kind: 'ReplicaSet',
          metadata: {
            name,
            namespace: deployment.metadata.namespace,
            labels,
            annotations: { ...annotationsFor(deployment, undefined, maxRevision(old) + 1), ...sizeMarks(deployment) },
            ownerReferences: [controllerReference(deployment)],
          },
          spec: {
            replicas,
            ...(minReadySeconds === undefined ? {} : { minReadySeconds }),
            selector: { ...selector, matchLabels: { ...selector.matchLabels, [TEMPLATE_HASH_LABEL]: hash } },
            template: hashed,
          },
        });
        if (replicas > 0) tellScaled(deployment, name, 0, replicas);
        return made;
      } catch (error) {
        if (!isConflict(error) || statusOf(error)?.reason !== 'AlreadyExists') throw error;
        const there = await context.client.get<ReplicaSet>(`/apis/apps/v1/namespaces/${deployment.metadata.namespace}/replicasets/${name}`);
        const mine = controllerOf(there)?.uid === deployment.metadata.uid && sameTemplate(there.spec.template ?? {}, template);
        if (!mine) return 'collision';
        context.cache(REPLICA_SETS).learn(there);
        return there;
      }
    },
    async scale(deployment, set, replicas) {
      const marks = sizeMarks(deployment);
      const before = replicasOf(set);
      if (before === replicas && hasMarks(set, marks)) return;
      await context.replace(REPLICA_SETS, {
        ...set,
        metadata: { ...set.metadata, annotations: { ...set.metadata.annotations, ...marks } },
        spec: { ...set.spec, replicas },
      });
      if (before !== replicas) tellScaled(deployment, set.metadata.name, before, replicas);
    },
    async markSize(deployment, set) {
      const marks = sizeMarks(deployment);
      if (!hasMarks(set, marks)) await context.mergePatch(REPLICA_SETS, set, { metadata: { annotations: marks } });
    },
    annotate(set, annotations, minReadySeconds) {
      return context.mergePatch(REPLICA_SETS, set, { ...(annotations === undefined ? {} : { metadata: { annotations } }), spec: { minReadySeconds } });
    },
  };

  function tellScaled(deployment: Deployment, name: string, from: number, to: number): void {
    const verb = to > from ? 'up' : 'down';
    context.events.record(component, deployment, 'Normal', 'ScalingReplicaSet', `Scaled ${verb} replica set ${name} from ${from} to ${to}`);
  }
}
