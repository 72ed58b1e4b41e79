/**
 * The addresses of Services as nftables rules: from objects to the text that `nft -f` reads. Pure.
 * What is still for a Service's address after the translation is for a port that it does not have, or that nobody serves: it is refused.
 */
import { readyEndpoints } from '../../kube/endpoints.ts';
import type { EndpointSlice, Service } from '../controllers/core/types.ts';

/** A port of a Service and where its connections go. */
interface Target {
  protocol: 'tcp' | 'udp';
  clusterIp: string;
  port: number;
  nodePort: number | undefined;
  sticky: boolean;
  endpoints: { ip: string; port: number }[];
}

const TABLE = 'sandbox';
/** Connections that must come back through the node, though source and target could reach each other without it. */
const MASQUERADE_MARK = '0x4000';

export function serviceRules(services: readonly Service[], slices: readonly EndpointSlice[], podNetwork: string): string {
  const targets = services.flatMap((service) => targetsOf(service, slices));
  const chains: string[] = [];
  const addresses: string[] = [];
  const nodePorts: string[] = [];
  for (const [index, target] of targets.entries()) {
    const { protocol, clusterIp, port, nodePort, endpoints } = target;
    if (endpoints.length === 0) continue;
    chains.push(...chainsOf(index, target));
    addresses.push(`${clusterIp} . ${protocol} . ${port} : goto service-${index}`);
    if (nodePort !== undefined) nodePorts.push(`${protocol} . ${nodePort} : goto outside-${index}`);
  }
  const map = (entries: string[]) => (entries.length === 0 ? '' : `elements = { ${entries.join(', ')} }`);
  return `add table ip ${TABLE}
delete table ip ${TABLE}
table ip ${TABLE} {
  map addresses { type ipv4_addr . inet_proto . inet_service : verdict; ${map(addresses)}
  }
  map node-ports { type inet_proto . inet_service : verdict; ${map(nodePorts)}
  }
  set service-addresses { type ipv4_addr; ${map([...new Set(targets.map(({ clusterIp }) => clusterIp))])}
  }
${chains.join('\n')}
  chain services {
    ip daddr . meta l4proto . th dport vmap @addresses
    fib daddr type local meta l4proto . th dport vmap @node-ports
  }
  chain prerouting { type nat hook prerouting priority dstnat; jump services; }
  chain output { type nat hook output priority -100; jump services; }
  chain refuse { ip daddr @service-addresses reject with icmp type port-unreachable; }
  chain refuse-forward { type filter hook forward priority 0; jump refuse; }
  chain refuse-output { type filter hook output priority 0; jump refuse; }
  chain postrouting {
    type nat hook postrouting priority srcnat;
    meta mark & ${MASQUERADE_MARK} == ${MASQUERADE_MARK} masquerade
    ip saddr ${podNetwork} ip daddr != ${podNetwork} oifname != "lo" masquerade
  }
}
`;
}

function chainsOf(index: number, { protocol, sticky, endpoints }: Target): string[] {
  const choose = sticky ? 'jhash ip saddr' : 'numgen random';
  const places = endpoints.map((_, number) => `${number} : goto endpoint-${index}-${number}`);
  return [
    ...endpoints.map(
      ({ ip, port }, number) =>
        `  chain endpoint-${index}-${number} { ip saddr ${ip} meta mark set meta mark | ${MASQUERADE_MARK}; meta l4proto ${protocol} dnat to ${ip}:${port}; }`,
    ),
    `  chain service-${index} { ${choose} mod ${endpoints.length} vmap { ${places.join(', ')} }; }`,
    `  chain outside-${index} { meta mark set meta mark | ${MASQUERADE_MARK}; goto service-${index}; }`,
  ];
}

function targetsOf({ metadata, spec }: Service, slices: readonly EndpointSlice[]): Target[] {
  const { clusterIP = '', type, sessionAffinity } = spec;
  if (clusterIP === '' || clusterIP === 'None' || type === 'ExternalName') return [];
  const own = slices.filter(
    (slice) => slice.metadata.namespace === metadata.namespace && slice.metadata.labels?.['kubernetes.io/service-name'] === metadata.name,
  );
  return (spec.ports ?? []).flatMap((servicePort): Target[] => {
    const protocol = (servicePort.protocol ?? 'TCP').toLowerCase();
    if (protocol !== 'tcp' && protocol !== 'udp') return [];
    return [
      {
        protocol,
        clusterIp: clusterIP,
        port: servicePort.port,
        nodePort: servicePort.nodePort === undefined || servicePort.nodePort === 0 ? undefined : servicePort.nodePort,
        sticky: sessionAffinity === 'ClientIP',
        endpoints: readyEndpoints(own, servicePort.name ?? ''),
      },
    ];
  });
}
