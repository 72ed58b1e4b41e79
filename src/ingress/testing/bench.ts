/** The controller over an API in the test's process, with Services that lead to servers of the test. */
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { silentLog } from '../../base/log.ts';
import type { KubeClient, KubeObject } from '../../kube/index.ts';
import { type RunningIngress, startIngress } from '../main.ts';

/** What the controller and its test need of an API. */
export type BenchApi = Pick<KubeClient, 'createInformer' | 'patch' | 'apply' | 'delete' | 'get'>;

export interface IngressBench {
  readonly running: RunningIngress;
  apply(...objects: KubeObject[]): Promise<void>;
  /** A server of the test on a free port. */
  serve(listener: RequestListener | Server): Promise<number>;
  /** A Service of that name with the port 80 named http, led to these ports of this machine; none: nobody is ready. */
  service(name: string, ...ports: number[]): Promise<void>;
  /** Ends what the test served. */
  clear(): void;
  close(): Promise<void>;
}

export const NAMESPACE = 'shop';

export async function startIngressBench(api: BenchApi): Promise<IngressBench> {
  const running = await startIngress({
    kube: api,
    service: { namespace: NAMESPACE, name: 'door' },
    ports: { http: 0, https: 0 },
    host: '127.0.0.1',
    log: silentLog,
  });
  const servers = new Set<Server>();
  const apply = async (...objects: KubeObject[]): Promise<void> => {
    for (const object of objects) await api.apply(object, { fieldManager: 'test', force: true });
  };
  const clear = (): void => {
    for (const server of servers) {
      server.close();
      server.closeAllConnections();
    }
    servers.clear();
  };
  return {
    running,
    apply,
    async serve(what) {
      const server = typeof what === 'function' ? createServer(what) : what;
      // also what was upgraded, which a server does not know of any more
      server.on('connection', (socket: Socket) => socket.on('error', () => socket.destroy()));
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      servers.add(server);
      return (server.address() as AddressInfo).port;
    },
    service: (name, ...ports) => apply(...serviceObjects(name, ports)),
    clear,
    async close() {
      clear();
      await running.close();
    },
  };
}

function serviceObjects(name: string, ports: readonly number[]): KubeObject[] {
  const slice = (port: number, index: number, ready: boolean): KubeObject => ({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: `${name}-${index}`, namespace: NAMESPACE, labels: { 'kubernetes.io/service-name': name } },
    addressType: 'IPv4',
    endpoints: [{ addresses: ['127.0.0.1'], conditions: { ready } }],
    ports: [{ name: 'http', port, protocol: 'TCP' }],
  });
  return [
    { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace: NAMESPACE }, spec: { ports: [{ name: 'http', port: 80, protocol: 'TCP' }] } },
    ...(ports.length === 0 ? [slice(1, 0, false)] : ports.map((port, index) => slice(port, index, true))),
  ];
}

export interface IngressSpec {
  ingressClassName?: string;
  defaultBackend?: object;
  tls?: { hosts?: string[]; secretName?: string }[];
  rules?: object[];
}

export const ingress = (name: string, spec: IngressSpec): KubeObject => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'Ingress',
  metadata: { name, namespace: NAMESPACE },
  spec,
});

export const backend = (name: string, port: number | string = 'http'): object => ({
  service: { name, port: typeof port === 'number' ? { number: port } : { name: port } },
});

export const rule = (host: string | undefined, ...paths: [path: string, service: string, pathType?: string][]): object => ({
  ...(host === undefined ? {} : { host }),
  http: { paths: paths.map(([path, service, pathType = 'Prefix']) => ({ path, pathType, backend: backend(service) })) },
});
