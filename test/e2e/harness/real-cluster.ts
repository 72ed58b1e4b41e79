/** The real one-node Kubernetes whose scripts stand beside the checkout (TELEPRESENCE_TEST_KUBE names another folder). */
import { existsSync } from 'node:fs';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { kubectlFor, scriptedLab } from './lab.ts';
import { repository } from './repository.ts';
import { ok } from './run.ts';
import type { ClusterMaker } from './test-cluster.ts';
import { Workstation } from './workstation.ts';

export const scripts = path.resolve(repository, process.env['TELEPRESENCE_TEST_KUBE'] ?? '../shared/kube');

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

export const realCluster: ClusterMaker = {
  missing: existsSync(path.join(scripts, 'up')) ? (process.getuid?.() === 0 ? undefined : 'needs root') : `needs the test cluster's scripts (${scripts})`,
  async start({ fresh }) {
    const line = await ok(path.join(scripts, 'up'), fresh ? ['--fresh'] : [], { timeoutMs: 240_000 });
    const kubeconfig = /KUBECONFIG=(\S+)/.exec(line)?.[1];
    if (kubeconfig === undefined) throw new Error(`the test cluster printed no KUBECONFIG: ${line}`);
    const kubectlBinary = path.join(path.dirname(kubeconfig), 'bin', 'kubectl');
    await holdBridgeAddress();
    const kubectl = kubectlFor(kubectlBinary, kubeconfig);
    return {
      kubeconfig,
      server: (await kubectl(['config', 'view', '--minify', '-o', 'jsonpath={.clusters[0].cluster.server}'])).trim(),
      kubectl,
      apply: async (yaml) => {
        await kubectl(['apply', '--server-side', '--force-conflicts', '-f', '-'], { input: yaml });
      },
      workstation: (name, options = {}) =>
        Workstation.create({ lab: scriptedLab(scripts), name, kubectl: kubectlBinary, ...options, kubeconfig: options.kubeconfig ?? kubeconfig }),
      user: async (name, groups = []) => {
        const text = await ok(path.join(scripts, 'user'), [name, ...groups]);
        const file = path.join(await mkdtemp(path.join(tmpdir(), 'tp-user-')), `${name}.conf`);
        await writeFile(file, text, { mode: 0o600 });
        return file;
      },
      loadImage: async (tar) => {
        await ok(path.join(scripts, 'image'), ['--load', tar], { timeoutMs: 180_000 });
      },
      loadProgram: async (reference, file, place) => {
        await ok(path.join(scripts, 'image'), ['--if-missing', reference, file, place], { timeoutMs: 120_000 });
      },
      fault: async (...args) => {
        await ok(path.join(scripts, 'fault'), args);
      },
    };
  },
};
