/** The manager's Services: one for each kind of caller, so that each right and each policy can name one. */
import { AGENTS_SERVICE, INJECTOR_SERVICE, TUNNEL_PORT_NAME, TUNNEL_SERVICE } from '../protocol/resources.ts';
import type { KubeObject } from './kube-object.ts';
import { COMMON_LABELS, type Naming, SELECTOR } from './naming.ts';
import type { Values } from './values.ts';

function service(naming: Naming, name: string, port: { name: string; port: number; targetPort: string }, more: Record<string, unknown>): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: naming.namespace, labels: { ...COMMON_LABELS } },
    spec: { ...more, selector: { ...SELECTOR }, ports: [{ ...port, protocol: 'TCP' }] },
  };
}

export function managerServices(naming: Naming, values: Values): KubeObject[] {
  return [
    service(naming, TUNNEL_SERVICE, { name: TUNNEL_PORT_NAME, port: 443, targetPort: 'tunnel' }, { type: values.service.type }),
    // Headless: agents find the replicas by name. Those not ready yet are wanted too: an agent must be there when the first workstation comes.
    service(
      naming,
      AGENTS_SERVICE,
      { name: 'agents', port: values.apiPort, targetPort: 'agents' },
      { type: 'ClusterIP', clusterIP: 'None', publishNotReadyAddresses: true },
    ),
    ...(values.agentInjector.enabled ? [service(naming, INJECTOR_SERVICE, { name: 'webhook', port: 443, targetPort: 'webhook' }, { type: 'ClusterIP' })] : []),
  ];
}
