/** `sandbox up --nodes`: pods on several nodes, each with addresses of its node, that reach each other. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type KubeClient, type KubeObject, resourcePath } from '../../../src/kube/index.ts';
import { kubeClientOf } from '../../helpers/kube-client.ts';
import { nodeInContainers, sandboxPossible } from './possible.ts';

const run = promisify(execFile);
const telepresence = path.join(import.meta.dirname, '../../../bin/telepresence');

interface Pod extends KubeObject {
  spec: { nodeName?: string };
  status: { podIP?: string };
}

describe.skipIf(!sandboxPossible || !nodeInContainers)('a sandbox with three nodes', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'sandbox-nodes-'));
  const env = { ...process.env, TELEPRESENCE_SANDBOX: folder };
  const sandbox = (...args: string[]) => run(telepresence, ['sandbox', ...args], { env, timeout: 60_000 });
  let kube: KubeClient;

  beforeAll(async () => {
    await sandbox('up', '--nodes', '3');
    kube = await kubeClientOf(path.join(folder, 'kubeconfig'));
  }, 60_000);
  afterAll(async () => {
    kube?.close();
    await sandbox('down');
    rmSync(folder, { recursive: true });
  }, 60_000);

  it('spreads pods over them, and each reaches those of the others', async () => {
    const labels = { app: 'spread' };
    const script = "require('http').createServer((q, r) => r.end('from ' + process.env.HOSTNAME)).listen(8080)";
    const container = {
      name: 'main',
      image: 'sandbox.local/machine:1',
      command: [process.execPath, '-e', script],
      readinessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1 },
    };
    const template = { metadata: { labels }, spec: { terminationGracePeriodSeconds: 0, containers: [container] } };
    const spec = { replicas: 3, selector: { matchLabels: labels }, template };
    await kube.create({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'spread', namespace: 'default' }, spec });
    const deployment = resourcePath('apps/v1', 'deployments', 'default', 'spread');
    await expect.poll(async () => (await kube.get<{ status?: { readyReplicas?: number } }>(deployment)).status?.readyReplicas, { timeout: 30_000 }).toBe(3);
    const { items } = await kube.list<Pod>(resourcePath('v1', 'pods', 'default'));
    const seen = items.map((pod) => [pod.spec.nodeName, pod.status.podIP?.split('.')[2]].join(' ')).toSorted();
    expect(seen).toEqual(['node1 0', 'node2 2', 'node3 4']);
    const asks = `Promise.all(process.argv.slice(1).map((ip) => fetch('http://' + ip + ':8080').then((r) => r.text()))).then((all) => console.log(all.join()))`;
    const command = [process.execPath, '-e', asks, ...items.map(({ status }) => status.podIP ?? '')];
    const asking = { ...container, command, readinessProbe: undefined };
    await kube.create({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'asks', namespace: 'default' },
      spec: { nodeName: 'node2', restartPolicy: 'Never', containers: [asking] },
    });
    const phase = async () => (await kube.get<{ status: { phase: string } }>(resourcePath('v1', 'pods', 'default', 'asks'))).status.phase;
    await expect.poll(phase, { timeout: 30_000 }).toBe('Succeeded');
    expect(await kube.podLogs('default', 'asks', 'main')).toBe(`${items.map(({ metadata }) => `from ${metadata.name}`).join()}\n`);
  }, 90_000);
});
