import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadCloudConfig, parseCloudConfig } from './config.ts';
import { clientAddress } from './http/guard.ts';
import { siteOf } from './http/hosts.ts';

const parse = (values: Record<string, unknown>) => parseCloudConfig(values, { dataDir: '/data' });
const production = { url: 'https://telepresence.example.com', previewDomain: 'preview.example.net', behindProxy: true };

describe('settings', () => {
  it('are none for localhost', () => {
    expect(parse({})).toMatchObject({
      url: 'http://localhost:8088',
      secure: false,
      listen: { host: 'localhost', port: 8088 },
      preview: { domain: 'preview.localhost', port: ':8088' },
      database: 'sqlite:/data/cloud.db',
      local: true,
      behindProxy: 0,
    });
  });

  it('keep previews on another registrable domain than the dashboard', () => {
    const refused = (url: string, previewDomain: string) => {
      expect(() => parse({ ...production, url, previewDomain }), `${url} ${previewDomain}`).toThrow('previewDomain');
    };
    refused('https://telepresence.example.com', 'preview.example.com');
    refused('https://telepresence.example.com', 'example.com');
    refused('https://example.com', 'preview.example.com');
    refused('https://a.b.example.co.uk', 'example.co.uk');
    refused('https://a.preview.example.net', 'preview.example.net');
    refused('https://tp.example.com', 'tp.example.com');
    refused('https://example.com', '10.0.0.1');
    refused('https://example.com', 'https://preview.example.net');
    for (const [url, previewDomain] of [
      ['https://telepresence.example.com', 'preview.example.net'],
      ['https://one.co.uk', 'two.co.uk'],
      // each name below a private suffix has an owner of its own
      ['https://one.github.io', 'two.github.io'],
      ['https://one.internal', 'two.internal'],
    ] as const) {
      expect(parse({ ...production, url, previewDomain }).preview.domain).toBe(previewDomain);
    }
  });

  it('name every mistake', () => {
    expect(() => parse({ url: 'http://example.com', previewDomain: 'example.net', database: 'mysql://x', listen: '80' })).toThrow(
      /url: must be https.*database: sqlite.*listen:/s,
    );
    expect(() => parse({ ...production, behindProxy: false })).toThrow('tls or behindProxy');
    expect(() => parse({ url: 'https://example.com', behindProxy: true })).toThrow('previewDomain: is needed');
    expect(() => parse({ ...production, local: false })).toThrow('nobody could sign in');
    expect(() => parse({ ...production, unknown: 1 })).toThrow('unknown');
    expect(() => parse({ ...production, url: 'https://example.com/path' })).toThrow('url: only scheme');
    expect(() => parse({ ...production, replica: { address: 'http://10.0.0.1:8080', secret: 'x'.repeat(32) } })).toThrow('PostgreSQL');
    const oidc = { issuer: 'https://id.example.com', clientId: 'x', clientSecret: 'y' };
    expect(() => parse({ ...production, providers: { oidc: [{ ...oidc, name: 'github' }] } })).toThrow('taken');
    expect(() => parse({ ...production, providers: { oidc: [{ ...oidc, name: '../x' }] } })).toThrow('small letters');
  });

  it('come from a file, and from the environment over it', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'cloud-config-'));
    const file = path.join(folder, 'cloud.yml');
    writeFileSync(file, 'url: https://one.example.com\npreviewDomain: preview.example.net\nbehindProxy: 2\nlogLevel: debug\n');
    const config = await loadCloudConfig({
      TELEPRESENCE_CLOUD_CONFIG: file,
      TELEPRESENCE_CLOUD_URL: 'https://two.example.com',
      DATABASE_URL: 'postgres://db/cloud',
    });
    expect(config).toMatchObject({ url: 'https://two.example.com', behindProxy: 2, logLevel: 'debug', database: 'postgres://db/cloud', secure: true });
    rmSync(folder, { recursive: true });
    await expect(loadCloudConfig({ TELEPRESENCE_CLOUD_CONFIG: file })).rejects.toMatchObject({ code: 'TP-CLOUD-CONFIG' });
  });
});

it('a request’s site is its host’s', () => {
  const config = parse(production);
  const label = 'abcdefghijklmnopqrstuvwxyz';
  expect(siteOf('telepresence.example.com', config)).toEqual({ site: 'dashboard' });
  expect(siteOf('TELEPRESENCE.example.com:443', config)).toEqual({ site: 'dashboard' });
  expect(siteOf(`${label}.preview.example.net:8443`, config)).toEqual({ site: 'preview', label });
  for (const host of [
    undefined,
    '',
    'preview.example.net',
    `x.${label}.preview.example.net`,
    `${label}1.preview.example.net`,
    `${label}.preview.example.net.evil.com`,
    '[::1]:80',
  ]) {
    expect(siteOf(host, config), host).toEqual({ site: 'none' });
  }
});

it('a client’s address is what the trusted proxies say, and no more', () => {
  expect(clientAddress('10.0.0.1', '1.1.1.1, 2.2.2.2', 0)).toBe('10.0.0.1');
  expect(clientAddress('10.0.0.1', 'forged, 2.2.2.2', 1)).toBe('2.2.2.2');
  expect(clientAddress('10.0.0.1', 'forged, 2.2.2.2, 10.0.0.9', 2)).toBe('2.2.2.2');
  expect(clientAddress('10.0.0.1', undefined, 1)).toBe('10.0.0.1');
  expect(clientAddress('10.0.0.1', '2.2.2.2', 2)).toBe('10.0.0.1');
});
