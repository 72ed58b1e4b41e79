/** ControllerRevisions: the templates that a StatefulSet or DaemonSet had, as `kubectl rollout history` and `undo` read them. */
import type { LabelSelector } from 'kubernetes-types/meta/v1.js';
import { type ControllerContext, isConflict } from './context.ts';
import { claim, controllerReference } from './owners.ts';
import { canonical, hashOf } from './template-hash.ts';
import { CONTROLLER_REVISIONS, type ControllerRevision, type PodTemplate, type Stored } from './types.ts';

type Owner = Stored & { spec: { selector?: LabelSelector; template: PodTemplate } };

/** Applied by `kubectl rollout undo` as a strategic merge: `$patch` makes it replace the whole template. */
const dataOf = (template: PodTemplate): object => ({ spec: { template: { $patch: 'replace', ...template } } });

export function templateOf(revision: ControllerRevision): PodTemplate {
  const { $patch: _patch, ...template } = (revision.data as { spec: { template: PodTemplate & { $patch?: string } } }).spec.template;
  return template;
}

/** All revisions of an owner, oldest first; the last is that of its template now, which is created, or made the newest again, if needed. */
export async function revisionsOf(
  context: ControllerContext,
  owner: Owner,
  collisions: number,
): Promise<{ all: ControllerRevision[]; now: ControllerRevision }> {
  const cache = context.cache(CONTROLLER_REVISIONS);
  const mine = await claim(context, CONTROLLER_REVISIONS, owner, owner.spec.selector, cache.inNamespace(owner.metadata.namespace));
  const all = mine.sort((a, b) => a.revision - b.revision);
  const data = dataOf(owner.spec.template);
  const text = canonical(data);
  const same = all.findLast((revision) => canonical(revision.data) === text);
  const next = (all.at(-1)?.revision ?? 0) + 1;
  if (same !== undefined) {
    if (same === all.at(-1)) return { all, now: same };
    const now = await context.replace(CONTROLLER_REVISIONS, { ...same, revision: next });
    return { all: [...all.filter((other) => other !== same), now], now };
  }
  for (let tries = collisions; ; tries++) {
    const hash = hashOf(data, tries);
    try {
      const now = await context.create(CONTROLLER_REVISIONS, {
        apiVersion: 'apps/v1',
        kind: 'ControllerRevision',
        metadata: {
          name: `${owner.metadata.name}-${hash}`,
          namespace: owner.metadata.namespace,
          labels: { ...owner.spec.template.metadata?.labels, 'controller.kubernetes.io/hash': hash },
          ...(owner.metadata.annotations === undefined ? {} : { annotations: withoutApplied(owner.metadata.annotations) }),
          ownerReferences: [controllerReference(owner)],
        },
        data,
        revision: next,
      });
      return { all: [...all, now], now };
    } catch (error) {
      // an owner of the same name before this one may have left one
      if (!isConflict(error) || tries > collisions + 5) throw error;
    }
  }
}

function withoutApplied(annotations: Record<string, string>): Record<string, string> {
  const { 'kubectl.kubernetes.io/last-applied-configuration': _applied, ...rest } = annotations;
  return rest;
}

/** Deletes the oldest of those that no pod is made from, beyond `limit`. */
export async function truncate(context: ControllerContext, all: readonly ControllerRevision[], live: ReadonlySet<string>, limit: number): Promise<void> {
  const idle = all.filter((revision) => !live.has(revision.metadata.name));
  for (const revision of idle.slice(0, Math.max(0, idle.length - limit))) await context.remove(CONTROLLER_REVISIONS, revision);
}
