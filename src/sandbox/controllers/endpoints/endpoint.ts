/** Pods as endpoints of a Service: address, ports, conditions. */
import type { ServicePort } from 'kubernetes-types/core/v1.js';
import type { Endpoint, EndpointPort } from 'kubernetes-types/discovery/v1.js';
import { isReady, isTerminating } from '../core/pods.ts';
import { hasAll } from '../core/selector.ts';
import type { Pod, Service } from '../core/types.ts';

export type AddressType = 'IPv4' | 'IPv6';

export const isHeadless = (service: Service): boolean => service.spec.clusterIP === 'None';

export function addressTypes(service: Service): AddressType[] {
  const families = service.spec.ipFamilies ?? ['IPv4'];
  return families.filter((family): family is AddressType => family === 'IPv4' || family === 'IPv6');
}

export function selects(service: Service, pod: Pod): boolean {
  const { selector, type } = service.spec;
  if (selector === undefined || Object.keys(selector).length === 0 || type === 'ExternalName') return false;
  return hasAll(pod.metadata.labels, selector);
}

/** Its address of this family, if it is one of a Service's endpoints at all. */
export function addressOf(pod: Pod, family: AddressType): string | undefined {
  // a pod that has ended has given its address back
  if (pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed') return undefined;
  const addresses = pod.status?.podIPs?.map(({ ip }) => ip ?? '') ?? (pod.status?.podIP === undefined ? [] : [pod.status.podIP]);
  return addresses.find((ip) => ip !== '' && ip.includes(':') === (family === 'IPv6'));
}

/** Undefined: this pod has no port of the name that the Service points to. */
function targetPort(pod: Pod, { targetPort: target, port, protocol = 'TCP' }: ServicePort): number | undefined {
  if (typeof target !== 'string') return target === undefined || target === 0 ? port : target;
  // native sidecars have ports as the app's own containers do
  const sidecars = (pod.spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always');
  for (const container of [...pod.spec.containers, ...sidecars])
    for (const named of container.ports ?? []) if (named.name === target && (named.protocol ?? 'TCP') === protocol) return named.containerPort;
  return undefined;
}

/** The Service's ports as this pod has them; pods with the same ones share EndpointSlices. */
export function portsOf(service: Service, pod: Pod): EndpointPort[] {
  return (service.spec.ports ?? []).flatMap((port) => {
    const number = targetPort(pod, port);
    if (number === undefined) return [];
    const { name = '', protocol = 'TCP', appProtocol } = port;
    return [{ name, port: number, protocol, ...(appProtocol === undefined ? {} : { appProtocol }) }];
  });
}

export function endpointOf(service: Service, pod: Pod, address: string): Endpoint {
  const serving = isReady(pod);
  const terminating = isTerminating(pod);
  const { hostname, subdomain, nodeName } = pod.spec;
  return {
    addresses: [address],
    conditions: { ready: service.spec.publishNotReadyAddresses === true || (serving && !terminating), serving, terminating },
    ...(hostname !== undefined && hostname !== '' && subdomain === service.metadata.name ? { hostname } : {}),
    ...(nodeName === undefined || nodeName === '' ? {} : { nodeName }),
    targetRef: { kind: 'Pod', namespace: pod.metadata.namespace, name: pod.metadata.name, uid: pod.metadata.uid },
  };
}
