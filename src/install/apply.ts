/** Server-side apply of rendered objects, definitions first. */

import { z } from 'zod';
import { CodedError, codeOf, messageOf } from '../base/errors.ts';
import { sleep } from '../base/retry.ts';
import { type KubeClient, listOf, resourcePath } from '../kube/index.ts';
import { describeObject, type KubeObject } from './kube-object.ts';
import { CRD_ESTABLISHED_TIMEOUT_MS, ROLLOUT_POLL_MS } from './limits.ts';

export const FIELD_MANAGER = 'telepresence';

export interface ApplyAllOptions {
  signal?: AbortSignal | undefined;
  onProgress?: ((line: string) => void) | undefined;
}

/** Answers about the connection, not about the object. */
const PASSED_ON = new Set(['TP-KUBE-UNREACHABLE', 'TP-KUBE-TIMEOUT', 'TP-KUBE-CERTIFICATE', 'TP-KUBE-UNAUTHORIZED', 'TP-KUBE-EXEC-PLUGIN', 'TP-CANCELLED']);

/** Names the object whose request failed. */
async function onObject<T>(object: KubeObject, verb: string, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const code = codeOf(error) ?? '';
    if (signal?.aborted || PASSED_ON.has(code)) throw error;
    throw new CodedError(
      code === 'TP-KUBE-FORBIDDEN' ? 'TP-INSTALL-FORBIDDEN' : 'TP-INSTALL-FAILED',
      `${describeObject(object)} could not be ${verb}: ${messageOf(error)}`,
      { cause: error },
    );
  }
}

const definitionSchema = z.looseObject({
  status: z.looseObject({ conditions: listOf(z.looseObject({ type: z.string(), status: z.string() })) }).prefault({}),
});

async function established(kube: KubeClient, name: string, signal: AbortSignal | undefined): Promise<void> {
  const deadline = Date.now() + CRD_ESTABLISHED_TIMEOUT_MS;
  for (;;) {
    const definition = definitionSchema.parse(
      await kube.get(resourcePath('apiextensions.k8s.io/v1', 'customresourcedefinitions', undefined, name), { signal }),
    );
    if (definition.status.conditions.some((condition) => condition.type === 'Established' && condition.status === 'True')) return;
    if (Date.now() >= deadline)
      throw new CodedError('TP-INSTALL-FAILED', `The API server does not serve the CustomResourceDefinition ${name}.`, {
        help: `\`kubectl describe crd ${name}\` says why.`,
      });
    await sleep(ROLLOUT_POLL_MS, signal);
  }
}

/** Applies in the order given; definitions are waited for before what comes after the last of them. */
export async function applyAll(kube: KubeClient, objects: readonly KubeObject[], options: ApplyAllOptions = {}): Promise<void> {
  const { signal } = options;
  const pending: string[] = [];
  for (const object of objects) {
    const isDefinition = object.kind === 'CustomResourceDefinition';
    if (!isDefinition) for (let name = pending.shift(); name !== undefined; name = pending.shift()) await established(kube, name, signal);
    await onObject(object, 'applied', signal, () => kube.apply(object, { fieldManager: FIELD_MANAGER, force: true, signal }));
    if (isDefinition) pending.push(object.metadata.name);
  }
}

/** Deletes, in the reverse of the order given, what is there of `objects`. */
export async function deleteAll(kube: KubeClient, objects: readonly KubeObject[], options: ApplyAllOptions = {}): Promise<void> {
  for (const object of objects.toReversed()) {
    await onObject(object, 'deleted', options.signal, async () => {
      try {
        await kube.delete(await kube.pathOf(object, { signal: options.signal }), { signal: options.signal, propagationPolicy: 'Background' });
      } catch (error) {
        if (codeOf(error) !== 'TP-KUBE-NOT-FOUND') throw error;
      }
    });
  }
}
