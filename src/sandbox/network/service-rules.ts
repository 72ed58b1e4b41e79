/**
 * The addresses of Services as nftables rules of one node: from objects to the text that `nft -f` reads. Pure.
 * What is still for a Service's address after the translation is for a port that it does not have, or that nobody serves: it is refused.
 */
import type { EndpointSlice, Service } from '../controllers/core/types.ts';
import { placeKey, type ServiceTarget, targetsOf } from './service-targets.ts';

const TABLE = 'sandbox';
/** Connections that must come back through the node, though source and target could reach each other without it. */
const MASQUERADE_MARK = '0x4000';
const MASQUERADE = `meta mark set meta mark | ${MASQUERADE_MARK}`;

export interface RulesInput {
  services: readonly Service[];
  slices: readonly EndpointSlice[];
  /** Of all nodes. */
  podNetwork: string;
  /** Whose rules these are. */
  nodeName: string;
}

export function serviceRules({ services, slices, podNetwork, nodeName }: RulesInput): string {
  const targets = services.flatMap((service) => targetsOf(service, slices, nodeName));
  const chains: string[] = [];
  const addresses: string[] = [];
  const nodePorts: string[] = [];
  for (const [index, target] of targets.entries()) {
    const { protocol, clusterIp, port, nodePort, everywhere, here, policies } = target;
    if (everywhere.length === 0) continue;
    chains.push(...chainsOf(index, target, podNetwork));
    const inside = policies.inside === 'Cluster' ? `goto service-${index}` : here.length === 0 ? 'drop' : `goto local-${index}`;
    addresses.push(`${clusterIp} . ${protocol} . ${port} : ${inside}`);
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

function chainsOf(index: number, { protocol, sticky, nodePort, everywhere, here, policies }: ServiceTarget, podNetwork: string): string[] {
  const onlyHere = policies.inside === 'Local' || policies.outside === 'Local' ? here : [];
  const places = [...new Map([...everywhere, ...onlyHere].map((place) => [placeKey(place), place])).values()];
  const numbers = new Map(places.map((place, number) => [placeKey(place), number]));
  const choose = (among: typeof places): string => {
    const gotos = among.map((place, number) => `${number} : goto endpoint-${index}-${numbers.get(placeKey(place))}`);
    return `${sticky ? 'jhash ip saddr' : 'numgen random'} mod ${among.length} vmap { ${gotos.join(', ')} };`;
  };
  const chains = [
    ...places.map(
      ({ ip, port }, number) => `  chain endpoint-${index}-${number} { ip saddr ${ip} ${MASQUERADE}; meta l4proto ${protocol} dnat to ${ip}:${port}; }`,
    ),
    `  chain service-${index} { ${choose(everywhere)} }`,
  ];
  if (onlyHere.length > 0) chains.push(`  chain local-${index} { ${choose(onlyHere)} }`);
  if (nodePort === undefined) return chains;
  if (policies.outside === 'Cluster') return [...chains, `  chain outside-${index} { ${MASQUERADE}; goto service-${index}; }`];
  // who asks from inside of the cluster is served by any; who does from outside, by pods of this node, which see who asks
  const nobody = onlyHere.length === 0 ? 'drop' : `goto local-${index}`;
  return [
    ...chains,
    `  chain outside-${index} { ip saddr ${podNetwork} goto service-${index}; fib saddr type local ${MASQUERADE} goto service-${index}; ${nobody}; }`,
  ];
}
