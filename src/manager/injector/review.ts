/** AdmissionReview in, AdmissionReview out. Always `allowed`: the injector never keeps a pod from starting. */
import type { Pod } from 'kubernetes-types/core/v1.js';
import { z } from 'zod';
import type { Injection } from './inject.ts';

const reviewSchema = z.looseObject({
  request: z.looseObject({
    uid: z.string(),
    operation: z.string(),
    namespace: z.string().optional(),
    kind: z.looseObject({ kind: z.string() }),
    object: z.looseObject({}).nullish(),
  }),
});

export interface PodReview {
  uid: string;
  namespace: string;
  /** Absent where the request is not the creation of a pod. */
  pod: Pod | undefined;
}

export interface JsonPatchOperation {
  op: 'add';
  path: string;
  value: unknown;
}

/** Undefined when it is no AdmissionReview: there is no uid to answer to. */
export function readReview(body: unknown): PodReview | undefined {
  const parsed = reviewSchema.safeParse(body);
  if (!parsed.success) return undefined;
  const { uid, namespace, operation, kind, object } = parsed.data.request;
  const isPod = operation === 'CREATE' && kind.kind === 'Pod' && object !== null && object !== undefined;
  return { uid, namespace: namespace ?? '', pod: isPod ? (object as Pod) : undefined };
}

/** Replaces whole members: `add` on a member that exists replaces it (RFC 6902, 4.1). */
export function podPatch(before: Pod, after: Pod): JsonPatchOperation[] {
  const operations: JsonPatchOperation[] = [];
  const add = (path: string, from: unknown, to: unknown) => {
    if (to !== undefined && JSON.stringify(from) !== JSON.stringify(to)) operations.push({ op: 'add', path, value: to });
  };
  add('/metadata/annotations', before.metadata?.annotations, after.metadata?.annotations);
  add('/spec/initContainers', before.spec?.initContainers, after.spec?.initContainers);
  add('/spec/containers', before.spec?.containers, after.spec?.containers);
  add('/spec/imagePullSecrets', before.spec?.imagePullSecrets, after.spec?.imagePullSecrets);
  add('/spec/volumes', before.spec?.volumes, after.spec?.volumes);
  return operations;
}

export function answerReview(review: PodReview, injection: Injection): unknown {
  const response: Record<string, unknown> = { uid: review.uid, allowed: true };
  if (injection.pod !== undefined && review.pod !== undefined) {
    const patch = podPatch(review.pod, injection.pod);
    if (patch.length > 0) Object.assign(response, { patchType: 'JSONPatch', patch: Buffer.from(JSON.stringify(patch)).toString('base64') });
  } else if (injection.skipped !== undefined) {
    response['warnings'] = [`telepresence: no traffic-agent was added to this pod: ${injection.skipped}`];
  }
  return { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response };
}
