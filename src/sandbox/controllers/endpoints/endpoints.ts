/** Endpoints: the older form of EndpointSlices, which programs still read. Terminating pods are not in it. */
import type { EndpointAddress, EndpointSubset } from 'kubernetes-types/core/v1.js';
import type { ControllerContext } from '../core/context.ts';
import { isReady, isTerminating } from '../core/pods.ts';
import { createQueue } from '../core/queue.ts';
import { canonical } from '../core/template-hash.ts';
import { ENDPOINTS, type Endpoints, keyOf, PODS, type Pod, SERVICES, type Service, splitKey } from '../core/types.ts';
import { addressOf, addressTypes, endpointOf, isHeadless, portsOf, selects } from './endpoint.ts';
import { onServicePods } from './slices.ts';

const COMPONENT = 'endpoint-controller';
const MANAGED_BY = 'endpoints.kubernetes.io/managed-by';

export function startEndpoints(context: ControllerContext): () => void {
  const services = context.cache(SERVICES);
  const all = context.cache(ENDPOINTS);
  const pods = context.cache(PODS);
  const queue = createQueue({ name: COMPONENT, log: context.log, signal: context.signal, work: sync });

  services.onChange((now, old) => queue.add(keyOf(now ?? (old as Service))));
  onServicePods(context, queue.add);
  all.onChange((now, old) => queue.add(keyOf(now ?? (old as Endpoints))));

  async function sync(key: string): Promise<void> {
    const [namespace, name] = splitKey(key);
    const service = services.get(namespace, name);
    const before = all.get(namespace, name);
    if (service === undefined) {
      // only what this controller made goes with its Service
      if (before?.metadata.labels?.[MANAGED_BY] === COMPONENT) await context.remove(ENDPOINTS, before);
      return;
    }
    if (service.spec.selector === undefined || service.spec.type === 'ExternalName') return;
    const subsets = subsetsOf(
      service,
      pods.inNamespace(namespace).filter((pod) => selects(service, pod)),
    );
    const labels = { ...service.metadata.labels, [MANAGED_BY]: COMPONENT, ...(isHeadless(service) ? { 'service.kubernetes.io/headless': '' } : {}) };
    if (before === undefined) {
      await context.create(ENDPOINTS, {
        apiVersion: 'v1',
        kind: 'Endpoints',
        metadata: { name, namespace, labels },
        ...(subsets.length === 0 ? {} : { subsets }),
      });
    } else if (canonical([before.subsets, before.metadata.labels]) !== canonical([subsets, labels])) {
      const { subsets: _subsets, ...rest } = before;
      await context.replace(ENDPOINTS, { ...rest, metadata: { ...before.metadata, labels }, ...(subsets.length === 0 ? {} : { subsets }) });
    }
  }

  return queue.start;
}

function subsetsOf(service: Service, selected: readonly Pod[]): EndpointSubset[] {
  const [family = 'IPv4'] = addressTypes(service);
  const subsets = new Map<string, Required<EndpointSubset>>();
  for (const pod of selected) {
    const ip = addressOf(pod, family);
    if (ip === undefined || isTerminating(pod)) continue;
    const ports = portsOf(service, pod).map(({ name, ...port }) => ({ ...(name === '' || name === undefined ? {} : { name }), ...port, port: port.port ?? 0 }));
    const key = canonical(ports);
    const subset = subsets.get(key) ?? { addresses: [], notReadyAddresses: [], ports };
    const { hostname, nodeName, targetRef } = endpointOf(service, pod, ip);
    const address: EndpointAddress = { ip };
    if (hostname !== undefined) address.hostname = hostname;
    if (nodeName !== undefined) address.nodeName = nodeName;
    if (targetRef !== undefined) address.targetRef = targetRef;
    const ready = isReady(pod) || service.spec.publishNotReadyAddresses === true;
    (ready ? subset.addresses : subset.notReadyAddresses).push(address);
    subsets.set(key, subset);
  }
  const byAddress = (a: EndpointAddress, b: EndpointAddress): number => (a.ip < b.ip ? -1 : 1);
  return [...subsets.values()].map(({ addresses, notReadyAddresses, ports }) => ({
    ...(addresses.length === 0 ? {} : { addresses: addresses.sort(byAddress) }),
    ...(notReadyAddresses.length === 0 ? {} : { notReadyAddresses: notReadyAddresses.sort(byAddress) }),
    ...(ports.length === 0 ? {} : { ports }),
  }));
}
