/**
 * Runs in namespaces of its own, as on a machine where nothing else happens: a sandbox with pods and a workstation is killed, and what the
 * machine looks like afterwards is compared, as text, with how it looked before: by its root, whoever the sandbox is. Prints one line of JSON.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { KubeObject } from '../../../../src/kube/index.ts';
import { kubeClientOf } from '../../../helpers/kube-client.ts';

const [folder = '', nodes = '1', who = 'root'] = process.argv.slice(2);
const program = join(import.meta.dirname, '../../../../bin/sandbox.ts');
const env = { ...process.env, TELEPRESENCE_SANDBOX: folder };
const as = who === 'root' ? [] : await ordinaryUser();
const sandbox = (...args: string[]): string => {
  const [file = '', ...rest] = [...as, process.execPath, program, ...args];
  return execFileSync(file, rest, { env, encoding: 'utf8', timeout: 60_000 });
};
/** What a busy machine may take. */
const DEADLINE_MS = 90_000;

/** What goes before a command of somebody without rights, who is not root as the kernel sees it: they live in a user namespace of their own. */
async function ordinaryUser(): Promise<string[]> {
  const home = spawn('unshare', ['--user', '--map-user=1000', '--map-group=1000', 'sh', '-c', 'echo there; exec sleep 600'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(home.stdout, 'data');
  return ['nsenter', `--user=/proc/${home.pid}/ns/user`, '--preserve-credentials'];
}

function processes(): string {
  const lines = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid) => {
      // one that ends while it is looked at is none
      const stat = spawnSync('cat', [`/proc/${pid}/stat`], { encoding: 'utf8' }).stdout;
      return stat === '' ? [] : [stat.slice(0, stat.lastIndexOf(')') + 3)];
    });
  return lines.join('\n');
}

const command = (file: string, ...args: string[]): string => {
  const { stdout, stderr, error } = spawnSync(file, args, { encoding: 'utf8' });
  return error === undefined ? stdout + stderr : error.message;
};

const LOOKS = {
  processes,
  namespaces: () => command('lsns', '--noheadings', '--output', 'NS,TYPE,PID,COMMAND'),
  named: () => command('ip', 'netns', 'list'),
  links: () => command('ip', '-o', 'link'),
  routes: () => command('ip', 'route', 'show', 'table', 'all'),
  rules: () => command('nft', 'list', 'ruleset'),
  mounts: () => readFileSync('/proc/self/mountinfo', 'utf8'),
};
type Looks = Record<keyof typeof LOOKS, string>;
const look = (): Looks => Object.fromEntries(Object.entries(LOOKS).map(([name, how]) => [name, how()])) as Looks;

const before = look();
sandbox('up', '--nodes', nodes);
const kube = await kubeClientOf(join(folder, 'kubeconfig'));
const names = Array.from({ length: Number(nodes) }, (_, index) => `node${index + 1}`);
for (const nodeName of names)
  for (const hostNetwork of [false, true])
    await kube.create({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: `${nodeName}-${hostNetwork}`, namespace: 'default' },
      spec: { nodeName, hostNetwork, containers: [{ name: 'main', image: 'sandbox.local/machine:1', command: ['sleep', '600'] }] },
    } as KubeObject);
const deadline = Date.now() + DEADLINE_MS;
const phases = async (): Promise<string[]> =>
  (await kube.list<KubeObject & { status: { phase: string } }>('/api/v1/namespaces/default/pods')).items.map(({ status }) => status.phase);
while ((await phases()).some((phase) => phase !== 'Running') && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 50));
sandbox('workstation', 'sh', '-c', 'setsid sleep 600 >/dev/null 2>&1 &');
const during = { running: await phases(), processes: processes().split('\n').length };
kube.close();
const { pid } = JSON.parse(readFileSync(join(folder, 'running.json'), 'utf8')) as { pid: number };
process.kill(pid, 'SIGKILL');
const differing = (): string[] => {
  const now = look();
  return (Object.keys(LOOKS) as (keyof Looks)[]).flatMap((name) =>
    now[name] === before[name] ? [] : [`${name} before:\n${before[name]}\nnow:\n${now[name]}`],
  );
};
const end = Date.now() + DEADLINE_MS;
let left = differing();
while (left.length > 0 && Date.now() < end) left = differing();
process.stdout.write(`${JSON.stringify({ before: { ...before, processes: before.processes.split('\n').length }, during, left })}\n`);
process.exit(0);
