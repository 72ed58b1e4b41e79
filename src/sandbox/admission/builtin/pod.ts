/** Pods as the built-in admission reads and changes them. */
import type { AdmissionAttributes } from '../../contract.ts';

type Amounts = Record<string, string>;
export interface PodContainer {
  name: string;
  volumeMounts?: { name: string; mountPath: string; readOnly?: boolean }[];
  resources?: { limits?: Amounts; requests?: Amounts };
}
export interface Toleration {
  key?: string;
  operator?: string;
  effect?: string;
  tolerationSeconds?: number;
}
export interface Pod {
  spec: {
    serviceAccountName?: string;
    serviceAccount?: string;
    automountServiceAccountToken?: boolean;
    imagePullSecrets?: { name: string }[];
    volumes?: { name: string }[];
    initContainers?: PodContainer[];
    containers?: PodContainer[];
    tolerations?: Toleration[];
    priority?: number;
    priorityClassName?: string;
    preemptionPolicy?: string;
  };
}

export function isNewPod({ operation, type, subresource, object }: AdmissionAttributes): boolean {
  return operation === 'CREATE' && type.group === '' && type.plural === 'pods' && subresource === undefined && object?.['spec'] !== undefined;
}
