/**
 * Where a request goes, by its host and path, as the reference of the Ingress API says: an exact host before a wildcard before none, the
 * longest path first, `Exact` before `Prefix`. Of two Ingresses that say the same the older one counts. Pure.
 */
import type { Ingress } from './objects.ts';
import { fullName } from './objects.ts';

export interface Target {
  namespace: string;
  service: string;
  /** Of the Service: its number or its name. */
  port: number | string;
}

/** `unsupported`: a backend that is no Service. */
export type Route = Target | 'unsupported';

export interface Routes {
  /** @param host as in a request's Host header. @param path without its query. */
  find(host: string, path: string): Route | undefined;
}

interface Rule {
  path: string;
  exact: boolean;
  route: Route;
}
type Backend = NonNullable<NonNullable<Ingress['spec']>['defaultBackend']>;

export function buildRoutes(ingresses: readonly Ingress[]): Routes {
  const rules = new Hosts<Rule[]>();
  const defaults = new Hosts<Route>();
  for (const { metadata, spec } of ingresses.toSorted(byAge)) {
    const routeTo = (backend: Backend): Route => routeOf(metadata.namespace, backend);
    for (const { host = '', http } of spec?.rules ?? []) {
      for (const { path = '/', pathType, backend } of http?.paths ?? []) {
        // what a prefix means ends with its last element: a slash behind it changes nothing
        const exact = pathType === 'Exact';
        rules.at(host, () => []).push({ path: exact ? path : withoutEnd(path), exact, route: routeTo(backend) });
      }
      // a host without paths leads to the default, but is a rule
      if (spec?.defaultBackend !== undefined) defaults.at(host, () => routeTo(spec.defaultBackend as Backend));
    }
    if (spec?.defaultBackend !== undefined) defaults.at('', () => routeTo(spec.defaultBackend as Backend));
  }
  // the sort is stable: the older one stays first
  for (const list of rules.values()) list.sort((a, b) => b.path.length - a.path.length || Number(b.exact) - Number(a.exact));
  return {
    find(asked, rawPath) {
      const host = hostName(asked);
      const path = decoded(rawPath);
      for (const list of rules.matching(host)) {
        const rule = list.find((one) => (one.exact ? one.path === path : isBelow(path, one.path)));
        if (rule !== undefined) return rule.route;
      }
      return defaults.matching(host).next().value;
    },
  };
}

/** Something for each host that rules name: `shop.example.com`, `*.example.com`, or all. */
export class Hosts<T> {
  #byName = new Map<string, T>();

  /** What is there for a host of a rule, made where there is none. */
  at(host: string, make: () => T): T {
    const name = host.toLowerCase();
    let value = this.#byName.get(name);
    if (value === undefined) {
      value = make();
      this.#byName.set(name, value);
    }
    return value;
  }

  /** What is there for a request's host, the nearest first. A wildcard stands for one label. */
  *matching(host: string): Generator<T, undefined> {
    const dot = host.indexOf('.');
    const names = [host, ...(dot > 0 ? [`*${host.slice(dot)}`] : []), ...(host === '' ? [] : [''])];
    for (const name of names) {
      const value = this.#byName.get(name);
      if (value !== undefined) yield value;
    }
    return undefined;
  }

  values(): Iterable<T> {
    return this.#byName.values();
  }
}

/** Of a Host header: without its port, in small letters. */
export function hostName(header: string): string {
  return header.replace(/:\d*$/, '').replace(/\.$/, '').toLowerCase();
}

/** A path by its elements: `/shop` leads to `/shop` and `/shop/cart`, not to `/shopping`. */
function isBelow(path: string, prefix: string): boolean {
  return path === prefix || path.startsWith(`${prefix}/`);
}

const withoutEnd = (path: string): string => path.replace(/\/+$/, '');

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    // not UTF-8: as it came
    return path;
  }
}

function routeOf(namespace: string, { service }: Backend): Route {
  const port = service?.port?.name ?? service?.port?.number;
  return service === undefined || port === undefined ? 'unsupported' : { namespace, service: service.name, port };
}

function byAge(a: Ingress, b: Ingress): number {
  const [first = '', second = ''] = [a.metadata.creationTimestamp, b.metadata.creationTimestamp];
  return first.localeCompare(second) || fullName(a.metadata).localeCompare(fullName(b.metadata));
}
