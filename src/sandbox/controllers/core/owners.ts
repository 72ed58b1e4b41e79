/** Owner references of controllers: who owns a pod, taking orphans in and letting go of what no longer matches. */
import type { LabelSelector, OwnerReference } from 'kubernetes-types/meta/v1.js';
import type { ControllerContext } from './context.ts';
import { matches } from './selector.ts';
import type { Kind, Stored } from './types.ts';

export function controllerOf(object: { metadata: Partial<Stored['metadata']> }): OwnerReference | undefined {
  return object.metadata.ownerReferences?.find((reference) => reference.controller === true);
}

export function controllerReference(owner: Stored): OwnerReference {
  return {
    apiVersion: owner.apiVersion,
    kind: owner.kind,
    name: owner.metadata.name,
    uid: owner.metadata.uid,
    controller: true,
    blockOwnerDeletion: true,
  };
}

/**
 * The objects among `all` that belong to `owner` by the rules of a controller: its own that match its selector, and orphans that do, which are
 * adopted. Its own that match no longer are released.
 */
export async function claim<T extends Stored>(
  context: ControllerContext,
  kind: Kind<T>,
  owner: Stored,
  selector: LabelSelector | undefined,
  all: readonly T[],
): Promise<T[]> {
  const mine: T[] = [];
  const deleting = owner.metadata.deletionTimestamp !== undefined;
  for (const object of all) {
    const reference = controllerOf(object);
    const fits = matches(selector, object.metadata.labels);
    if (reference !== undefined) {
      if (reference.uid !== owner.metadata.uid) continue;
      if (fits) mine.push(object);
      else if (!deleting && object.metadata.deletionTimestamp === undefined) await release(context, kind, owner, object);
    } else if (fits && !deleting && object.metadata.deletionTimestamp === undefined) {
      const references = [...(object.metadata.ownerReferences ?? []), controllerReference(owner)];
      mine.push(await context.mergePatch(kind, object, { metadata: { uid: object.metadata.uid, ownerReferences: references } }));
    }
  }
  return mine;
}

async function release<T extends Stored>(context: ControllerContext, kind: Kind<T>, owner: Stored, object: T): Promise<void> {
  const kept = (object.metadata.ownerReferences ?? []).filter(({ uid }) => uid !== owner.metadata.uid);
  await context.mergePatch(kind, object, { metadata: { uid: object.metadata.uid, ownerReferences: kept.length === 0 ? null : kept } });
}
