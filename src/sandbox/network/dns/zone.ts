/** Names of the cluster, `cluster.local`, from Services, EndpointSlices and pods. */
import { addressRecord, CLASS, type DnsQuestion, type DnsRecord, foldName, splitName, TYPE } from '../../../dns/index.ts';
import type { Cache } from '../../controllers/core/cache.ts';
import type { EndpointSlice, Service } from '../../controllers/core/types.ts';
import { CLUSTER_DNS_TTL_S } from '../limits.ts';

export interface ZoneAnswer {
  /** The name is there, perhaps with records of other types. */
  exists: boolean;
  records: DnsRecord[];
  /** The name that an ExternalName Service stands for. */
  alias?: string;
}

export interface ClusterZone {
  /** Undefined: not a name of the cluster. */
  answer(question: DnsQuestion): ZoneAnswer | undefined;
}

const ZONE = 'cluster.local';
const NOTHING: ZoneAnswer = { exists: false, records: [] };
const EMPTY: ZoneAnswer = { exists: true, records: [] };

interface Place {
  ip: string;
  hostname: string;
  ports: { name: string; port: number; protocol: string }[];
}

export function createClusterZone(services: Cache<Service>, slices: Cache<EndpointSlice>, namespaces: { has(name: string): boolean }): ClusterZone {
  const address = (name: string, ip: string): DnsRecord[] => [addressRecord(name, ip, CLUSTER_DNS_TTL_S)].filter((record) => record !== undefined);

  function places({ metadata, spec }: Service): Place[] {
    const found: Place[] = [];
    for (const slice of slices.inNamespace(metadata.namespace)) {
      if (slice.metadata.labels?.['kubernetes.io/service-name'] !== metadata.name || slice.addressType !== 'IPv4') continue;
      const ports = (slice.ports ?? []).map(({ name = '', port = 0, protocol = 'TCP' }) => ({ name, port, protocol: protocol.toLowerCase() }));
      for (const { addresses, conditions, hostname } of slice.endpoints ?? []) {
        const [ip] = addresses;
        if (ip === undefined || (conditions?.ready === false && spec.publishNotReadyAddresses !== true)) continue;
        found.push({ ip, hostname: hostname ?? ip.replaceAll('.', '-'), ports });
      }
    }
    return found;
  }

  function ofService(question: DnsQuestion, labels: string[]): ZoneAnswer {
    const [name = '', namespace = ''] = labels.slice(-2);
    const service = services.get(namespace, name);
    if (service === undefined) return namespaces.has(namespace) && labels.length === 1 ? EMPTY : NOTHING;
    const before = labels.slice(0, -2);
    const { type, externalName, clusterIP } = service.spec;
    if (type === 'ExternalName') return before.length === 0 && externalName !== undefined ? { ...EMPTY, alias: externalName.replace(/\.$/, '') } : NOTHING;
    const headless = clusterIP === 'None';
    if (before.length === 0) {
      const ips = headless ? [...new Set(places(service).map(({ ip }) => ip))] : [clusterIP ?? ''];
      if (headless && ips.length === 0) return NOTHING;
      return question.type === TYPE.A || question.type === TYPE.ANY ? { exists: true, records: ips.flatMap((ip) => address(question.name, ip)) } : EMPTY;
    }
    if (before.length === 1 && headless) {
      const place = places(service).find(({ hostname }) => hostname === before[0]);
      if (place === undefined) return NOTHING;
      return question.type === TYPE.A ? { exists: true, records: address(question.name, place.ip) } : EMPTY;
    }
    const [port = '', protocol = ''] = before;
    if (before.length !== 2 || !port.startsWith('_') || !protocol.startsWith('_')) return NOTHING;
    const targets: [string, number][] = headless
      ? places(service).flatMap((place) =>
          place.ports
            .filter((one) => `_${one.name}` === port && `_${one.protocol}` === protocol)
            .map((one): [string, number] => [`${place.hostname}.${name}.${namespace}.svc.${ZONE}`, one.port]),
        )
      : (service.spec.ports ?? [])
          .filter((one) => `_${one.name ?? ''}` === port && `_${(one.protocol ?? 'TCP').toLowerCase()}` === protocol)
          .map((one): [string, number] => [`${name}.${namespace}.svc.${ZONE}`, one.port]);
    if (targets.length === 0) return NOTHING;
    return question.type === TYPE.SRV ? { exists: true, records: targets.map(([target, number]) => serviceRecord(question.name, target, number)) } : EMPTY;
  }

  function ofAddress(question: DnsQuestion): ZoneAnswer | undefined {
    const match = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\.in-addr\.arpa$/.exec(question.name);
    if (match === null) return undefined;
    const ip = match.slice(1).reverse().join('.');
    const pointer = (target: string): ZoneAnswer => ({
      exists: true,
      records: question.type === TYPE.PTR ? [{ name: question.name, type: TYPE.PTR, class: CLASS.IN, ttl: CLUSTER_DNS_TTL_S, data: [target] }] : [],
    });
    for (const service of services.list()) {
      const { name, namespace } = service.metadata;
      if (service.spec.clusterIP === ip) return pointer(`${name}.${namespace}.svc.${ZONE}`);
      if (service.spec.clusterIP !== 'None') continue;
      const place = places(service).find((one) => one.ip === ip);
      if (place !== undefined) return pointer(`${place.hostname}.${name}.${namespace}.svc.${ZONE}`);
    }
    return undefined;
  }

  return {
    answer(question) {
      const folded = foldName(question.name);
      if (folded !== ZONE && !folded.endsWith(`.${ZONE}`)) return ofAddress({ ...question, name: folded });
      const labels = splitName(folded).slice(0, -2).map(String);
      const kind = labels.pop();
      if (kind === undefined) return EMPTY;
      if (kind === 'svc') return labels.length === 0 ? EMPTY : ofService(question, labels);
      if (kind !== 'pod') return NOTHING;
      const [dashed = '', namespace = ''] = labels;
      const ip = dashed.replaceAll('-', '.');
      if (labels.length !== 2 || !namespaces.has(namespace) || !/^\d+\.\d+\.\d+\.\d+$/.test(ip)) return NOTHING;
      return { exists: true, records: question.type === TYPE.A ? address(question.name, ip) : [] };
    },
  };
}

function serviceRecord(name: string, target: string, port: number): DnsRecord {
  // priority 0, weight 100
  const numbers = Buffer.from([0, 0, 0, 100, port >> 8, port & 0xff]);
  return { name, type: TYPE.SRV, class: CLASS.IN, ttl: CLUSTER_DNS_TTL_S, data: [numbers, target] };
}
