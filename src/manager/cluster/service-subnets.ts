/** The range of Service addresses: from the ServiceCIDR objects, else from the API server's own refusal, else covering what is there. */
import { CodedError, messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { type KubeClient, resourcePath } from '../../kube/index.ts';
import { aggregate, cover, rangesInMessage } from './subnets.ts';

/** How often the range is asked for again. */
export const SERVICE_SUBNETS_REFRESH_MS = 60_000;

interface ServiceCidr {
  spec?: { cidrs?: string[] };
}
interface Service {
  spec?: { clusterIP?: string; clusterIPs?: string[] };
}

/** An address that no cluster has as its Service range; the API server names the range when it refuses it. */
const PROBES = ['1.1.1.1', '100::1'];

export async function findServiceSubnets(
  kube: KubeClient,
  options: { namespace: string; namespaces: readonly string[]; log: Log; signal: AbortSignal },
): Promise<string[]> {
  const { namespace, log, signal } = options;
  try {
    const { items } = await kube.list<ServiceCidr>(resourcePath('networking.k8s.io/v1', 'servicecidrs'), { signal });
    const cidrs = aggregate(items.flatMap((item) => item.spec?.cidrs ?? []));
    if (cidrs.length > 0) return cidrs;
  } catch (error) {
    signal.throwIfAborted();
    log.debug('ServiceCIDR objects are not to be had', { error: messageOf(error) });
  }
  const found: string[] = [];
  for (const clusterIP of PROBES) {
    const body = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { generateName: 'telepresence-probe-', namespace },
      spec: { clusterIP, ipFamilies: [clusterIP.includes(':') ? 'IPv6' : 'IPv4'], ports: [{ port: 443 }] },
    };
    try {
      await kube.request('POST', resourcePath('v1', 'services', namespace), { query: { dryRun: 'All' }, body, signal });
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof CodedError) found.push(...rangesInMessage(`${error.message} ${messageOf(error.cause)}`));
      log.debug('asked the API server for the range of Services', { answer: messageOf(error) });
    }
  }
  if (found.length > 0) return aggregate(found);
  const places = options.namespaces.length === 0 ? [undefined] : options.namespaces;
  const lists = await Promise.all(places.map((place) => kube.list<Service>(resourcePath('v1', 'services', place), { signal })));
  return cover(lists.flatMap(({ items }) => items).flatMap((item) => item.spec?.clusterIPs ?? [item.spec?.clusterIP ?? '']));
}
