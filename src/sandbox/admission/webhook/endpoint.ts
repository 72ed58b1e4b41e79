/** Where a webhook is: a URL, or a ready endpoint of its Service. */
import type { Duplex } from 'node:stream';
import { messageOf } from '../../../base/errors.ts';
import { resourcePath } from '../../../kube/paths.ts';
import { getIfThere } from '../../access/index.ts';
import type { ClusterClient, NodeStreams } from '../../contract.ts';
import type { Webhook } from './objects.ts';

export interface Endpoint {
  /** As it stands in messages, without the query. */
  url: URL;
  /** Undefined: by the machine's own network. */
  dial: (() => Promise<Duplex>) | undefined;
}
interface Service {
  spec?: { clusterIP?: string; ports?: { name?: string; port: number }[] };
}
interface EndpointSlice {
  endpoints?: { addresses?: string[]; conditions?: { ready?: boolean } }[] | null;
  ports?: { name?: string; port?: number }[] | null;
}

/** @throws {Error} with the API server's words. */
export async function endpointOf(client: ClusterClient, dial: NodeStreams['dial'], { clientConfig }: Webhook): Promise<Endpoint> {
  const { service, url } = clientConfig;
  if (service === undefined) return { url: new URL(url ?? ''), dial: undefined };
  const { namespace, name, path = '/', port = 443 } = service;
  const target = new URL(`https://${name}.${namespace}.svc:${port}${path.startsWith('/') ? path : `/${path}`}`);
  return {
    url: target,
    async dial() {
      const found = await getIfThere<Service>(client, resourcePath('v1', 'services', namespace, name));
      if (found === undefined) throw new Error(`service ${JSON.stringify(name)} not found`);
      const servicePort = found.spec?.ports?.find((one) => one.port === port);
      if (servicePort === undefined) throw new Error(`no service port ${port} found for service ${JSON.stringify(name)}`);
      const slices = await client.list<EndpointSlice>(resourcePath('discovery.k8s.io/v1', 'endpointslices', namespace), {
        labelSelector: `kubernetes.io/service-name=${name}`,
      });
      const targets = slices.items.flatMap(({ endpoints, ports }) => {
        const number = ports?.find((one) => (one.name ?? '') === (servicePort.name ?? ''))?.port;
        const ready = endpoints?.filter(({ conditions }) => conditions?.ready !== false) ?? [];
        return number === undefined ? [] : ready.flatMap(({ addresses }) => (addresses ?? []).slice(0, 1).map((ip) => ({ ip, number })));
      });
      const [first] = targets;
      if (first === undefined) throw new Error(`dial tcp ${found.spec?.clusterIP ?? ''}:${port}: connect: connection refused`);
      return await dial(first.ip, first.number).catch((error: unknown) => {
        const said = messageOf(error).includes('ECONNREFUSED') ? 'connect: connection refused' : messageOf(error);
        throw new Error(`dial tcp ${first.ip}:${first.number}: ${said}`, { cause: error });
      });
    },
  };
}
