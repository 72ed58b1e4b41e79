/** What the pods of a sandbox are after it was started anew with the state of before: their processes have ended, and the node starts them again. */
import type { KubeObject } from '../../kube/index.ts';

interface PodStatus {
  phase?: string;
  qosClass?: string;
  conditions?: { type: string }[];
}

/** A pod that has come to its end stays as it is; of any other nothing is so any more but that it has its node. */
export function podAfterRestart<T extends KubeObject>(pod: T): T {
  const { phase, qosClass, conditions = [] } = (pod['status'] ?? {}) as PodStatus;
  if (phase === 'Succeeded' || phase === 'Failed') return pod;
  const status: PodStatus = {
    phase: 'Pending',
    ...(qosClass === undefined ? {} : { qosClass }),
    conditions: conditions.filter(({ type }) => type === 'PodScheduled'),
  };
  return { ...pod, status };
}
