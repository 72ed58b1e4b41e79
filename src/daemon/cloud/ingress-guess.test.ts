import type { Service, ServicePort } from 'kubernetes-types/core/v1.js';
import type { Ingress } from 'kubernetes-types/networking/v1.js';
import { describe, expect, it } from 'vitest';
import { guessIngresses } from './ingress-guess.ts';

const HTTP: ServicePort[] = [
  { name: 'web', port: 80 },
  { name: 'websecure', port: 443 },
];
function service(name: string, namespace: string, options: { type?: string; ports?: ServicePort[]; labels?: Record<string, string> } = {}): Service {
  return { metadata: { name, namespace, labels: options.labels ?? {} }, spec: { type: options.type ?? 'ClusterIP', ports: options.ports ?? HTTP } };
}
function route(namespace: string, host: string | undefined, to: string, options: { tls?: string[]; className?: string } = {}): Ingress {
  return {
    metadata: { name: to, namespace },
    spec: {
      ...(options.className === undefined ? {} : { ingressClassName: options.className }),
      ...(options.tls === undefined ? {} : { tls: [{ hosts: options.tls }] }),
      rules: [
        {
          ...(host === undefined ? {} : { host }),
          http: { paths: [{ path: '/', pathType: 'Prefix', backend: { service: { name: to, port: { number: 80 } } } }] },
        },
      ],
    },
  };
}
const guess = (all: Service[], ingresses: Ingress[] = []) => guessIngresses({ namespace: 'shop', services: ['web'], all, ingresses });

describe('the guessed ingress', () => {
  it('is none where nothing looks like one', () => {
    expect(guess([service('web', 'shop'), service('traffic-manager', 'ambassador')])).toEqual([]);
  });

  it('is a controller by its name or label, whatever its type', () => {
    expect(guess([service('web', 'shop'), service('traefik', 'ingress')])).toEqual([
      { host: 'traefik.ingress', port: 80, tls: false, l5host: 'traefik.ingress' },
    ]);
    expect(guess([service('my-ingress-nginx-controller', 'in'), service('my-ingress-nginx-controller-admission', 'in')]).map(({ host }) => host)).toEqual([
      'my-ingress-nginx-controller.in',
    ]);
    expect(guess([service('edge', 'x', { labels: { 'app.kubernetes.io/name': 'emissary-ingress' } })])[0]?.host).toBe('edge.x');
  });

  it('is a LoadBalancer where no controller is known', () => {
    expect(guess([service('web', 'shop', { type: 'LoadBalancer', ports: [{ port: 8080 }] })])).toEqual([
      { host: 'web.shop', port: 8080, tls: false, l5host: 'web.shop' },
    ]);
  });

  it('is never the traffic-manager, even as a LoadBalancer', () => {
    expect(guess([service('traffic-manager', 'ambassador', { type: 'LoadBalancer', labels: { 'app.kubernetes.io/part-of': 'telepresence' } })])).toEqual([]);
  });

  it('has the host name, and TLS, of the rule that leads to the service', () => {
    const ingresses = [
      route('shop', 'other.example.com', 'other'),
      route('shop', 'shop.example.com', 'web', { tls: ['*.example.com'] }),
      route('elsewhere', 'no.example.com', 'web'),
    ];
    expect(guess([service('traefik', 'ingress')], ingresses)[0]).toEqual({ host: 'traefik.ingress', port: 443, tls: true, l5host: 'shop.example.com' });
    expect(guess([service('traefik', 'ingress')], ingresses.slice(0, 1))[0]?.l5host).toBe('other.example.com');
  });

  it('knows no host name from wildcard rules and rules without one', () => {
    expect(guess([service('traefik', 'ingress')], [route('shop', '*.example.com', 'web'), route('shop', undefined, 'web')])[0]?.l5host).toBe('traefik.ingress');
  });

  it('prefers the controller of the rule’s class', () => {
    const all = [service('traefik', 'a', { type: 'LoadBalancer' }), service('ingress-nginx-controller', 'b')];
    expect(guess(all, [route('shop', 'x.example.com', 'web', { className: 'nginx' })]).map(({ host }) => host)).toEqual([
      'ingress-nginx-controller.b',
      'traefik.a',
    ]);
    expect(guess(all)[0]?.host).toBe('traefik.a');
  });
});
