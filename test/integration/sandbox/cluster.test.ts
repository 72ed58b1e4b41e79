/** A whole sandbox from outside: it starts, runs pods, answers for names, and leaves nothing when it is killed. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { codeOf } from '../../../src/base/errors.ts';
import { silentLog } from '../../../src/base/log.ts';
import { type KubeClient, type KubeObject, resourcePath } from '../../../src/kube/index.ts';
import { kubeClientOf } from '../../helpers/kube-client.ts';
import { MEASURED } from '../../helpers/measured.ts';
import { NODE_VOLUME_MOUNTS, NODE_VOLUMES } from './node-in-containers.ts';
import { sandboxPossible } from './possible.ts';

const run = promisify(execFile);
const telepresence = join(import.meta.dirname, '../../../bin/telepresence');
const program = join(import.meta.dirname, '../../../bin/sandbox.ts');

const childrenOf = (pid: number): number[] => readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number);

/** The cluster's own process: the only child of process 1 that is a Node. */
function cluster(init: number): number {
  return childrenOf(init).find((pid) => readlinkSync(`/proc/${pid}/exe`) === process.execPath) ?? 0;
}

/** Empty for a process that has just ended, or is ending. */
function namespaceOf(file: string): string {
  try {
    return readlinkSync(file);
  } catch (error) {
    if (['ENOENT', 'ESRCH', 'EACCES'].includes(codeOf(error) ?? '')) return '';
    throw error;
  }
}

interface Pod extends KubeObject {
  status: { phase: string; containerStatuses?: { restartCount: number }[]; conditions?: { type: string; status: string }[] };
}

describe.skipIf(!sandboxPossible)('a sandbox', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sandbox-'));
  const env = { ...process.env, TELEPRESENCE_SANDBOX: folder };
  const sandbox = async (...args: string[]): Promise<string> => (await run(process.execPath, [program, ...args], { env, timeout: 60_000 })).stdout;
  let kube: KubeClient;
  let startMs = Number.POSITIVE_INFINITY;

  beforeAll(async () => {
    const started = performance.now();
    await run(telepresence, ['sandbox', 'up'], { env, timeout: 60_000 });
    startMs = performance.now() - started;
    kube = await kubeClientOf(join(folder, 'kubeconfig'));
  }, 60_000);
  afterAll(async () => {
    kube?.close();
    await sandbox('down');
    rmSync(folder, { recursive: true });
  }, 60_000);

  const path = (name?: string) => resourcePath('v1', 'pods', 'default', name);
  /** Resolves with the first pod that is as wanted. */
  function podThat(wanted: (pod: Pod) => boolean): Promise<Pod> {
    return new Promise((resolve) => {
      const informer = kube.createInformer<Pod>(path(), {
        log: silentLog,
        onChange(_, pod) {
          if (!wanted(pod)) return;
          informer.close();
          resolve(pod);
        },
      });
      informer.ready.catch(() => {});
    });
  }
  const container = (script: string, more: object = {}) => ({
    name: 'main',
    image: 'sandbox.local/machine:1',
    command: [process.execPath, '-e', script],
    volumeMounts: NODE_VOLUME_MOUNTS,
    ...more,
  });

  it('runs the pods of a Deployment, whose Service others reach by its name', async () => {
    const labels = { app: 'web' };
    const server = container("require('http').createServer((q, r) => r.end('from the pod')).listen(8080)", {
      readinessProbe: { httpGet: { path: '/', port: 8080 }, periodSeconds: 1 },
    });
    await kube.create({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web', namespace: 'default' },
      spec: { replicas: 1, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers: [server], volumes: NODE_VOLUMES } } },
    });
    await kube.create({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'web', namespace: 'default' },
      spec: { selector: labels, ports: [{ port: 80, targetPort: 8080, protocol: 'TCP' }] },
    });
    await podThat(({ status }) => status.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') === true);
    const asks = container("fetch('http://web/').then((r) => r.text()).then(console.log)");
    await kube.create({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'asks', namespace: 'default' },
      spec: { restartPolicy: 'Never', containers: [asks], volumes: NODE_VOLUMES },
    });
    const ended = await podThat(({ metadata, status }) => metadata.name === 'asks' && ['Succeeded', 'Failed'].includes(status.phase));
    expect([ended.status.phase, await kube.podLogs('default', 'asks', 'main')]).toEqual(['Succeeded', 'from the pod\n']);
  }, 30_000);

  it('goes on when a program ends with a probe’s connection that it never took', async () => {
    // busy from the start: what connects meanwhile is reset when it ends
    const busy =
      "require('net').createServer().listen(8080, () => setImmediate(() => { for (const end = Date.now() + 3000; Date.now() < end; ); process.exit(1); }))";
    const readinessProbe = { httpGet: { path: '/', port: 8080 }, periodSeconds: 1, timeoutSeconds: 20 };
    await kube.create({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'busy', namespace: 'default' },
      spec: { terminationGracePeriodSeconds: 0, containers: [container(busy, { readinessProbe })], volumes: NODE_VOLUMES },
    });
    await podThat(({ metadata, status }) => metadata.name === 'busy' && (status.containerStatuses?.[0]?.restartCount ?? 0) > 0);
    expect(await sandbox('status')).toMatch(/^running /);
  }, 30_000);

  it('has workstations that reach the API and no pod', async () => {
    const script = `const net = require('net'); const to = (host, port) => new Promise((done) => net.connect({ host, port, timeout: 500 }, () => done('open')).on('error', () => done('closed')).on('timeout', () => done('closed')));
      Promise.all([to('198.18.0.1', 6443), to('10.96.0.1', 443)]).then((seen) => { console.log(seen.join()); process.exit(); })`;
    expect(await sandbox('workstation', process.execPath, '-e', script)).toBe('open,closed\n');
  }, 30_000);

  it.skipIf(!MEASURED)('starts within a second (measured)', () => {
    expect(startMs).toBeLessThan(1_000);
  });

  it('runs 200 pods', async () => {
    const labels = { app: 'many' };
    const containers = [{ name: 'main', image: 'sandbox.local/machine:1', command: ['sleep', '600'] }];
    const spec = {
      replicas: 200,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { terminationGracePeriodSeconds: 0, containers } },
    };
    const many = resourcePath('apps/v1', 'deployments', 'default', 'many');
    const started = performance.now();
    await kube.create({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'many', namespace: 'default' }, spec } as KubeObject);
    const ready = async () => (await kube.get<{ status?: { readyReplicas?: number } }>(many)).status?.readyReplicas;
    await expect.poll(ready, { timeout: 110_000, interval: 100 }).toBe(200);
    // 20 s were promised for a machine that does nothing else
    if (MEASURED) expect(performance.now() - started).toBeLessThan(20_000);
  }, 120_000);

  it('leaves nothing when its supervisor is killed, of pods and of workstations', async () => {
    const { pid, init } = JSON.parse(readFileSync(join(folder, 'running.json'), 'utf8')) as { pid: number; init: number };
    await sandbox('workstation', 'sh', '-c', 'setsid sleep 600 >/dev/null 2>&1 &');
    const kinds = ['net', 'mnt', 'pid', 'ipc', 'uts'];
    const places = new Set(kinds.map((kind) => readlinkSync(`/proc/${init}/ns/${kind}`)));
    const inside = (): string[] =>
      readdirSync('/proc').filter((name) => /^\d+$/.test(name) && kinds.some((kind) => places.has(namespaceOf(`/proc/${name}/ns/${kind}`))));
    expect(inside().length).toBeGreaterThan(1);
    // also while it is too busy to notice
    process.kill(cluster(init), 'SIGSTOP');
    process.kill(pid, 'SIGKILL');
    // with process 1 the kernel ends all of its pid namespace; its links, rules and mounts are in namespaces that nobody holds any more
    await expect.poll(inside, { timeout: 20_000 }).toEqual([]);
    expect(readFileSync('/proc/self/mounts', 'utf8')).not.toContain(folder);
    expect(await sandbox('status')).toBe('not running\n');
  }, 30_000);

  it('says in its log that it was killed, or what it cannot live without; the next one keeps that log', async () => {
    const log = (name: string): string => readFileSync(join(folder, name), 'utf8');
    const running = (): number => cluster((JSON.parse(log('running.json')) as { init: number }).init);
    const ended = () => expect.poll(() => sandbox('status'), { timeout: 20_000 }).toBe('not running\n');
    await sandbox('up');
    process.kill(running(), 'SIGKILL');
    await ended();
    await sandbox('up');
    expect(log('sandbox.log.1')).toContain("the cluster's process has ended code=137");
    const spawner = childrenOf(running()).find((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('spawner'));
    expect(spawner).toBeGreaterThan(0);
    process.kill(spawner ?? Number.NaN, 'SIGKILL');
    await ended();
    expect(log('sandbox.log')).toMatch(/the sandbox's spawner ended with SIGKILL.*\n.*the cluster's process has ended code=1\n/);
  }, 60_000);
});
