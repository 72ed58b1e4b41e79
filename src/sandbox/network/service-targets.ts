/** The ports of a Service and where their connections go, as one node sees it. Pure. */
import { readyEndpoints } from '../../kube/endpoints.ts';
import type { EndpointSlice, Service } from '../controllers/core/types.ts';

export interface EndpointPlace {
  ip: string;
  port: number;
}

export interface ServiceTarget {
  protocol: 'tcp' | 'udp';
  clusterIp: string;
  port: number;
  nodePort: number | undefined;
  sticky: boolean;
  everywhere: EndpointPlace[];
  /** Those on the node itself. */
  here: EndpointPlace[];
  /** Whether connections to its address, and those to its node port, go everywhere or stay on the node. */
  policies: { inside: 'Cluster' | 'Local'; outside: 'Cluster' | 'Local' };
}

export const placeKey = ({ ip, port }: EndpointPlace): string => `${ip}:${port}`;

export function targetsOf({ metadata, spec }: Service, slices: readonly EndpointSlice[], nodeName: string): ServiceTarget[] {
  const { clusterIP = '', type, sessionAffinity } = spec;
  if (clusterIP === '' || clusterIP === 'None' || type === 'ExternalName') return [];
  const own = slices.filter(
    (slice) => slice.metadata.namespace === metadata.namespace && slice.metadata.labels?.['kubernetes.io/service-name'] === metadata.name,
  );
  const policies = {
    inside: spec.internalTrafficPolicy === 'Local' ? ('Local' as const) : ('Cluster' as const),
    outside: spec.externalTrafficPolicy === 'Local' ? ('Local' as const) : ('Cluster' as const),
  };
  return (spec.ports ?? []).flatMap((servicePort): ServiceTarget[] => {
    const protocol = (servicePort.protocol ?? 'TCP').toLowerCase();
    if (protocol !== 'tcp' && protocol !== 'udp') return [];
    const portName = servicePort.name ?? '';
    return [
      {
        protocol,
        clusterIp: clusterIP,
        port: servicePort.port,
        nodePort: servicePort.nodePort === undefined || servicePort.nodePort === 0 ? undefined : servicePort.nodePort,
        sticky: sessionAffinity === 'ClientIP',
        everywhere: readyEndpoints(own, portName),
        here: readyEndpoints(own, portName, nodeName),
        policies,
      },
    ];
  });
}
