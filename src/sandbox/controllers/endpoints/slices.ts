/** EndpointSlices: which pods answer for a Service. */
import type { ControllerContext } from '../core/context.ts';
import { controllerOf, controllerReference } from '../core/owners.ts';
import { createQueue } from '../core/queue.ts';
import { canonical } from '../core/template-hash.ts';
import { ENDPOINT_SLICES, type EndpointSlice, keyOf, PODS, type Pod, SERVICES, type Service, splitKey } from '../core/types.ts';
import { type AddressType, addressOf, addressTypes, endpointOf, isHeadless, portsOf, selects } from './endpoint.ts';
import { type Group, planSlices } from './reconcile.ts';

const COMPONENT = 'endpoint-slice-controller';
export const SERVICE_NAME = 'kubernetes.io/service-name';
export const MANAGED_BY = 'endpointslice.kubernetes.io/managed-by';
const MANAGER = 'endpointslice-controller.k8s.io';
const HEADLESS = 'service.kubernetes.io/headless';

/** Calls `add` with the Services that a change of a pod may concern. */
export function onServicePods(context: ControllerContext, add: (key: string) => void): void {
  const services = context.cache(SERVICES);
  context.cache(PODS).onChange((now, old) => {
    const pod = (now ?? old) as Pod;
    for (const service of services.inNamespace(pod.metadata.namespace))
      if ((now !== undefined && selects(service, now)) || (old !== undefined && selects(service, old))) add(keyOf(service));
  });
}

export function startEndpointSlices(context: ControllerContext): () => void {
  const services = context.cache(SERVICES);
  const slices = context.cache(ENDPOINT_SLICES);
  const pods = context.cache(PODS);
  const queue = createQueue({ name: COMPONENT, log: context.log, signal: context.signal, work: sync });

  services.onChange((now, old) => queue.add(keyOf(now ?? (old as Service))));
  onServicePods(context, queue.add);
  slices.onChange((now, old) => {
    const slice = (now ?? old) as EndpointSlice;
    const name = slice.metadata.labels?.[SERVICE_NAME];
    if (name !== undefined && slice.metadata.labels?.[MANAGED_BY] === MANAGER) queue.add(`${slice.metadata.namespace}/${name}`);
  });

  async function sync(key: string): Promise<void> {
    const [namespace, name] = splitKey(key);
    const service = services.get(namespace, name);
    if (service === undefined || service.metadata.deletionTimestamp !== undefined) return;
    // without a selector somebody else says where it leads
    if (service.spec.selector === undefined || service.spec.type === 'ExternalName') return;
    const mine = slices
      .inNamespace(namespace)
      .filter(
        ({ metadata }) => metadata.labels?.[SERVICE_NAME] === name && metadata.labels[MANAGED_BY] === MANAGER && metadata.deletionTimestamp === undefined,
      );
    const current = mine.filter((slice) => controllerOf(slice)?.uid === service.metadata.uid);
    for (const slice of mine) if (!current.includes(slice)) await context.remove(ENDPOINT_SLICES, slice);
    const selected = pods.inNamespace(namespace).filter((pod) => selects(service, pod));
    const families = addressTypes(service);
    for (const family of families)
      await syncFamily(
        service,
        family,
        selected,
        current.filter((slice) => slice.addressType === family),
      );
    for (const slice of current) if (!families.some((family) => family === slice.addressType)) await context.remove(ENDPOINT_SLICES, slice);
  }

  async function syncFamily(service: Service, family: AddressType, selected: readonly Pod[], mine: readonly EndpointSlice[]): Promise<void> {
    const groups = new Map<string, Group>();
    for (const pod of selected) {
      const address = addressOf(pod, family);
      if (address === undefined) continue;
      const ports = portsOf(service, pod);
      const key = canonical(ports);
      const group = groups.get(key) ?? { ports, endpoints: [] };
      group.endpoints.push(endpointOf(service, pod, address));
      groups.set(key, group);
    }
    const plan = planSlices(mine, [...groups.values()]);
    const labels = labelsFor(service);
    for (const group of plan.create) {
      await context.create(ENDPOINT_SLICES, {
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSlice',
        metadata: {
          generateName: `${service.metadata.name}-`,
          namespace: service.metadata.namespace,
          labels,
          annotations: triggered(),
          ownerReferences: [controllerReference(service)],
        },
        addressType: family,
        endpoints: group.endpoints,
        ports: group.ports,
      });
    }
    const changed = new Map(plan.update.map(({ slice, endpoints }) => [slice, endpoints]));
    for (const slice of mine) {
      if (plan.remove.includes(slice)) continue;
      const endpoints = changed.get(slice);
      if (endpoints === undefined && canonical(slice.metadata.labels) === canonical(labels)) continue;
      const annotations = endpoints === undefined ? slice.metadata.annotations : { ...slice.metadata.annotations, ...triggered() };
      const metadata = { ...slice.metadata, labels, ...(annotations === undefined ? {} : { annotations }) };
      await context.replace(ENDPOINT_SLICES, { ...slice, metadata, endpoints: endpoints ?? slice.endpoints });
    }
    for (const slice of plan.remove) await context.remove(ENDPOINT_SLICES, slice);
  }

  return queue.start;
}

const triggered = (): Record<string, string> => ({ 'endpoints.kubernetes.io/last-change-trigger-time': new Date().toISOString().replace(/\.\d+Z$/, 'Z') });

function labelsFor(service: Service): Record<string, string> {
  const { [HEADLESS]: _headless, ...own } = service.metadata.labels ?? {};
  return {
    ...own,
    [MANAGED_BY]: MANAGER,
    [SERVICE_NAME]: service.metadata.name,
    ...(isHeadless(service) ? { [HEADLESS]: '' } : {}),
  };
}
