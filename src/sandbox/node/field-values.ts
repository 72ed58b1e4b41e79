/** What a pod can read of itself: in its environment and in downward volumes. */
import type { ObjectFieldSelector, ResourceFieldSelector } from 'kubernetes-types/core/v1.js';
import type { Pod } from '../controllers/core/types.ts';
import { parseQuantity } from './quantity.ts';

export interface PodAddresses {
  podIp: string;
  hostIp: string;
}

/** Undefined for a field that there is not. */
export function fieldValue(pod: Pod, { podIp, hostIp }: PodAddresses, { fieldPath }: ObjectFieldSelector): string | undefined {
  const { metadata, spec } = pod;
  const keyed = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(fieldPath);
  if (keyed !== null) return metadata[keyed[1] as 'labels' | 'annotations']?.[keyed[2] ?? ''] ?? '';
  switch (fieldPath) {
    case 'metadata.name':
      return metadata.name;
    case 'metadata.namespace':
      return metadata.namespace;
    case 'metadata.uid':
      return metadata.uid;
    case 'metadata.labels':
    case 'metadata.annotations':
      return Object.entries(metadata[fieldPath.slice(9) as 'labels' | 'annotations'] ?? {})
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
        .join('\n');
    case 'spec.nodeName':
      return spec.nodeName ?? '';
    case 'spec.serviceAccountName':
      return spec.serviceAccountName ?? 'default';
    case 'status.hostIP':
    case 'status.hostIPs':
      return hostIp;
    case 'status.podIP':
    case 'status.podIPs':
      return podIp;
    default:
      return undefined;
  }
}

/** Without a limit of its own a container has the machine's. */
export function resourceValue(pod: Pod, containerName: string, selector: ResourceFieldSelector, machine: { cpu: number; memory: number }): string | undefined {
  const [kind, resource = ''] = selector.resource.split(/\.(.*)/) as ['limits' | 'requests', string?];
  const name = selector.containerName ?? containerName;
  const container = [...(pod.spec.containers ?? []), ...(pod.spec.initContainers ?? [])].find((one) => one.name === name);
  const asked = container?.resources?.[kind]?.[resource];
  const whole = resource === 'cpu' ? machine.cpu : resource === 'memory' ? machine.memory : 0;
  const value = asked === undefined ? (kind === 'limits' ? whole : 0) : parseQuantity(asked);
  const divisor = parseQuantity(selector.divisor === undefined || selector.divisor === '0' ? '1' : selector.divisor);
  if (Number.isNaN(value) || Number.isNaN(divisor)) return undefined;
  return String(Math.ceil(value / divisor - 1e-9));
}
