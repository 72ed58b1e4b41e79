/** Whether a pod may run on a node: the filters of the real scheduler, and their words. Pure. */
import type { Taint, Toleration } from 'kubernetes-types/core/v1.js';
import type { Node, Pod } from '../../controllers/core/types.ts';
import { affinityRefusal } from './affinity.ts';
import type { Cluster } from './cluster.ts';
import { isWanted } from './node-affinity.ts';
import { spreadRefusal } from './spread.ts';

/** Undefined when it fits, else what stands behind `1 ` in the pod's condition. */
export function refusal(pod: Pod, node: Node, cluster: Cluster): string | undefined {
  const there = cluster.podsOf(node.metadata.name);
  if (node.spec?.unschedulable === true && !tolerates(pod, UNSCHEDULABLE)) return 'node(s) were unschedulable';
  if (!isWanted(pod, node)) return "node(s) didn't match Pod's node affinity/selector";
  const taint = (node.spec?.taints ?? []).find((one) => one.effect !== 'PreferNoSchedule' && !tolerates(pod, one));
  if (taint !== undefined) return `node(s) had untolerated taint {${taint.key}: ${taint.value ?? ''}}`;
  // one that nobody has reported has room for none
  if (there.length >= Number(node.status?.allocatable?.['pods'] ?? 0)) return 'Too many pods';
  const wanted = portsOf(pod);
  if (there.some((other) => portsOf(other).some((port) => wanted.some((one) => collide(one, port)))))
    return "node(s) didn't have free ports for the requested pod ports";
  return spreadRefusal(pod, node, cluster) ?? affinityRefusal(pod, node, cluster);
}

const UNSCHEDULABLE: Taint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };

function tolerates({ spec }: Pod, taint: Taint): boolean {
  return (spec.tolerations ?? []).some(
    ({ key, operator, value, effect }: Toleration) =>
      (effect === undefined || effect === '' || effect === taint.effect) &&
      (operator === 'Exists' ? key === undefined || key === '' || key === taint.key : key === taint.key && (value ?? '') === (taint.value ?? '')),
  );
}

interface HostPort {
  ip: string;
  protocol: string;
  port: number;
}

const ANY = '0.0.0.0';

function portsOf({ spec }: Pod): HostPort[] {
  const sidecars = (spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always');
  return [...spec.containers, ...sidecars].flatMap(({ ports = [] }) =>
    ports.flatMap(({ hostPort = 0, hostIP, protocol = 'TCP' }) => (hostPort === 0 ? [] : [{ ip: hostIP || ANY, protocol, port: hostPort }])),
  );
}

function collide(one: HostPort, other: HostPort): boolean {
  return one.port === other.port && one.protocol === other.protocol && (one.ip === other.ip || one.ip === ANY || other.ip === ANY);
}
