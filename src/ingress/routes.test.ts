import { describe, expect, it } from 'vitest';
import type { Ingress, IngressClass } from './objects.ts';
import { isOurs } from './ownership.ts';
import { buildRoutes } from './routes.ts';
import { backend, ingress, rule } from './testing/bench.ts';

const routesOf = (...objects: object[]) => {
  const routes = buildRoutes(objects as unknown as Ingress[]);
  return (host: string, path = '/'): string | undefined => {
    const route = routes.find(host, path);
    return route === undefined || route === 'unsupported' ? route : route.service;
  };
};

describe('paths', () => {
  // as the table of the Ingress API's reference has them
  it.each([
    ['Prefix', ['/'], '/any/path', '/'],
    ['Exact', ['/foo'], '/foo', '/foo'],
    ['Exact', ['/foo'], '/bar', undefined],
    ['Exact', ['/foo'], '/foo/', undefined],
    ['Exact', ['/foo/'], '/foo', undefined],
    ['Prefix', ['/foo'], '/foo', '/foo'],
    ['Prefix', ['/foo'], '/foo/', '/foo'],
    ['Prefix', ['/foo/'], '/foo', '/foo/'],
    ['Prefix', ['/foo/'], '/foo/', '/foo/'],
    ['Prefix', ['/aaa/bb'], '/aaa/bbb', undefined],
    ['Prefix', ['/aaa/bbb'], '/aaa/bbb', '/aaa/bbb'],
    ['Prefix', ['/aaa/bbb/'], '/aaa/bbb', '/aaa/bbb/'],
    ['Prefix', ['/aaa/bbb'], '/aaa/bbb/', '/aaa/bbb'],
    ['Prefix', ['/aaa/bbb'], '/aaa/bbb/ccc', '/aaa/bbb'],
    ['Prefix', ['/aaa/bbb'], '/aaa/bbbxyz', undefined],
    ['Prefix', ['/', '/aaa'], '/aaa/ccc', '/aaa'],
    ['Prefix', ['/', '/aaa', '/aaa/bbb'], '/aaa/bbb', '/aaa/bbb'],
    ['Prefix', ['/', '/aaa', '/aaa/bbb'], '/ccc', '/'],
    ['ImplementationSpecific', ['/aaa'], '/aaa/ccc', '/aaa'],
    ['Prefix', ['/a b'], '/a%20b', '/a b'],
    ['Prefix', ['/'], '/%ff', '/'],
  ])('%s %j for %s: %s', (pathType, paths, asked, wanted) => {
    const find = routesOf(ingress('one', { rules: [rule(undefined, ...paths.map((path): [string, string, string] => [path, path, pathType]))] }));
    expect(find('any.example', asked)).toBe(wanted);
  });

  it('that are exact come before prefixes of the same length', () => {
    const find = routesOf(ingress('one', { rules: [rule(undefined, ['/foo', 'prefix'], ['/foo', 'exact', 'Exact'])] }));
    expect([find('a', '/foo'), find('a', '/foo/x')]).toEqual(['exact', 'prefix']);
  });
});

describe('hosts', () => {
  it('count in small letters, without port and last dot', () => {
    const find = routesOf(ingress('one', { rules: [rule('Shop.Example.com', ['/', 'shop'])] }));
    expect(['shop.example.com', 'SHOP.example.com:8443', 'shop.example.com.'].map((host) => find(host))).toEqual(['shop', 'shop', 'shop']);
    expect(find('other.example.com')).toBeUndefined();
  });

  it('with a star stand for one label', () => {
    const find = routesOf(ingress('one', { rules: [rule('*.foo.com', ['/', 'star'])] }));
    expect([find('bar.foo.com'), find('baz.bar.foo.com'), find('foo.com'), find('')]).toEqual(['star', undefined, undefined, undefined]);
  });

  it('that are named come before stars, and those before none, each as far as it has the path', () => {
    const find = routesOf(
      ingress('all', { rules: [rule(undefined, ['/', 'all'])] }),
      ingress('star', { rules: [rule('*.foo.com', ['/star', 'star'], ['/named/longer', 'star'])] }),
      ingress('named', { rules: [rule('bar.foo.com', ['/named', 'named'])] }),
    );
    const host = 'bar.foo.com';
    expect([find(host, '/named/longer'), find(host, '/star'), find(host), find('')]).toEqual(['named', 'star', 'all', 'all']);
  });
});

describe('several Ingresses', () => {
  it('share a host', () => {
    const find = routesOf(ingress('a', { rules: [rule('h', ['/', 'a'])] }), ingress('b', { rules: [rule('h', ['/b', 'b'])] }));
    expect([find('h', '/'), find('h', '/b')]).toEqual(['a', 'b']);
  });

  it('that say the same: the older one counts', () => {
    const made = (name: string, creationTimestamp: string) => {
      const object = ingress(name, { rules: [rule('h', ['/', name])] });
      return { ...object, metadata: { ...object.metadata, creationTimestamp } };
    };
    expect(routesOf(made('a', '2026-01-02T00:00:00Z'), made('b', '2026-01-01T00:00:00Z'))('h')).toBe('b');
  });
});

describe('a default backend', () => {
  it('takes what no rule takes, first that of the host’s own Ingress', () => {
    const find = routesOf(
      ingress('all', { defaultBackend: backend('all') }),
      ingress('own', { defaultBackend: backend('own'), rules: [rule('h', ['/a', 'a'])] }),
    );
    expect([find('h', '/a'), find('h', '/b'), find('other')]).toEqual(['a', 'own', 'all']);
  });
});

it('a backend that is no Service is not supported', () => {
  const resource = { resource: { apiGroup: 'k8s.example.com', kind: 'Bucket', name: 'icons' } };
  expect(routesOf(ingress('one', { defaultBackend: resource }))('any')).toBe('unsupported');
});

describe('the class', () => {
  const classes = [
    { metadata: { name: 'sandbox' }, spec: { controller: 'telepresence.io/sandbox-ingress' } },
    { metadata: { name: 'nginx' }, spec: { controller: 'k8s.io/ingress-nginx' } },
  ] as unknown as IngressClass[];
  const ours = (spec: object, annotations?: object) => isOurs({ metadata: { annotations }, spec } as unknown as Ingress, classes);

  it('is the sandbox’s, or none', () => {
    expect([ours({ ingressClassName: 'sandbox' }), ours({}), ours({}, { 'kubernetes.io/ingress.class': 'sandbox' })]).toEqual([true, true, true]);
  });

  it('of another controller, or one that is not there, leaves an Ingress to others', () => {
    expect([ours({ ingressClassName: 'nginx' }), ours({ ingressClassName: 'later' }), ours({}, { 'kubernetes.io/ingress.class': 'nginx' })]).toEqual([
      false,
      false,
      false,
    ]);
  });
});
