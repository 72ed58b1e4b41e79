/** Every pod has a service account, and its token unless it wants none. */
import { randomInt } from 'node:crypto';
import { resourcePath } from '../../../kube/paths.ts';
import { getIfThere } from '../../access/index.ts';
import type { AdmissionAttributes, ClusterClient } from '../../contract.ts';
import { refusal } from '../refusal.ts';
import type { Pod, PodContainer } from './pod.ts';

const MOUNT_PATH = '/var/run/secrets/kubernetes.io/serviceaccount';
/** A little over an hour: the kubelet renews at 80 %, so a token that is read hourly is always good. */
const TOKEN_SECONDS = 3607;
const LETTERS = 'bcdfghjklmnpqrstvwxz2456789';

interface ServiceAccount {
  automountServiceAccountToken?: boolean;
  imagePullSecrets?: { name: string }[];
}

const suffix = () => Array.from({ length: 5 }, () => LETTERS[randomInt(LETTERS.length)]).join('');

function tokenVolume(name: string): Record<string, unknown> {
  return {
    name,
    projected: {
      sources: [
        { serviceAccountToken: { expirationSeconds: TOKEN_SECONDS, path: 'token' } },
        { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
        { downwardAPI: { items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }] } },
      ],
      defaultMode: 420,
    },
  };
}

const wants = ({ volumeMounts = [] }: PodContainer) => !volumeMounts.some(({ mountPath }) => mountPath === MOUNT_PATH);

/** Changes the pod in place. */
export function createServiceAccountAdmission(client: Pick<ClusterClient, 'get'>): (attributes: AdmissionAttributes, pod: Pod) => Promise<void> {
  return async (attributes, pod) => {
    const { spec } = pod;
    const name = spec.serviceAccountName ?? spec.serviceAccount ?? 'default';
    spec.serviceAccountName = name;
    spec.serviceAccount = name;
    const account = await getIfThere<ServiceAccount>(client, resourcePath('v1', 'serviceaccounts', attributes.namespace, name));
    if (account === undefined) {
      const place = `${attributes.namespace ?? ''}/${name}`;
      throw refusal(attributes, `error looking up service account ${place}: serviceaccount ${JSON.stringify(name)} not found`);
    }
    if ((spec.imagePullSecrets ?? []).length === 0 && (account.imagePullSecrets ?? []).length > 0)
      spec.imagePullSecrets = (account.imagePullSecrets ?? []).map((secret) => ({ name: secret.name }));
    const mounted = spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true;
    const takers = [...(spec.initContainers ?? []), ...(spec.containers ?? [])].filter(wants);
    if (!mounted || takers.length === 0) return;
    const existing = spec.volumes?.find((volume) => volume.name.startsWith('kube-api-access-'));
    const volumeName = existing?.name ?? `kube-api-access-${suffix()}`;
    if (existing === undefined) spec.volumes = [...(spec.volumes ?? []), tokenVolume(volumeName) as { name: string }];
    for (const container of takers) container.volumeMounts = [...(container.volumeMounts ?? []), { name: volumeName, readOnly: true, mountPath: MOUNT_PATH }];
  };
}
