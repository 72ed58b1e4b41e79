/** The manager's replicas: who may hold tunnels, where agents find them, and which addresses are never dialled for workstations. */
import type { Log } from '../base/log.ts';
import { type KubeClient, resourcePath } from '../kube/index.ts';
import { AGENTS_SERVICE, INJECTOR_SERVICE, MANAGER_NAME } from '../protocol/resources.ts';
import type { Peer, PeerWatch } from './context.ts';
import { canonicalAddress } from './outbound/policy.ts';
import { watch } from './watched.ts';

/** Selects the replicas' pods; the chart and the installer set it. */
export const MANAGER_POD_SELECTOR = 'app=traffic-manager';

interface Pod {
  metadata: { name: string; deletionTimestamp?: string };
  status?: { phase?: string; podIP?: string; podIPs?: { ip: string }[]; conditions?: { type: string; status: string }[] };
}
interface Service {
  metadata: { name: string };
  spec?: { clusterIP?: string; clusterIPs?: string[] };
}

/** Resolves when the replicas are known. This replica is always among them. */
export async function watchPeers(options: { kube: KubeClient; namespace: string; self: Peer; log: Log; signal: AbortSignal }): Promise<PeerWatch> {
  const { kube, namespace, self, log, signal } = options;
  const pods = watch<Pod>(kube, resourcePath('v1', 'pods', namespace), { log, signal, labelSelector: MANAGER_POD_SELECTOR });
  const services = watch<Service>(kube, resourcePath('v1', 'services', namespace), { log, signal });
  await Promise.all([pods.ready, services.ready]);

  const ended = (pod: Pod) => pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
  const own = new Set<string>([MANAGER_NAME, AGENTS_SERVICE, INJECTOR_SERVICE]);
  const addressesOf = (): ReadonlySet<string> => {
    const found = [self.address];
    for (const pod of pods.list()) if (!ended(pod)) found.push(...(pod.status?.podIPs?.map(({ ip }) => ip) ?? [pod.status?.podIP ?? '']));
    for (const service of services.list()) if (own.has(service.metadata.name)) found.push(...(service.spec?.clusterIPs ?? [service.spec?.clusterIP ?? '']));
    return new Set(found.map(canonicalAddress).filter((address) => address !== undefined));
  };
  let addresses = addressesOf();
  const listeners = new Set<() => void>();
  const changed = () => {
    addresses = addressesOf();
    for (const listener of listeners) listener();
  };
  pods.subscribe(changed);
  services.subscribe(changed);

  return {
    list() {
      const peers = [self];
      for (const pod of pods.list()) {
        if (pod.metadata.name === self.name || ended(pod) || pod.metadata.deletionTimestamp !== undefined || pod.status?.podIP === undefined) continue;
        const ready = pod.status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
        peers.push({ name: pod.metadata.name, address: pod.status.podIP, ready });
      }
      return peers.sort((a, b) => (a.name < b.name ? -1 : 1));
    },
    alive: () =>
      new Set([
        self.name,
        ...pods
          .list()
          .filter((pod) => !ended(pod))
          .map((pod) => pod.metadata.name),
      ]),
    addresses: () => addresses,
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close() {
      pods.close();
      services.close();
    },
  };
}
