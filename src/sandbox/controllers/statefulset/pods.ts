/** The pods of a StatefulSet: names with ordinals, an identity, claims of their own. */
import type { Volume } from 'kubernetes-types/core/v1.js';
import type { Draft } from '../core/context.ts';
import { controllerReference } from '../core/owners.ts';
import type { Pod, PodTemplate, StatefulSet, Stored } from '../core/types.ts';

export const REVISION_LABEL = 'controller-revision-hash';

/** -1 for a pod whose name is not one of this set's. */
export function ordinalOf(set: StatefulSet, pod: Stored): number {
  const prefix = `${set.metadata.name}-`;
  const rest = pod.metadata.name.startsWith(prefix) ? pod.metadata.name.slice(prefix.length) : '';
  return /^(0|[1-9]\d*)$/.test(rest) ? Number(rest) : -1;
}

export const firstOrdinal = (set: StatefulSet): number => (set.spec as { ordinals?: { start?: number } }).ordinals?.start ?? 0;
export const revisionOfPod = (pod: Pod): string => pod.metadata.labels?.[REVISION_LABEL] ?? '';
export const claimName = (template: string, set: StatefulSet, ordinal: number): string => `${template}-${set.metadata.name}-${ordinal}`;

export function podFor(set: StatefulSet, template: PodTemplate, revision: string, ordinal: number): Draft<Pod> {
  const name = `${set.metadata.name}-${ordinal}`;
  const spec = structuredClone(template.spec ?? { containers: [] });
  const claims = set.spec.volumeClaimTemplates ?? [];
  if (claims.length > 0) {
    const mine: Volume[] = claims.map(({ metadata }) => ({
      name: metadata?.name ?? '',
      persistentVolumeClaim: { claimName: claimName(metadata?.name ?? '', set, ordinal) },
    }));
    const names = new Set(mine.map((volume) => volume.name));
    spec.volumes = [...(spec.volumes ?? []).filter((volume) => !names.has(volume.name)), ...mine];
  }
  spec.hostname = name;
  spec.subdomain = set.spec.serviceName ?? '';
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      generateName: `${set.metadata.name}-`,
      namespace: set.metadata.namespace,
      labels: {
        ...template.metadata?.labels,
        'apps.kubernetes.io/pod-index': String(ordinal),
        'statefulset.kubernetes.io/pod-name': name,
        [REVISION_LABEL]: revision,
      },
      ...(template.metadata?.annotations === undefined ? {} : { annotations: template.metadata.annotations }),
      ownerReferences: [controllerReference(set)],
    },
    spec,
  };
}
