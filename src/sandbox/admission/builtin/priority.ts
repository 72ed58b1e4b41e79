/** A pod's priority, from its class; and how long it outlives its node's silence. */
import type { AdmissionAttributes } from '../../contract.ts';
import { refusal } from '../refusal.ts';
import type { AdmissionStore } from '../store.ts';
import type { Pod } from './pod.ts';

/** Classes that every cluster has. */
const SYSTEM: Record<string, number> = { 'system-node-critical': 2_000_001_000, 'system-cluster-critical': 2_000_000_000 };
const TOLERATION_SECONDS = 300;

/** Changes the pod in place. */
export function setPriority(attributes: AdmissionAttributes, pod: Pod, store: AdmissionStore): void {
  const { spec } = pod;
  const classes = store.priorityClasses();
  const name = spec.priorityClassName ?? '';
  const system = SYSTEM[name];
  const found = name === '' ? classes.find(({ globalDefault }) => globalDefault === true) : classes.find(({ metadata }) => metadata.name === name);
  if (name !== '' && found === undefined && system === undefined) throw refusal(attributes, `no PriorityClass with name ${name} was found`);
  if (name === '' && found !== undefined) spec.priorityClassName = found.metadata.name;
  spec.priority = found?.value ?? system ?? 0;
  spec.preemptionPolicy ??= found?.preemptionPolicy ?? 'PreemptLowerPriority';
}

/** Changes the pod in place. */
export function setTolerations({ spec }: Pod): void {
  for (const key of ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable']) {
    const has = (spec.tolerations ?? []).some(
      (one) =>
        (one.key === key || (one.key === undefined && one.operator === 'Exists')) &&
        (one.effect === undefined || one.effect === '' || one.effect === 'NoExecute'),
    );
    if (!has) spec.tolerations = [...(spec.tolerations ?? []), { key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: TOLERATION_SECONDS }];
  }
}
