/** Where the proxy of a pod or Service leads. */
import { randomInt } from 'node:crypto';
import { resourcePath } from '../../kube/paths.ts';
import { getIfThere } from '../access/index.ts';
import { type ClusterClient, type RequestAttributes, StatusError } from '../contract.ts';

export interface ProxyTarget {
  tls: boolean;
  ip: string;
  port: number;
}

interface Port {
  name?: string;
  port: number;
}
interface Service {
  spec?: { type?: string; externalName?: string; ports?: (Port & { targetPort?: number | string })[] };
}
interface EndpointSlice {
  addressType?: string;
  endpoints?: { addresses?: string[]; conditions?: { ready?: boolean } }[] | null;
  ports?: { name?: string; port?: number; protocol?: string }[] | null;
}
interface Pod {
  spec?: { containers?: { ports?: { containerPort: number; protocol?: string }[] }[] };
  status?: { podIP?: string };
}

/** `[https:]name[:port]`. */
function parseName(resource: string, name: string): { tls: boolean; name: string; port: string } {
  const words = name.split(':');
  const [first = '', second = '', third = ''] = words;
  const scheme = words.length === 3 ? first : '';
  if (words.length > 3 || !['', 'http', 'https'].includes(scheme))
    throw new StatusError(400, 'BadRequest', `invalid ${resource} request ${JSON.stringify(name)}`);
  return words.length === 3 ? { tls: scheme === 'https', name: second, port: third } : { tls: false, name: first, port: second };
}

async function must<T>(client: Pick<ClusterClient, 'get'>, plural: string, namespace: string, name: string): Promise<T> {
  const found = await getIfThere<T>(client, resourcePath('v1', plural, namespace, name));
  if (found === undefined) throw new StatusError(404, 'NotFound', `${plural} ${JSON.stringify(name)} not found`, { name, kind: plural });
  return found;
}

const unavailable = (message: string) => new StatusError(503, 'ServiceUnavailable', message);

/** A ready endpoint of the Service: any of them, so that several calls reach several pods. */
async function serviceTarget(client: ClusterClient, namespace: string, whole: string): Promise<ProxyTarget> {
  const { tls, name, port } = parseName('service', whole);
  const service = await must<Service>(client, 'services', namespace, name);
  let portName = port;
  if (/^\d+$/.test(port)) {
    const found = service.spec?.ports?.find((one) => one.port === Number(port));
    if (found === undefined) throw unavailable(`no service port ${port} found for service ${JSON.stringify(name)}`);
    portName = found.name ?? '';
  }
  const slices = await client.list<EndpointSlice>(resourcePath('discovery.k8s.io/v1', 'endpointslices', namespace), {
    labelSelector: `kubernetes.io/service-name=${name}`,
  });
  const targets = slices.items.flatMap(({ endpoints, ports }) => {
    const found = ports?.find((one) => (one.name ?? '') === portName && (one.protocol ?? 'TCP') === 'TCP')?.port;
    const ready = endpoints?.filter(({ conditions }) => conditions?.ready !== false) ?? [];
    return found === undefined ? [] : ready.flatMap(({ addresses }) => (addresses ?? []).slice(0, 1).map((ip) => ({ tls, ip, port: found })));
  });
  if (targets.length > 0) {
    const chosen = targets[randomInt(targets.length)];
    if (chosen !== undefined) return chosen;
  }
  const shown = slices.items.some(({ endpoints }) => (endpoints?.length ?? 0) > 0) && port !== '' && !/^\d+$/.test(port) ? `${name}:${port}` : name;
  throw unavailable(`no endpoints available for service ${JSON.stringify(shown)}`);
}

async function podTarget(client: ClusterClient, namespace: string, whole: string): Promise<ProxyTarget> {
  const { tls, name, port } = parseName('pod', whole);
  const pod = await must<Pod>(client, 'pods', namespace, name);
  const ip = pod.status?.podIP;
  if (ip === undefined || ip === '') throw new StatusError(400, 'BadRequest', 'address not allowed');
  const first = pod.spec?.containers?.flatMap(({ ports }) => ports ?? []).find(({ protocol = 'TCP' }) => protocol === 'TCP')?.containerPort;
  return { tls, ip, port: port === '' ? (first ?? (tls ? 443 : 80)) : Number(port) };
}

export function proxyTarget(client: ClusterClient, { resource, namespace = '', name = '' }: RequestAttributes): Promise<ProxyTarget> {
  return resource === 'services' ? serviceTarget(client, namespace, name) : podTarget(client, namespace, name);
}
