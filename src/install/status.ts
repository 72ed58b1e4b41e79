/** What of the manager is there. */
import { codeOf } from '../base/errors.ts';
import { type KubeClient, resourcePath } from '../kube/index.ts';
import { MANAGER_NAME } from '../protocol/resources.ts';
import { deploymentSchema } from './deployment-state.ts';

export interface InstalledManager {
  state: 'installed';
  version: string;
  image: string;
  replicas: number;
  readyReplicas: number;
  /** At least one replica serves. */
  ready: boolean;
  /** The Helm release that it belongs to, where Helm installed it. */
  helmRelease: string | undefined;
}
export type ManagerStatus = { state: 'missing' } | InstalledManager;

/** Fails with TP-KUBE-FORBIDDEN where the user may not look. */
export async function managerStatus(kube: KubeClient, namespace: string, options: { signal?: AbortSignal | undefined } = {}): Promise<ManagerStatus> {
  let object: unknown;
  try {
    object = await kube.get(resourcePath('apps/v1', 'deployments', namespace, MANAGER_NAME), options);
  } catch (error) {
    if (codeOf(error) === 'TP-KUBE-NOT-FOUND') return { state: 'missing' };
    throw error;
  }
  const { metadata, spec, status } = deploymentSchema.parse(object);
  const image = spec.template.spec.containers.find((container) => container.name === MANAGER_NAME)?.image ?? '';
  return {
    state: 'installed',
    version: metadata.labels['app.kubernetes.io/version'] ?? '',
    image,
    replicas: spec.replicas,
    readyReplicas: status.readyReplicas,
    ready: status.readyReplicas > 0,
    helmRelease: metadata.annotations['meta.helm.sh/release-name'],
  };
}
