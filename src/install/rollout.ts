/** Waits for the manager's Deployment, and gives up early, with the reason, where waiting can't help. */
import { CodedError, messageOf } from '../base/errors.ts';
import { sleep } from '../base/retry.ts';
import { type KubeClient, resourcePath } from '../kube/index.ts';
import { MANAGER_NAME } from '../protocol/resources.ts';
import { type DeploymentState, deploymentSchema, type PodState, podSchema, replicaSetSchema } from './deployment-state.ts';
import { imageMissing, isLocalImage } from './image-missing.ts';
import { CRASH_RESTARTS, IMAGE_PULL_PATIENCE_MS, LOG_TAIL_LINES, MANAGER_READY_TIMEOUT_MS, ROLLOUT_POLL_MS } from './limits.ts';
import { SELECTOR } from './naming.ts';

export interface RolloutOptions {
  namespace: string;
  /** `one`: a replica that answers is enough (a first installation). `all`: the old ones must be gone too. */
  until: 'one' | 'all';
  signal?: AbortSignal | undefined;
  onProgress?: ((line: string) => void) | undefined;
  timeoutMs?: number;
}

const IMAGE_REASONS = new Set(['ErrImagePull', 'ImagePullBackOff', 'ErrImageNeverPull', 'InvalidImageName', 'ErrInvalidImageName', 'RegistryUnavailable']);
/** The kubelet says these of a pull that may still succeed. */
const RETRIED_PULL = new Set(['ErrImagePull', 'RegistryUnavailable']);
const CONTAINER_REASONS = new Set(['CreateContainerConfigError', 'CreateContainerError', 'RunContainerError', 'StartError']);

/** The Deployment controller numbers templates by this annotation, on the Deployment and on the ReplicaSet of each. */
const REVISION = 'deployment.kubernetes.io/revision';
const TEMPLATE_HASH = 'pod-template-hash';

/** Selects the manager's pods. */
export const POD_SELECTOR = Object.entries(SELECTOR)
  .map(([key, value]) => `${key}=${value}`)
  .join(',');

export async function managerPods(kube: KubeClient, namespace: string, signal?: AbortSignal): Promise<PodState[]> {
  const { items } = await kube.list<unknown>(resourcePath('v1', 'pods', namespace), { labelSelector: POD_SELECTOR, signal });
  return items.map((pod) => podSchema.parse(pod)).filter((pod) => pod.metadata.deletionTimestamp === undefined);
}

export function isStuckOnImage(pod: PodState): boolean {
  return pod.status.containerStatuses.some((status) => IMAGE_REASONS.has(status.state.waiting?.reason ?? ''));
}

/** The pods that the Deployment's newest template made: older ones say nothing about it. */
async function newestPods(kube: KubeClient, namespace: string, deployment: DeploymentState, signal: AbortSignal | undefined): Promise<PodState[]> {
  if (deployment.status.observedGeneration < deployment.metadata.generation) return [];
  const { items } = await kube.list<unknown>(resourcePath('apps/v1', 'replicasets', namespace), { labelSelector: POD_SELECTOR, signal });
  const revision = deployment.metadata.annotations[REVISION];
  const newest = items.map((item) => replicaSetSchema.parse(item).metadata).find((metadata) => metadata.annotations[REVISION] === revision);
  const hash = newest?.labels[TEMPLATE_HASH];
  if (hash === undefined) return [];
  return (await managerPods(kube, namespace, signal)).filter((pod) => pod.metadata.labels[TEMPLATE_HASH] === hash);
}

function isDone(deployment: DeploymentState, until: RolloutOptions['until']): boolean {
  const { metadata, spec, status } = deployment;
  if (status.observedGeneration < metadata.generation) return false;
  if (spec.replicas === 0) return true;
  // An available replica may be an old one: while there are any, the new ones count only when all are there.
  if (until === 'one' && status.replicas === status.updatedReplicas) return status.availableReplicas >= 1;
  return status.updatedReplicas === spec.replicas && status.replicas === status.updatedReplicas && status.availableReplicas === spec.replicas;
}

/** Throws when the Deployment can't make pods: a quota, pod security, a webhook of somebody. */
function checkReplicaFailure(deployment: DeploymentState): void {
  const failure = deployment.status.conditions.find((condition) => condition.type === 'ReplicaFailure' && condition.status === 'True');
  if (failure === undefined || deployment.status.availableReplicas > 0) return;
  throw new CodedError('TP-INSTALL-FAILED', `The traffic-manager's pods are refused: ${failure.message ?? failure.reason ?? 'no reason is given'}.`, {
    help: 'Mend what is named (a ResourceQuota, a LimitRange, pod security, an admission webhook) and install again.',
  });
}

/** The last words of a pod, or why they can't be had: they only explain an error that is thrown anyway. */
async function lastWords(kube: KubeClient, namespace: string, pod: string, signal: AbortSignal | undefined): Promise<string> {
  const path = resourcePath('v1', 'pods', namespace, pod, 'log');
  try {
    return (await kube.text(path, { signal, query: { previous: 'true', tailLines: String(LOG_TAIL_LINES) } })).trim();
  } catch (error) {
    return `its log can't be read: ${messageOf(error)}`;
  }
}

/** Whether a pull began: with an image that is on the node none does. A registry that does not answer keeps it silent for minutes. */
async function isPulling(kube: KubeClient, namespace: string, pod: string, signal: AbortSignal | undefined): Promise<boolean> {
  const { items } = await kube.list(resourcePath('v1', 'events', namespace), { fieldSelector: `involvedObject.name=${pod},reason=Pulling`, signal });
  return items.length > 0;
}

/** Throws when a pod can't start; else a phrase on how far it is. */
async function checkPod(kube: KubeClient, pod: PodState, options: RolloutOptions, pulling: Map<string, number>): Promise<string> {
  const { name } = pod.metadata;
  const unschedulable = pod.status.conditions.find((condition) => condition.type === 'PodScheduled' && condition.status === 'False');
  if (unschedulable !== undefined) return `pod ${name} waits for a node: ${unschedulable.message ?? 'not scheduled'}`;
  const [status] = pod.status.containerStatuses;
  const waiting = status?.state.waiting;
  const reason = waiting?.reason ?? '';
  if (status !== undefined && IMAGE_REASONS.has(reason)) {
    const since = pulling.get(name) ?? Date.now();
    pulling.set(name, since);
    if (!RETRIED_PULL.has(reason) || Date.now() - since >= IMAGE_PULL_PATIENCE_MS)
      throw imageMissing(status.image, `${reason}${waiting?.message ? `: ${waiting.message}` : ''}`);
  }
  if (status !== undefined && reason === 'ContainerCreating' && isLocalImage(status.image)) {
    const since = pulling.get(name) ?? Date.now();
    pulling.set(name, since);
    if (Date.now() - since >= IMAGE_PULL_PATIENCE_MS && (await isPulling(kube, options.namespace, name, options.signal)))
      throw imageMissing(status.image, 'the kubelet asks a registry for it, and there is none of that name');
  }
  if (CONTAINER_REASONS.has(reason))
    throw new CodedError('TP-INSTALL-FAILED', `The traffic-manager's container can't start (${reason}): ${waiting?.message ?? 'no message is given'}.`);
  if (status !== undefined && status.restartCount >= CRASH_RESTARTS) {
    const ended = status.lastState.terminated;
    const words = await lastWords(kube, options.namespace, name, options.signal);
    throw new CodedError(
      'TP-MANAGER-NOT-READY',
      `The traffic-manager starts and ends again (${ended?.reason ?? 'ended'}, exit code ${ended?.exitCode ?? 'unknown'}): ${words}`,
    );
  }
  return reason === '' ? `pod ${name} is not ready yet` : `pod ${name}: ${reason}`;
}

/** Resolves when the manager is ready. Throws TP-IMAGE-MISSING, TP-INSTALL-FAILED or TP-MANAGER-NOT-READY. */
export async function waitForManager(kube: KubeClient, options: RolloutOptions): Promise<void> {
  const { namespace, signal } = options;
  const deadline = Date.now() + (options.timeoutMs ?? MANAGER_READY_TIMEOUT_MS);
  const path = resourcePath('apps/v1', 'deployments', namespace, MANAGER_NAME);
  const pulling = new Map<string, number>();
  let said = '';
  for (;;) {
    const deployment = deploymentSchema.parse(await kube.get(path, { signal }));
    if (isDone(deployment, options.until)) return;
    checkReplicaFailure(deployment);
    let state = 'no pod is there yet';
    for (const pod of await newestPods(kube, namespace, deployment, signal)) {
      const ready = pod.status.conditions.some((condition) => condition.type === 'Ready' && condition.status === 'True');
      if (!ready) state = await checkPod(kube, pod, options, pulling);
    }
    if (state !== said) options.onProgress?.(`Waiting for the traffic-manager: ${state}`);
    said = state;
    if (Date.now() >= deadline)
      throw new CodedError('TP-MANAGER-NOT-READY', `The traffic-manager in namespace ${namespace} did not get ready in time: ${state}.`, {
        help: `Look at its pods: \`kubectl -n ${namespace} describe pods -l ${POD_SELECTOR}\`.`,
      });
    await sleep(ROLLOUT_POLL_MS, signal);
  }
}
