/** What every cluster is born with, beside its roles: namespaces, the Services of the API server and of DNS. */
import type { KubeObject } from '../kube/index.ts';
import { SANDBOX_NETWORK } from './contract.ts';
import { DNS_ENDPOINT } from './network/cluster-network.ts';

const NAMESPACES = ['default', 'kube-system', 'kube-public', 'kube-node-lease'];

export function firstObjects(): KubeObject[] {
  return [
    ...NAMESPACES.map((name): KubeObject => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })),
    { apiVersion: 'networking.k8s.io/v1', kind: 'ServiceCIDR', metadata: { name: 'kubernetes' }, spec: { cidrs: [SANDBOX_NETWORK.services] } },
    ...service('default', 'kubernetes', { component: 'apiserver', provider: 'kubernetes' }, SANDBOX_NETWORK.kubernetesService, SANDBOX_NETWORK.node, [
      { name: 'https', port: 443, targetPort: SANDBOX_NETWORK.apiPort, protocol: 'TCP' },
    ]),
    ...service('kube-system', 'kube-dns', { 'k8s-app': 'kube-dns', 'kubernetes.io/name': 'CoreDNS' }, SANDBOX_NETWORK.dnsService, DNS_ENDPOINT, [
      { name: 'dns', port: 53, targetPort: 53, protocol: 'UDP' },
      { name: 'dns-tcp', port: 53, targetPort: 53, protocol: 'TCP' },
    ]),
  ];
}

interface Port {
  name: string;
  port: number;
  targetPort: number;
  protocol: string;
}

/** Without a selector: nobody but the sandbox says where it leads. */
function service(namespace: string, name: string, labels: Record<string, string>, clusterIP: string, endpoint: string, ports: Port[]): KubeObject[] {
  return [
    { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace, labels }, spec: { type: 'ClusterIP', clusterIP, clusterIPs: [clusterIP], ports } },
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name, namespace, labels: { 'kubernetes.io/service-name': name } },
      addressType: 'IPv4',
      endpoints: [{ addresses: [endpoint], conditions: { ready: true } }],
      ports: ports.map(({ name: title, targetPort, protocol }) => ({ name: title, port: targetPort, protocol })),
    },
  ];
}
