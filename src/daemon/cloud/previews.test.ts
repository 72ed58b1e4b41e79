import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RE2JS } from 're2js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CodedError } from '../../base/errors.ts';
import { silentLog } from '../../base/log.ts';
import type { KubeClient } from '../../kube/index.ts';
import type { Intercept } from '../../protocol/resources.ts';
import type { Tunnel } from '../tunnel/index.ts';
import type { CloudClient, CloudRequest } from './client.ts';
import { recallIngress } from './ingress-memory.ts';
import type { StoredLogin } from './login-store.ts';
import { literalRegex, Previews, previewHeaderOf } from './previews.ts';

const LOGIN: StoredLogin = {
  url: 'https://cloud.example.com',
  token: 'mine',
  kind: 'login',
  user: { id: 'u', name: 'Ann', email: null },
  organisation: { id: 'o', name: 'Shop' },
};
const INGRESS = { host: 'traefik.ingress', port: 443, tls: true, l5host: 'shop.example.com' };
const INTERCEPT = {
  metadata: { name: 'web-1', namespace: 'shop', uid: 'u1' },
  spec: { name: 'web', workload: { kind: 'Deployment', name: 'web' }, service: 'web', port: { number: 80, protocol: 'TCP' } },
} as unknown as Intercept;
const signal = AbortSignal.timeout(10_000);

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'tp-previews-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

function world(options: { clusterUrl?: string; linked: boolean[]; fail?: CodedError }) {
  const asked: { path: string; request: Pick<CloudRequest, 'method' | 'token' | 'body'> }[] = [];
  const links: unknown[] = [];
  const linked = [...options.linked];
  const client: CloudClient = {
    url: LOGIN.url,
    call: async (path, schema, { method, token, body }) => {
      asked.push({ path, request: { ...(method && { method }), ...(token && { token }), body } });
      if (options.fail !== undefined) throw options.fail;
      const intercept = { uid: 'u1', namespace: 'shop', name: 'web' };
      return schema.parse(
        path.endsWith('/clusters')
          ? { token: 'tpl' }
          : { id: 'p1', url: 'https://x.preview.test', host: 'x.preview.test', public: false, clusterId: 'c', intercept },
      );
    },
    send: async (path, { method, token }) => {
      asked.push({ path, request: { ...(method && { method }), ...(token && { token }) } });
      if (options.fail !== undefined) throw options.fail;
    },
  };
  const ingressesFile = join(home, 'ingresses.json');
  const previews = new Previews({
    kube: { get: async () => ({ metadata: { uid: 'cluster-uid' } }) } as unknown as KubeClient,
    log: silentLog,
    tunnel: () =>
      ({
        welcome: options.clusterUrl === undefined ? {} : { cloud: { url: options.clusterUrl } },
        call: async (_method: string, params: unknown) => {
          links.push(params);
          return { linked: linked.shift() ?? true };
        },
      }) as unknown as Tunnel,
    clusterName: 'kind',
    ingressesFile,
    login: async () => ({ login: LOGIN, client }),
  });
  return { previews, asked, links, ingressesFile };
}

describe('the cluster’s link', () => {
  it('is left alone while it works: a new token would cut it', async () => {
    const { previews, asked, links } = world({ clusterUrl: 'https://cloud.example.com/', linked: [true] });
    await previews.prepare(signal);
    expect([asked, links]).toEqual([[], [{ url: 'https://cloud.example.com/' }]]);
  });

  it('gets a token from the first user who needs it', async () => {
    const { previews, asked, links } = world({ clusterUrl: LOGIN.url, linked: [false, true] });
    await previews.prepare(signal);
    expect(asked).toEqual([{ path: '/api/v1/clusters', request: { method: 'POST', token: 'mine', body: { id: 'cluster-uid', name: 'kind' } } }]);
    expect(links).toEqual([{ url: LOGIN.url }, { url: LOGIN.url, token: 'tpl' }]);
  });

  it('is none in a cluster without a cloud, or with another', async () => {
    await expect(world({ linked: [] }).previews.prepare(signal)).rejects.toMatchObject({ code: 'TP-CLOUD-NOT-LINKED' });
    const other = world({ clusterUrl: 'https://other.example.com', linked: [] });
    await expect(other.previews.prepare(signal)).rejects.toMatchObject({
      code: 'TP-CLOUD-NOT-LINKED',
      help: expect.stringContaining('--cloud-url https://other.example.com'),
    });
    expect(other.links).toEqual([]);
  });
});

describe('a preview', () => {
  it('is made private, and its ingress remembered for the cluster and the workload', async () => {
    const { previews, asked, ingressesFile } = world({ clusterUrl: LOGIN.url, linked: [] });
    const header = { name: 'x-telepresence-intercept-id', value: 'id:web' };
    expect(await previews.create(INTERCEPT, header, INGRESS, signal)).toEqual({ id: 'p1', url: 'https://x.preview.test', l5host: 'shop.example.com' });
    expect(asked).toMatchObject([
      {
        path: '/api/v1/previews',
        request: {
          body: {
            clusterId: 'cluster-uid',
            intercept: { uid: 'u1', namespace: 'shop', name: 'web', service: 'web', port: 80 },
            header,
            ingress: INGRESS,
            public: false,
          },
        },
      },
    ]);
    expect(await recallIngress(ingressesFile, 'cluster-uid', 'shop/Deployment/web', silentLog)).toEqual({ own: INGRESS, last: INGRESS });
    expect(await recallIngress(ingressesFile, 'cluster-uid', 'shop/Deployment/other', silentLog)).toEqual({ last: INGRESS });
    expect(await recallIngress(ingressesFile, 'another', 'shop/Deployment/web', silentLog)).toEqual({});
  });

  it('is removed by its id, and a cloud that is away keeps nobody from leaving', async () => {
    const there = world({ clusterUrl: LOGIN.url, linked: [] });
    await there.previews.remove({ id: 'a/b', url: '', l5host: '' }, signal);
    expect(there.asked).toEqual([{ path: '/api/v1/previews/a%2Fb', request: { method: 'DELETE', token: 'mine' } }]);
    const away = world({ clusterUrl: LOGIN.url, linked: [], fail: new CodedError('TP-CLOUD-UNREACHABLE', 'away') });
    await away.previews.removeQuietly({ id: 'p1', url: '', l5host: '' }, signal);
    await expect(away.previews.remove({ id: 'p1', url: '', l5host: '' }, signal)).rejects.toMatchObject({ code: 'TP-CLOUD-UNREACHABLE' });
  });
});

describe('what a preview sends', () => {
  it('is the one header of a user’s own filter', () => {
    expect(previewHeaderOf({ headers: [{ name: 'x', value: { exact: 'y' } }], paths: [{ prefix: '/a' }] })).toEqual({ name: 'x', value: 'y' });
  });

  it.each([
    undefined,
    { headers: [], paths: [] },
    { headers: [{ name: 'x', value: { regex: 'y.*' } }], paths: [] },
    { headers: ['x', 'y'].map((name) => ({ name, value: { exact: 'v' } })), paths: [] },
  ])('is nothing for %j', (http) => {
    expect(() => previewHeaderOf(http)).toThrow(expect.objectContaining({ code: 'TP-PREVIEW-REFUSED' }));
  });

  it('matches itself and nothing else as a regular expression', () => {
    const value = '5b1c-11:web.v1+(x)[y]{2}|a^b$c*d?e\\f';
    expect(RE2JS.compile(literalRegex(value)).matches(value)).toBe(true);
    expect(RE2JS.compile(literalRegex(value)).matches(value.replace('.', 'x'))).toBe(false);
    expect(literalRegex('3021e3e9-5a35:example-service')).toBe('3021e3e9-5a35:example-service');
  });
});
