/**
 * The cluster under the e2e tests. Another kind is put under them by another object of this shape.
 * Today: the real one-node Kubernetes whose scripts stand beside the checkout (TELEPRESENCE_TEST_KUBE names another folder).
 */
import { existsSync } from 'node:fs';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ok, type RunOptions } from './run.ts';
import { Workstation } from './workstation.ts';

export const repository = path.join(import.meta.dirname, '../../..');
export const scripts = path.resolve(repository, process.env['TELEPRESENCE_TEST_KUBE'] ?? '../shared/kube');

export interface TestCluster {
  /** Kubeconfig of an administrator. */
  kubeconfig: string;
  server: string;
  kubectl(args: readonly string[], options?: RunOptions): Promise<string>;
  apply(yaml: string): Promise<void>;
  /** A workstation of its own: network namespace, HOME, nothing running. */
  workstation(name: string, options?: { kubeconfig?: string; rtt?: number; binary?: string }): Promise<Workstation>;
  /** Writes a kubeconfig for a user without rights; returns its path. */
  user(name: string, groups?: readonly string[]): Promise<string>;
  loadImage(tar: string): Promise<void>;
  fault(...args: string[]): Promise<void>;
}

export const clusterAvailable = existsSync(path.join(scripts, 'up')) && process.getuid?.() === 0;

/** The node's network namespace, and in it the bridge that the workstations and this machine are on. */
const NODE_NAMESPACE = 'testkube-node';
const LAB_BRIDGE = 'lab';

/**
 * A bridge takes the lowest address of its ports, unless it was given one. So a workstation that comes or goes may change the
 * address under which everybody else knows the API server, and nobody reaches it until their ARP entries have run out (10 s).
 */
async function holdBridgeAddress(): Promise<void> {
  const shown = await ok('ip', ['-n', NODE_NAMESPACE, '-br', 'link', 'show', LAB_BRIDGE]);
  const address = /(?:[0-9a-f]{2}:){5}[0-9a-f]{2}/.exec(shown)?.[0];
  if (address === undefined) throw new Error(`the bridge of the test cluster has no address: ${shown}`);
  await ok('ip', ['-n', NODE_NAMESPACE, 'link', 'set', LAB_BRIDGE, 'address', address]);
}

/** Starts the cluster if it is not up; with `fresh`, an empty one. */
export async function startCluster({ fresh = false } = {}): Promise<TestCluster> {
  const line = await ok(path.join(scripts, 'up'), fresh ? ['--fresh'] : [], { timeoutMs: 240_000 });
  const kubeconfig = /KUBECONFIG=(\S+)/.exec(line)?.[1];
  if (kubeconfig === undefined) throw new Error(`the test cluster printed no KUBECONFIG: ${line}`);
  const kubectlBinary = path.join(path.dirname(kubeconfig), 'bin', 'kubectl');
  await holdBridgeAddress();
  const env = { ...process.env, KUBECONFIG: kubeconfig };
  const kubectl = (args: readonly string[], options: RunOptions = {}): Promise<string> => ok(kubectlBinary, args, { env, ...options });
  return {
    kubeconfig,
    server: (await kubectl(['config', 'view', '--minify', '-o', 'jsonpath={.clusters[0].cluster.server}'])).trim(),
    kubectl,
    apply: async (yaml) => {
      await kubectl(['apply', '--server-side', '--force-conflicts', '-f', '-'], { input: yaml });
    },
    workstation: (name, options = {}) =>
      Workstation.create({ scripts, name, kubeconfig: options.kubeconfig ?? kubeconfig, rtt: options.rtt, binary: options.binary, kubectl: kubectlBinary }),
    user: async (name, groups = []) => {
      const text = await ok(path.join(scripts, 'user'), [name, ...groups]);
      const file = path.join(await mkdtemp(path.join(tmpdir(), 'tp-user-')), `${name}.conf`);
      await writeFile(file, text, { mode: 0o600 });
      return file;
    },
    loadImage: async (tar) => {
      await ok(path.join(scripts, 'image'), ['--load', tar], { timeoutMs: 180_000 });
    },
    fault: async (...args) => {
      await ok(path.join(scripts, 'fault'), args);
    },
  };
}

/** A namespace for one test file; disposing of it deletes it and waits. */
export async function testNamespace(cluster: TestCluster, name: string, labels: Record<string, string> = {}): Promise<AsyncDisposable & { name: string }> {
  const remove = (): Promise<string> =>
    cluster.kubectl(['delete', 'namespace', name, '--ignore-not-found', '--wait=true', '--timeout=90s'], { timeoutMs: 100_000 });
  await remove();
  await cluster.apply(JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } }));
  return {
    name,
    async [Symbol.asyncDispose]() {
      await remove();
    },
  };
}
