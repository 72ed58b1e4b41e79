/** Where requests from outside may enter the cluster and lead to a service: a guess from what stands in the cluster. Pure. */
import type { Service } from 'kubernetes-types/core/v1.js';
import type { Ingress as IngressObject } from 'kubernetes-types/networking/v1.js';
import type { Ingress } from '../../protocol/cloud.ts';

/** Names of ingress controllers' Services and of the apps behind them, as their charts and manifests make them. */
const CONTROLLERS = [
  'traefik',
  'ingress-nginx-controller',
  'ingress-nginx',
  'nginx-ingress',
  'nginx-ingress-controller',
  'istio-ingressgateway',
  'istio-ingress',
  'ambassador',
  'edge-stack',
  'emissary-ingress',
  'kong-gateway-proxy',
  'kong-proxy',
  'haproxy-ingress',
  'haproxy-kubernetes-ingress',
  'kubernetes-ingress',
  'envoy',
  'contour-envoy',
  'apisix-gateway',
  'gateway-proxy',
  'kourier',
  'skipper-ingress',
  'router-default',
  'caddy-ingress-controller',
  // the sandbox's own
  'sandbox-ingress',
] as const;
/** More than one or two of these are never looked at. */
export const INGRESS_GUESSES = 5;
const CLASS_ANNOTATION = 'kubernetes.io/ingress.class';

export interface GuessInput {
  /** The namespace and the names of the Services that lead to the workload. */
  namespace: string;
  services: readonly string[];
  /** Services and Ingress objects, of all namespaces or of those that the user may see. */
  all: readonly Service[];
  ingresses: readonly IngressObject[];
}

interface Route {
  host: string;
  tls: boolean;
  className: string | undefined;
  /** It leads to one of the services itself, not merely to a neighbour that may call it. */
  direct: boolean;
}

/** Likeliest first; empty when nothing looks like an ingress. `l5host` is `host` where no host name is known. */
export function guessIngresses(input: GuessInput): Ingress[] {
  const [route] = routesTo(input);
  return entrances(input)
    .map((service) => ({ service, rank: rankOf(service, route) }))
    .toSorted((a, b) => a.rank - b.rank || nameOf(a.service).localeCompare(nameOf(b.service)))
    .flatMap(({ service }) => ingressOf(service, route) ?? [])
    .slice(0, INGRESS_GUESSES);
}

const nameOf = ({ metadata }: Service): string => `${metadata?.name ?? ''}.${metadata?.namespace ?? ''}`;
const appOf = ({ metadata }: Service): string | undefined => metadata?.labels?.['app.kubernetes.io/name'] ?? metadata?.labels?.['app'];

function isController(service: Service): boolean {
  const name = service.metadata?.name ?? '';
  // Helm puts a release's name before the chart's.
  return CONTROLLERS.some((known) => name === known || name.endsWith(`-${known}`) || appOf(service) === known);
}

/** Controllers by name, and what has an address outside; never an admission webhook or a metrics port beside them. */
function entrances({ all }: GuessInput): Service[] {
  return all.filter((service) => {
    if (/-(admission|metrics|webhook|status|admin|headless|internal)$/.test(service.metadata?.name ?? '')) return false;
    if (service.metadata?.labels?.['app.kubernetes.io/part-of'] === 'telepresence') return false;
    return isController(service) || service.spec?.type === 'LoadBalancer';
  });
}

function rankOf(service: Service, route: Route | undefined): number {
  const sameClass = route?.className !== undefined && (nameOf(service).includes(route.className) || appOf(service)?.includes(route.className) === true);
  return (sameClass ? 0 : 4) + (isController(service) ? 0 : 2) + (service.spec?.type === 'LoadBalancer' ? 0 : 1);
}

function routesTo({ namespace, services, ingresses }: GuessInput): Route[] {
  const routes: Route[] = [];
  for (const { metadata, spec } of ingresses) {
    if (metadata?.namespace !== namespace) continue;
    const className = spec?.ingressClassName ?? metadata?.annotations?.[CLASS_ANNOTATION];
    const secured = (spec?.tls ?? []).flatMap(({ hosts }) => hosts ?? []);
    for (const rule of spec?.rules ?? []) {
      const { host } = rule;
      if (host === undefined || host === '' || host.startsWith('*')) continue;
      const direct = (rule.http?.paths ?? []).some(({ backend }) => backend.service !== undefined && services.includes(backend.service.name));
      routes.push({
        host,
        tls: secured.some((name) => name === host || (name.startsWith('*.') && host.slice(host.indexOf('.')) === name.slice(1))),
        className,
        direct,
      });
    }
  }
  return routes.toSorted((a, b) => Number(b.direct) - Number(a.direct));
}

function ingressOf(service: Service, route: Route | undefined): Ingress | undefined {
  const ports = (service.spec?.ports ?? []).filter(({ protocol }) => protocol === undefined || protocol === 'TCP');
  const tlsPort = ports.find(({ port, name, appProtocol }) => port === 443 || appProtocol === 'https' || /^(https|websecure|tls)$/.test(name ?? ''));
  const plainPort = ports.find(({ port, name }) => port === 80 || /^(http|web|http2)$/.test(name ?? ''));
  const chosen = route?.tls === true ? (tlsPort ?? plainPort) : (plainPort ?? tlsPort);
  const port = chosen ?? ports[0];
  if (port === undefined) return undefined;
  const host = nameOf(service);
  return { host, port: port.port, tls: port === tlsPort, l5host: route?.host ?? host };
}
