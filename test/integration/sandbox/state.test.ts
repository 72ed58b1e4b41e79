/** `sandbox up --state`: what a cluster has outlives it, whether it was told to end or was killed. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { type KubeClient, type KubeObject, resourcePath } from '../../../src/kube/index.ts';
import { kubeClientOf } from '../../helpers/kube-client.ts';
import { sandboxPossible } from './possible.ts';

const run = promisify(execFile);
const telepresence = path.join(import.meta.dirname, '../../../bin/telepresence');
const labels = { app: 'web' };
const container = { name: 'main', image: 'sandbox.local/machine:1', command: ['sleep', '600'] };
const OBJECTS: KubeObject[] = [
  { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'kept', namespace: 'default' }, data: { a: '1' } },
  { apiVersion: 'v1', kind: 'Service', metadata: { name: 'web', namespace: 'default' }, spec: { selector: labels, ports: [{ port: 80 }] } },
  {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'default' },
    spec: {
      replicas: 2,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { terminationGracePeriodSeconds: 0, containers: [container] } },
    },
  },
  {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'widgets.example.com' },
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: { kind: 'Widget', plural: 'widgets' },
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } } }],
    },
  },
];
const WIDGET: KubeObject = { apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name: 'one', namespace: 'default' }, size: 7 };

describe.skipIf(!sandboxPossible)('a sandbox with its state on disk', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'sandbox-state-'));
  const state = path.join(folder, 'state');
  const home = path.join(folder, 'sandbox');
  const env = { ...process.env, TELEPRESENCE_SANDBOX: home };
  const clients: KubeClient[] = [];
  const sandbox = (...args: string[]) => run(telepresence, ['sandbox', ...args], { env, timeout: 60_000 });
  async function up(): Promise<KubeClient> {
    await sandbox('up', '--state', state);
    const kube = await kubeClientOf(path.join(home, 'kubeconfig'));
    clients.push(kube);
    return kube;
  }
  const at = (apiVersion: string, plural: string, name: string) => resourcePath(apiVersion, plural, 'default', name);
  const ready = (kube: KubeClient) =>
    expect
      .poll(async () => (await kube.get<{ status?: { readyReplicas?: number } }>(at('apps/v1', 'deployments', 'web'))).status?.readyReplicas, {
        timeout: 30_000,
      })
      .toBe(2);

  afterAll(async () => {
    for (const client of clients) client.close();
    await sandbox('down');
    rmSync(folder, { recursive: true });
  }, 60_000);

  it('has all of it again after a killed start and after an ordered end', async () => {
    let kube = await up();
    for (const object of OBJECTS) await kube.create(object);
    await expect
      .poll(
        () =>
          kube.create(WIDGET).then(
            () => true,
            () => false,
          ),
        { timeout: 20_000 },
      )
      .toBe(true);
    await ready(kube);
    const seen = async (client: KubeClient): Promise<unknown[]> =>
      Promise.all(
        [at('v1', 'configmaps', 'kept'), at('v1', 'services', 'web'), at('example.com/v1', 'widgets', 'one')].map((place) => client.get<unknown>(place)),
      );
    const uids = async (client: KubeClient): Promise<string[]> =>
      (await client.list<{ metadata: { uid: string } }>(resourcePath('v1', 'pods', 'default'))).items.map(({ metadata }) => metadata.uid).toSorted();
    const [objects, pods] = [await seen(kube), await uids(kube)];
    for (const end of ['killed', 'told to end']) {
      if (end === 'killed') {
        const { pid } = JSON.parse(readFileSync(path.join(home, 'running.json'), 'utf8')) as { pid: number };
        process.kill(pid, 'SIGKILL');
        await expect.poll(async () => (await sandbox('status')).stdout, { timeout: 20_000 }).toBe('not running\n');
      } else await sandbox('down');
      kube = await up();
      expect(await seen(kube), end).toEqual(objects);
      await ready(kube);
      // the same pods, started again
      expect(await uids(kube), end).toEqual(pods);
    }
  }, 120_000);

  it('is one sandbox’s at a time', async () => {
    const other = { ...env, TELEPRESENCE_SANDBOX: path.join(folder, 'other') };
    const failure = await run(telepresence, ['sandbox', 'up', '--state', state], { env: other, timeout: 60_000 }).then(
      () => '',
      (error: unknown) => String((error as { stderr?: string }).stderr),
    );
    expect(failure).toMatch(/Another sandbox \(pid \d+\) uses /);
  }, 60_000);
});
