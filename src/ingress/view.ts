/** What the cluster's objects say at the moment: each request looks once, and goes on with what it saw. */
import type { SecureContext } from 'node:tls';
import type { Log } from '../base/log.ts';
import { type Informer, type InformerOptions, type KubeClient, resourcePath } from '../kube/index.ts';
import { buildCertificates, type Certificates } from './certificates.ts';
import { type Endpoint, endpointsOf } from './endpoints.ts';
import { type EndpointSlice, fullName, type Ingress, type IngressClass, type Service, type TlsSecret } from './objects.ts';
import { isOurs } from './ownership.ts';
import { buildRoutes, type Route, type Routes, type Target } from './routes.ts';

export interface View {
  /** Resolves when all has been read for the first time. */
  readonly ready: Promise<void>;
  route(host: string, path: string): Route | undefined;
  endpoints(target: Target): Endpoint[] | string;
  certificate(serverName: string): SecureContext | undefined;
  /** The Ingresses that are served. */
  ours(): Ingress[];
  service(name: { namespace: string; name: string }): Service | undefined;
  close(): void;
}

const OWNING_SERVICE = 'kubernetes.io/service-name';

/** @param changed called after what is served may have become another; not for each of many changes that come together. */
export function openView(kube: Pick<KubeClient, 'createInformer'>, log: Log, changed: () => void = () => {}): View {
  const informers: Informer<unknown>[] = [];
  function follow<T>(apiVersion: string, plural: string, options: Omit<InformerOptions<T>, 'log'>): Informer<T> {
    const informer = kube.createInformer<T>(resourcePath(apiVersion, plural), { ...options, log });
    informers.push(informer as Informer<unknown>);
    return informer;
  }
  let stale = true;
  let telling = false;
  const outdate = (): void => {
    stale = true;
    if (telling) return;
    telling = true;
    setImmediate(() => {
      telling = false;
      changed();
    });
  };
  const ingresses = follow<Ingress>('networking.k8s.io/v1', 'ingresses', { onChange: outdate });
  const classes = follow<IngressClass>('networking.k8s.io/v1', 'ingressclasses', { onChange: outdate });
  const secrets = follow<TlsSecret>('v1', 'secrets', { fieldSelector: 'type=kubernetes.io/tls', onChange: outdate });
  const services = follow<Service>('v1', 'services', { onChange: outdate });
  const slices = new Map<string, Map<string, EndpointSlice>>();
  follow<EndpointSlice>('discovery.k8s.io/v1', 'endpointslices', {
    onChange(kind, slice) {
      const { namespace, name, labels } = slice.metadata;
      const owner = fullName({ namespace, name: labels?.[OWNING_SERVICE] ?? '' });
      const own = slices.get(owner) ?? new Map<string, EndpointSlice>();
      if (kind === 'deleted') own.delete(name);
      else own.set(name, slice);
      if (own.size === 0) slices.delete(owner);
      else slices.set(owner, own);
    },
  });

  const loaded = new WeakMap<TlsSecret, SecureContext | 'unusable'>();
  let built: { routes: Routes; certificates: Certificates; ours: Ingress[] } | undefined;
  /** Made anew by the first that asks after a change. */
  const now = (): NonNullable<typeof built> => {
    if (built === undefined || stale) {
      stale = false;
      const ours = ingresses.list().filter((one) => isOurs(one, classes.list()));
      built = { ours, routes: buildRoutes(ours), certificates: buildCertificates({ ingresses: ours, secret: secrets.get, loaded, log }) };
    }
    return built;
  };
  return {
    ready: Promise.all(informers.map(({ ready }) => ready)).then(() => {}),
    route: (host, path) => now().routes.find(host, path),
    endpoints: (target) => {
      const name = { namespace: target.namespace, name: target.service };
      return endpointsOf(target, services.get(target.namespace, target.service), slices.get(fullName(name))?.values() ?? []);
    },
    certificate: (serverName) => now().certificates.find(serverName),
    ours: () => now().ours,
    service: ({ namespace, name }) => services.get(namespace, name),
    close() {
      for (const informer of informers) informer.close();
    },
  };
}
