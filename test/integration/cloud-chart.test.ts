/** The cloud's Helm chart: what it renders starts the cloud of the image, and what can't work is refused. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Deployment } from 'kubernetes-types/apps/v1.js';
import type { Secret, Service } from 'kubernetes-types/core/v1.js';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { VERSION } from '../../src/base/version.ts';
import { loadCloudConfig } from '../../src/cloud/config.ts';
import type { KubeObject } from '../../src/install/index.ts';
import { HELM_TIMEOUT_MS, helmTemplate } from '../helpers/helm.ts';

const CHART = join(import.meta.dirname, '../../deploy/cloud-chart');
const SETTINGS = { url: 'https://telepresence.example.com', previewDomain: 'preview.example.net' };

it('has the version of the package', async () => {
  expect(parse(await readFile(join(CHART, 'Chart.yaml'), 'utf8'))).toMatchObject({ version: VERSION, appVersion: VERSION });
});

describe('helm template', { timeout: HELM_TIMEOUT_MS }, () => {
  const { need, template: rendered, write } = helmTemplate(CHART, 'cloud', 'tp');
  const template = async (values: Record<string, unknown>) => rendered('--values', await write('values.json', JSON.stringify(values)));
  const one = <T>(objects: KubeObject[], kind: string): T => objects.find((object) => object.kind === kind) as unknown as T;

  /** The settings that the pod's cloud would read. */
  async function configOf(objects: KubeObject[], secrets: Record<string, string> = {}): ReturnType<typeof loadCloudConfig> {
    const file = await write('cloud.yaml', one<Secret>(objects, 'Secret').stringData?.['cloud.yaml'] ?? '');
    const env: Record<string, string> = {};
    for (const { name, value, valueFrom } of one<Deployment>(objects, 'Deployment').spec?.template.spec?.containers[0]?.env ?? []) {
      const { name: secret, key } = valueFrom?.secretKeyRef ?? {};
      const known = secret === undefined ? (valueFrom === undefined ? value : '10.1.2.3') : secrets[`${secret}/${key}`];
      env[name] = (known ?? '').replace('$(TELEPRESENCE_CLOUD_POD_IP)', '10.1.2.3');
    }
    return loadCloudConfig({ ...env, TELEPRESENCE_CLOUD_CONFIG: file });
  }

  it('runs one process with SQLite on a volume, behind a proxy that ends TLS', async (context) => {
    need(context);
    const objects = await template({ settings: { ...SETTINGS, behindProxy: 1 } });
    expect(objects.map(({ kind }) => kind).toSorted()).toEqual(['Deployment', 'PersistentVolumeClaim', 'Secret', 'Service']);
    const { spec } = one<Deployment>(objects, 'Deployment');
    expect(spec).toMatchObject({
      replicas: 1,
      strategy: { type: 'Recreate' },
      template: { spec: { containers: [{ image: `telepresence.local/telepresence:${VERSION}`, args: ['/app/cloud.mjs'] }] } },
    });
    expect(spec?.template.metadata?.labels).toMatchObject(one<Service>(objects, 'Service').spec?.selector ?? { none: '' });
    expect(await configOf(objects)).toMatchObject({ ...SETTINGS_SEEN, database: 'sqlite:/data/cloud.db', behindProxy: 1 });
  });

  it('ends TLS itself with a certificate that is given', async (context) => {
    need(context);
    const objects = await template({ settings: SETTINGS, tlsSecret: 'cert', image: { registry: 'r.example', name: 'tp', tag: 'sha256:00' } });
    expect(await configOf(objects)).toMatchObject({ tls: { cert: '/etc/telepresence-cloud-tls/tls.crt' } });
    expect(one<Deployment>(objects, 'Deployment').spec?.template.spec).toMatchObject({
      containers: [{ image: 'r.example/tp@sha256:00' }],
      volumes: expect.arrayContaining([{ name: 'tls', secret: { secretName: 'cert' } }]),
    });
    expect(one<Service>(objects, 'Service').spec?.ports).toEqual([{ name: 'https', port: 443, targetPort: 'web' }]);
  });

  it('runs several replicas with PostgreSQL, each at its own address', async (context) => {
    need(context);
    const objects = await template({ settings: { ...SETTINGS, behindProxy: 1 }, replicaCount: 3, database: { secret: 'db' }, replicaSecret: 'shared' });
    expect(objects.map(({ kind }) => kind)).not.toContain('PersistentVolumeClaim');
    const secret = 'x'.repeat(32);
    expect(await configOf(objects, { 'db/url': 'postgres://db/tp', 'shared/secret': secret })).toMatchObject({
      database: 'postgres://db/tp',
      replica: { address: 'http://10.1.2.3:8443', secret },
    });
  });

  it.for([
    ['no address', {}, /settings\.url is needed/],
    ['no domain of previews', { settings: { url: SETTINGS.url } }, /settings\.previewDomain is needed/],
    ['nobody who ends TLS', { settings: SETTINGS }, /something must end TLS/],
    ['several replicas with SQLite', { settings: { ...SETTINGS, behindProxy: 1 }, replicaCount: 2 }, /several replicas need database/],
    ['a setting of the chart’s own', { settings: { ...SETTINGS, behindProxy: 1, listen: ':80' } }, /settings\.listen is set by this chart/],
  ] as const)('refuses %s', async ([, values, message], context) => {
    need(context);
    await expect(template(values)).rejects.toThrow(message);
  });
});

const SETTINGS_SEEN = { url: SETTINGS.url, preview: { domain: SETTINGS.previewDomain }, listen: { port: 8443 }, metrics: { port: 8090 } };
