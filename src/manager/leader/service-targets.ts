/** The two steps of `patched` mode: when a Service's targetPort becomes the agent's name, and when the number again. Pure. */
import type { Pod, Service } from 'kubernetes-types/core/v1.js';
import type { AgentConfig } from '../../protocol/agent-config.ts';
import { patchedName, patchedNumber } from './ports.ts';
import { isEnding } from './workload.ts';

export interface TargetChange {
  service: string;
  /** Index in spec.ports, and what stands there: a patch tests both. */
  index: number;
  port: number;
  from: string | number;
  to: string | number;
}

/** The pod declares a port of that name. */
function declares(pod: Pod, name: string): boolean {
  return [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])].some(({ ports = [] }) => ports.some((port) => port.name === name));
}

/**
 * @param service one of the namespace
 * @param pods all pods that the Service selects, of whatever workload
 * @param configs the configs of the workloads that it selects and whose agents stay
 * A pod that is ready, or on its way to be, must find the name: the Service would not send to it otherwise.
 */
export function targetChanges(service: Service, pods: readonly Pod[], configs: readonly AgentConfig[], ready: (pod: Pod) => boolean): TargetChange[] {
  const serving = pods.filter((pod) => !isEnding(pod) && ready(pod));
  return (service.spec?.ports ?? []).flatMap((port, index): TargetChange[] => {
    const from = port.targetPort ?? port.port;
    const patched = patchedNumber(from);
    const number = patched ?? (typeof from === 'number' ? from : undefined);
    if (number === undefined) return [];
    const name = patchedName(number);
    const wanted = configs.some(({ ports }) =>
      ports.some((one) => one.mode === 'patched' && one.containerPort === number && one.protocol === (port.protocol ?? 'TCP')),
    );
    const all = serving.length > 0 && serving.every((pod) => declares(pod, name));
    const change = (to: string | number): TargetChange[] => [{ service: service.metadata?.name ?? '', index, port: port.port, from, to }];
    if (patched === undefined) return wanted && all ? change(name) : [];
    // With no pod at all nothing is lost either way, and the number is what a pod without an agent would need.
    return wanted && all ? [] : change(number);
  });
}
