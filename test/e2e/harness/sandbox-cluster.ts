/** The sandbox of this checkout, in the folder that TELEPRESENCE_SANDBOX names. */
import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { INSIDE_SERVER } from '../../../src/sandbox/launch/addresses.ts';
import { files, runningState, sandboxFolder } from '../../../src/sandbox/launch/state.ts';
import { triedKubectls } from './kubectls.ts';
import { kubectlFor } from './lab.ts';
import { repository } from './repository.ts';
import { ok } from './run.ts';
import { joinLab, sandboxLab } from './sandbox-lab.ts';
import type { ClusterMaker } from './test-cluster.ts';
import { Workstation } from './workstation.ts';

const LOG_SHOWN = 4_096;
const program = path.join(repository, 'bin/sandbox.ts');
export const sandbox = (args: readonly string[], timeoutMs = 60_000): Promise<string> => ok(process.execPath, [program, ...args], { timeoutMs });

const runs = (command: string, ...args: string[]): boolean => spawnSync(command, args).status === 0;

/** The machine's own, else the newest that was fetched for tests. */
function findKubectl(): string | undefined {
  const fetched = triedKubectls().map(({ binary }) => binary);
  return ['kubectl', ...fetched.reverse()].find((binary) => runs(binary, 'version', '--client'));
}

/** What the sandbox writes down of the requests to its API. */
export const auditFile = (): string => path.join(sandboxFolder(process.env), 'audit.jsonl');

/** @throws with the end of its log, when it has ended by itself: what is started in its place would write that log anew */
export async function stillRuns(): Promise<void> {
  const folder = sandboxFolder(process.env);
  if ((await runningState(folder)) !== undefined) return;
  const log = await readFile(files(folder).log, 'utf8').catch((error: unknown) => `no log: ${error}`);
  throw new Error(`the sandbox has ended by itself; the end of its log:\n${log.slice(-LOG_SHOWN)}`);
}

function missing(): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root, or a user namespace (scripts/sandbox-e2e.ts makes one)';
  if (findKubectl() === undefined) return 'needs kubectl';
  if (!runs('ip', '-V')) return 'needs ip';
  return runs('nft', '-v') ? undefined : 'needs nft';
}

export const sandboxCluster: ClusterMaker = {
  missing: process.env['TELEPRESENCE_TEST_CLUSTER'] === 'sandbox' ? missing() : 'not chosen',
  async start({ fresh }) {
    const folder = sandboxFolder(process.env);
    if (fresh) {
      await sandbox(['down']);
      await sandbox(['up', '--audit', auditFile()]);
    } else await stillRuns();
    const { inside: kubeconfig } = files(folder);
    const lab = sandboxLab(folder);
    await joinLab(lab);
    const kubectlBinary = findKubectl() ?? 'kubectl';
    const kubectl = kubectlFor(kubectlBinary, kubeconfig);
    return {
      kubeconfig,
      server: INSIDE_SERVER,
      kubectl,
      apply: async (yaml) => {
        await kubectl(['apply', '--server-side', '--force-conflicts', '-f', '-'], { input: yaml });
      },
      workstation: (name, options = {}) => Workstation.create({ lab, name, kubectl: kubectlBinary, ...options, kubeconfig: options.kubeconfig ?? kubeconfig }),
      user: async (name, groups = []) => {
        const file = path.join(await mkdtemp(path.join(tmpdir(), 'tp-user-')), `${name}.conf`);
        await writeFile(file, await sandbox(['user', '--inside', name, ...groups]), { mode: 0o600 });
        return file;
      },
      loadImage: async (tar) => {
        await sandbox(['image', '--load', tar]);
      },
      loadProgram: async (reference, file, place) => {
        await sandbox(['image', '--if-missing', reference, file, place]);
      },
      async fault(what, name = '') {
        const link = await lab.linkOf(name);
        const table = `blackhole-${name}`;
        switch (what) {
          case 'cut':
            await lab.onNode('ip', ['link', 'set', link, 'down']);
            break;
          case 'blackhole': {
            const drop = (hook: string): string => `chain ${hook} { type filter hook ${hook} device "${link}" priority 0; policy drop; }\n`;
            await lab.onNode('nft', ['-f', '-'], `table netdev ${table} {\n${drop('ingress')}${drop('egress')}}\n`);
            break;
          }
          case 'mend':
            await lab.onNode('nft', ['-f', '-'], `table netdev ${table} {}\ndelete table netdev ${table}\n`);
            await lab.onNode('ip', ['link', 'set', link, 'up']);
            break;
          default:
            throw new Error(`a sandbox has no fault ${what} ${name}: its parts are one process`);
        }
      },
    };
  },
};
