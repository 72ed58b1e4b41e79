/** Who an agent is: its projected token says which pod it runs in, and the pod's owners say of which workload. */
import { CodedError } from '../../base/errors.ts';
import { type KubeClient, resourcePath } from '../../kube/index.ts';
import { TOKEN_AUDIENCE } from '../../protocol/resources.ts';
import type { AgentHello } from '../../protocol/tunnel.ts';
import type { WorkloadRef } from '../context.ts';

/** Identities checked at once: ten thousand agents that come back together must not flood the API server. */
export const IDENTITY_CHECKS = 32;

const POD_NAME = 'authentication.kubernetes.io/pod-name';
const POD_UID = 'authentication.kubernetes.io/pod-uid';

interface Owned {
  metadata: { name: string; uid?: string; ownerReferences?: { kind: string; name: string; uid?: string; controller?: boolean }[] };
}

export interface AgentIdentity {
  pod: string;
  podUid: string;
  namespace: string;
  workload: WorkloadRef;
}

function refuse(why: string): never {
  throw new CodedError('TP-SESSION-REFUSED', why);
}
const controllerOf = (object: Owned) => object.metadata.ownerReferences?.find(({ controller }) => controller === true);

/** Checks the hello against the API server; throws TP-SESSION-REFUSED for whoever is not the agent it says it is. */
export async function verifyAgent(hello: AgentHello, options: { kube: KubeClient; signal: AbortSignal }): Promise<AgentIdentity> {
  const { kube, signal } = options;
  const review = await kube.reviewToken(hello.token, [TOKEN_AUDIENCE], { signal });
  if (!review.authenticated || !review.audiences.includes(TOKEN_AUDIENCE)) refuse('The token is not valid.');
  const [pod] = review.extra[POD_NAME] ?? [];
  const [podUid] = review.extra[POD_UID] ?? [];
  const namespace = /^system:serviceaccount:([^:]+):[^:]+$/.exec(review.username)?.[1];
  if (pod === undefined || podUid === undefined || namespace === undefined) refuse('The token is not one of a pod.');
  if (pod !== hello.pod || namespace !== hello.namespace) refuse(`The token is of pod ${namespace}/${pod}, not of ${hello.namespace}/${hello.pod}.`);

  const object = await kube.get<Owned>(resourcePath('v1', 'pods', namespace, pod), { signal });
  if (object.metadata.uid !== podUid) refuse('The token is of an earlier pod of that name.');
  let owner = controllerOf(object);
  if (owner?.kind === 'ReplicaSet' && hello.workload.kind === 'Deployment') {
    owner = controllerOf(await kube.get<Owned>(resourcePath('apps/v1', 'replicasets', namespace, owner.name), { signal }));
  }
  if (owner === undefined || owner.kind !== hello.workload.kind || owner.name !== hello.workload.name) {
    refuse(`Pod ${namespace}/${pod} does not belong to ${hello.workload.kind} ${hello.workload.name}.`);
  }
  return { pod, podUid, namespace, workload: { namespace, kind: owner.kind, name: owner.name } };
}
