/** Pods from templates, many at a time: first one, then twice as many, so that what can't work is tried only once. */

import { messageOf } from '../../../base/errors.ts';
import { statusOf } from '../../../kube/status-error.ts';
import { type ControllerContext, type Draft, isNotFound } from './context.ts';
import { controllerReference } from './owners.ts';
import { PODS, type Pod, type PodTemplate, type Stored } from './types.ts';

export function podFromTemplate(template: PodTemplate, owner: Stored): Draft<Pod> {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      generateName: `${owner.metadata.name}-`,
      namespace: owner.metadata.namespace,
      ...(template.metadata?.labels === undefined ? {} : { labels: template.metadata.labels }),
      ...(template.metadata?.annotations === undefined ? {} : { annotations: template.metadata.annotations }),
      ...(template.metadata?.finalizers === undefined ? {} : { finalizers: template.metadata.finalizers }),
      ownerReferences: [controllerReference(owner)],
    },
    spec: structuredClone(template.spec ?? { containers: [] }),
  };
}

/** Creates a pod and tells about it in an event, also of a failure. */
export async function createPod(context: ControllerContext, component: string, owner: Stored, draft: Draft<Pod>): Promise<Pod> {
  try {
    const pod = await context.create(PODS, draft);
    context.events.record(component, owner, 'Normal', 'SuccessfulCreate', `Created pod: ${pod.metadata.name}`);
    return pod;
  } catch (error) {
    // the namespace is gone or going: nobody reads it
    if (!isNotFound(error))
      context.events.record(component, owner, 'Warning', 'FailedCreate', `Error creating: ${statusOf(error)?.message ?? messageOf(error)}`);
    throw error;
  }
}

export async function deletePod(context: ControllerContext, component: string, owner: Stored, pod: Pod): Promise<void> {
  await context.remove(PODS, pod);
  context.events.record(component, owner, 'Normal', 'SuccessfulDelete', `Deleted pod: ${pod.metadata.name}`);
}

/** Calls `one` `count` times in batches of 1, 2, 4, …; stops after the batch with a failure, which it throws. */
export async function slowStart(count: number, one: () => Promise<unknown>): Promise<void> {
  for (let done = 0, batch = 1; done < count; done += batch, batch *= 2) {
    batch = Math.min(batch, count - done);
    const results = await Promise.allSettled(Array.from({ length: batch }, one));
    const failed = results.find((result) => result.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }
}
