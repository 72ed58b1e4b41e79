import { describe, expect, it } from 'vitest';
import { TYPE } from '../../dns/index.ts';
import { compilePolicy, DEFAULT_EXCLUDE_SUFFIXES, type DnsPolicy, reverseAddress } from './policy.ts';

const policy: DnsPolicy = {
  clusterDomain: 'cluster.local',
  namespace: 'default',
  namespaces: ['default', 'shop', 'dev', 'io'],
  includeSuffixes: ['.corp.io'],
  excludeSuffixes: DEFAULT_EXCLUDE_SUFFIXES,
  excludes: ['secret', 'cart.shop'],
  mappings: [
    { name: 'db', aliasFor: 'postgres.shop.svc.cluster.local' },
    { name: 'fixed.test', aliasFor: '10.1.2.3' },
    { name: 'ext.test', aliasFor: 'www.example.com' },
  ],
  clusterSubnets: ['10.96.0.0/16', 'fd00:10::/64'],
  lookupTimeoutMs: 4000,
};
const { route } = compilePolicy(policy, ['corp.example']);
const to = (name: string, type: number = TYPE.A) => route({ name, type, class: 1 });
const upstream = { to: 'upstream' };
const cluster = (name: string, own = false) => ({ to: 'cluster', name, own });

describe('the policy', () => {
  it.each([
    ['web', cluster('web.default.svc.cluster.local')],
    ['WEB', cluster('web.default.svc.cluster.local')],
    ['web.shop', cluster('web.shop.svc.cluster.local')],
    ['pod-0.web.shop', cluster('pod-0.web.shop.svc.cluster.local')],
    ['_http._tcp.web.shop', cluster('_http._tcp.web.shop.svc.cluster.local')],
    ['go.dev', cluster('go.dev.svc.cluster.local')],
    ['web.shop.svc', cluster('web.shop.svc.cluster.local', true)],
    ['web.unknown.svc', cluster('web.unknown.svc.cluster.local')],
    ['web.shop.svc.cluster.local', cluster('web.shop.svc.cluster.local', true)],
    ['cluster.local', cluster('cluster.local', true)],
    ['web.shop.svc.cluster.local.corp.example', cluster('web.shop.svc.cluster.local', true)],
    ['web.corp.example', { to: 'search', name: 'web.default.svc.cluster.local', suffix: '.corp.example' }],
    ['api.corp.io', cluster('api.corp.io')],
    ['corp.io', cluster('corp.io')],
    ['db', cluster('postgres.shop.svc.cluster.local', true)],
    ['fixed.test', { to: 'address', address: '10.1.2.3' }],
    ['ext.test', { to: 'alias', name: 'www.example.com', alias: 'www.example.com' }],
  ])('takes %s to the cluster', (name, expected) => {
    expect(to(name)).toEqual(expected);
  });

  it.each([
    '',
    'www.example.com',
    'crates.io',
    'go.devs',
    'localhost',
    'wpad',
    'secret',
    'secret.default.svc.cluster.local',
    'cart.shop',
    'cart.shop.svc',
    '*.shop',
    'shop.svc',
    'www.example.com.corp.example',
    'secret.corp.example',
  ])('leaves %j to the previous resolver', (name) => {
    expect(to(name)).toEqual(upstream);
  });

  it('asks the cluster for the names of its own addresses only', () => {
    expect(to('1.0.96.10.in-addr.arpa', TYPE.PTR)).toEqual(cluster('1.0.96.10.in-addr.arpa'));
    expect(to('1.0.97.10.in-addr.arpa', TYPE.PTR)).toEqual(upstream);
    expect(to('96.10.in-addr.arpa', TYPE.PTR)).toEqual(upstream);
    expect(to('1.0.96.10.in-addr.arpa', TYPE.A)).toEqual(upstream);
    expect(to('1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.0.0.0.0.d.f.ip6.arpa', TYPE.PTR)).toMatchObject({ to: 'cluster' });
  });

  it('reads reverse names', () => {
    expect(reverseAddress('1.2.3.10.in-addr.arpa')).toBe('10.3.2.1');
    expect(reverseAddress('1.2.3.999.in-addr.arpa')).toBeUndefined();
    expect(reverseAddress(`${'1.'.repeat(31)}ip6.arpa`)).toBeUndefined();
  });
});
