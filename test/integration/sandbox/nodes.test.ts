/** `sandbox up --nodes`: each node is a network of its own, with an address beside the others', pods, and rules for Services. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type KubeClient, type KubeObject, resourcePath } from '../../../src/kube/index.ts';
import { kubeClientOf } from '../../helpers/kube-client.ts';
import { NODE_VOLUME_MOUNTS, NODE_VOLUMES } from './node-in-containers.ts';
import { sandboxPossible } from './possible.ts';

const run = promisify(execFile);
const telepresence = path.join(import.meta.dirname, '../../../bin/telepresence');
const program = path.join(import.meta.dirname, '../../../bin/sandbox.ts');

interface Pod extends KubeObject {
  spec: { nodeName?: string };
  status: { podIP?: string; phase: string; conditions?: { type: string; status: string; message?: string }[] };
}
interface Service extends KubeObject {
  spec: { clusterIP: string; ports: { nodePort: number }[] };
}

const NODES = { node1: '198.18.0.1', node2: '198.18.0.11' } as const;
type NodeName = keyof typeof NODES;
const names = Object.keys(NODES) as NodeName[];

const WAIT = { timeout: 30_000, interval: 50 };

/** Says who answers, and whom it sees. */
const SERVER = `require('http').createServer((q, r) => r.end(process.env.NAME + ' sees ' + q.socket.remoteAddress)).listen(Number(process.env.PORT), '0.0.0.0')`;
/** A mark of a URL from which nothing is expected; all others get the time that a busy machine takes. */
const SILENT = '#silent';
/** Asks each URL, and prints what came as a line of JSON. */
const ASKS = `Promise.all(process.argv.slice(1).map((url) => fetch(url, { signal: AbortSignal.timeout(url.endsWith('${SILENT}') ? 2000 : 30000) }).then((r) => r.text(), (e) => e.cause?.code ?? e.name))).then((all) => console.log(JSON.stringify(all)))`;

function container(script: string, args: string[] = [], more: object = {}): Record<string, unknown> {
  return { name: 'main', image: 'sandbox.local/machine:1', command: [process.execPath, '-e', script, ...args], volumeMounts: NODE_VOLUME_MOUNTS, ...more };
}

describe.skipIf(!sandboxPossible)('a sandbox with two nodes', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'sandbox-nodes-'));
  const env = { ...process.env, TELEPRESENCE_SANDBOX: folder };
  let kube: KubeClient;
  const services = new Map<string, Service>();
  const pods = new Map<string, Pod>();
  let askers = 0;

  const podPath = (name: string) => resourcePath('v1', 'pods', 'default', name);
  const create = <T>(object: object) => kube.create(object as KubeObject) as Promise<T>;
  const ready = async (name: string) => (await kube.get<Pod>(podPath(name))).status.conditions?.find(({ type }) => type === 'Ready')?.status;

  async function serve(name: string, node: NodeName, spec: object = {}, port = 8080): Promise<void> {
    const readinessProbe = { httpGet: { path: '/', port }, periodSeconds: 1 };
    const variables = { NAME: name, PORT: String(port) };
    const one = container(SERVER, [], { env: Object.entries(variables).map(([key, value]) => ({ name: key, value })), readinessProbe });
    await create({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace: 'default', labels: { app: name } },
      spec: { nodeName: node, containers: [one], volumes: NODE_VOLUMES, ...spec },
    });
    await vi.waitFor(async () => expect(await ready(name)).toBe('True'), WAIT);
    pods.set(name, await kube.get<Pod>(podPath(name)));
  }
  async function expose(name: string, app: string, spec: object): Promise<void> {
    const ports = [{ port: 80, targetPort: 8080, protocol: 'TCP' }];
    services.set(
      name,
      await create<Service>({ apiVersion: 'v1', kind: 'Service', metadata: { name, namespace: 'default' }, spec: { selector: { app }, ports, ...spec } }),
    );
    const slices = resourcePath('discovery.k8s.io/v1', 'endpointslices', 'default');
    const seen = async () => (await kube.list<KubeObject & { endpoints: unknown[] }>(slices, { labelSelector: `kubernetes.io/service-name=${name}` })).items;
    await vi.waitFor(async () => expect((await seen()).flatMap(({ endpoints }) => endpoints)).toHaveLength(1), WAIT);
  }
  const ip = (name: string): string => pods.get(name)?.status.podIP ?? '';
  const nodePort = (name: string): number => services.get(name)?.spec.ports[0]?.nodePort ?? 0;

  /** From a pod on that node. */
  async function ask(node: NodeName, urls: string[], spec: object = {}): Promise<{ answers: string[]; ip: string }> {
    const name = `asks-${askers++}`;
    await create({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace: 'default' },
      spec: { nodeName: node, restartPolicy: 'Never', containers: [container(ASKS, urls)], volumes: NODE_VOLUMES, ...spec },
    });
    await vi.waitFor(async () => expect((await kube.get<Pod>(podPath(name))).status.phase).toBe('Succeeded'), WAIT);
    const { status } = await kube.get<Pod>(podPath(name));
    return { answers: JSON.parse(await kube.podLogs('default', name, 'main')) as string[], ip: status.podIP ?? '' };
  }

  beforeAll(async () => {
    await run(telepresence, ['sandbox', 'up', '--nodes', '2'], { env, timeout: 60_000 });
    kube = await kubeClientOf(path.join(folder, 'kubeconfig'));
    for (const node of names) await serve(`on-${node}`, node);
    for (const node of names) {
      await expose(`on-${node}`, `on-${node}`, { type: 'NodePort' });
      await expose(`local-${node}`, `on-${node}`, { type: 'NodePort', externalTrafficPolicy: 'Local', internalTrafficPolicy: 'Local' });
    }
  }, 90_000);
  afterAll(async () => {
    kube?.close();
    await run(telepresence, ['sandbox', 'down'], { env, timeout: 60_000 });
    rmSync(folder, { recursive: true });
  }, 60_000);

  it('gives pods addresses of their node, under which others see them and reach them, also as a Service', async () => {
    expect(names.map((node) => ip(`on-${node}`).split('.', 3).join('.'))).toEqual(['10.244.0', '10.244.2']);
    for (const node of names) {
      const { answers, ip: own } = await ask(node, [
        ...names.map((other) => `http://${ip(`on-${other}`)}:8080`),
        ...names.map((other) => `http://on-${other}`),
      ]);
      const each = names.map((other) => `on-${other} sees ${own}`);
      expect(answers, node).toEqual([...each, ...each]);
    }
  }, 60_000);

  it('has a network on each node: pods in it may have the same port, and reach pods and Services', async () => {
    for (const node of names) await serve(`host-${node}`, node, { hostNetwork: true }, 9000);
    expect(names.map((node) => ip(`host-${node}`))).toEqual(Object.values(NODES));
    const urls = Object.values(NODES).map((address) => `http://${address}:9000`);
    const fromPods = await Promise.all(names.map((node) => ask(node, urls)));
    expect(fromPods.map(({ answers }) => answers.map((answer) => answer.split(' ')[0]))).toEqual([
      ['host-node1', 'host-node2'],
      ['host-node1', 'host-node2'],
    ]);
    // a node's own packets and those that leave it for what is no pod come from its address
    expect(fromPods.map(({ answers }) => answers[1]?.split(' ').at(-1))).toEqual([NODES.node1, fromPods[1]?.ip]);
    const host = { hostNetwork: true, dnsPolicy: 'ClusterFirstWithHostNet' };
    const fromNodes = await Promise.all(names.map((node) => ask(node, ['http://on-node1', `http://${ip('on-node2')}:8080`, 'http://127.0.0.1:9000'], host)));
    expect(fromNodes.map(({ answers }) => answers)).toEqual([
      ['on-node1 sees 198.18.0.1', 'on-node2 sees 198.18.0.1', 'host-node1 sees 127.0.0.1'],
      ['on-node1 sees 198.18.0.11', 'on-node2 sees 10.244.2.1', 'host-node2 sees 127.0.0.1'],
    ]);
  }, 60_000);

  it('keeps what is for pods of the node only on the node', async () => {
    for (const node of names) {
      const { answers } = await ask(
        node,
        names.map((other) => `http://local-${other}${other === node ? '' : SILENT}`),
      );
      expect(
        answers.map((answer) => answer.split(' ')[0]),
        node,
      ).toEqual(names.map((other) => (other === node ? `on-${node}` : 'TimeoutError')));
    }
  }, 60_000);

  it('is reached from a workstation at each node’s address', async () => {
    const at = (address: string, name: string) => `http://${address}:${nodePort(name)}`;
    const addresses = Object.values(NODES);
    const everywhere = addresses.flatMap((address) => names.map((node) => at(address, `on-${node}`)));
    const local = names.flatMap((node) => names.map((other) => `${at(NODES[other], `local-${node}`)}${other === node ? '' : SILENT}`));
    const { stdout } = await run(process.execPath, [program, 'workstation', process.execPath, '-e', ASKS, ...everywhere, ...local], { env, timeout: 60_000 });
    const answers = JSON.parse(stdout) as string[];
    expect(answers.slice(0, 4).map((answer) => answer.split(' ')[0])).toEqual(['on-node1', 'on-node2', 'on-node1', 'on-node2']);
    expect(answers.slice(4)).toEqual(['on-node1 sees 198.18.0.100', 'TimeoutError', 'TimeoutError', 'on-node2 sees 198.18.0.100']);
  }, 60_000);

  it('keeps pods apart that insist on it, and says why one has no node', async () => {
    const labels = { app: 'apart' };
    const term = { labelSelector: { matchLabels: labels }, topologyKey: 'kubernetes.io/hostname' };
    const affinity = { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } };
    const containers = [{ name: 'main', image: 'sandbox.local/machine:1', command: ['sleep', '600'] }];
    const template = { metadata: { labels }, spec: { affinity, containers, terminationGracePeriodSeconds: 0 } };
    await create({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'apart', namespace: 'default' },
      spec: { replicas: 3, selector: { matchLabels: labels }, template },
    });
    const all = async () => (await kube.list<Pod>(resourcePath('v1', 'pods', 'default'), { labelSelector: 'app=apart' })).items;
    const places = async () => (await all()).map(({ spec }) => spec.nodeName ?? 'none').sort();
    await vi.waitFor(async () => expect(await places()).toEqual(['node1', 'node2', 'none']), WAIT);
    const why = async () =>
      (await all()).flatMap(({ status }) => status.conditions ?? []).find(({ type, status }) => type === 'PodScheduled' && status === 'False');
    await vi.waitFor(async () => expect((await why())?.message).toContain("0/2 nodes are available: 2 node(s) didn't match pod anti-affinity rules."), WAIT);
  }, 60_000);
});
