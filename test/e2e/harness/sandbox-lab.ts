/**
 * Workstations of a sandbox, under the names that `ip netns` knows, so that the same tests run there. They are this machine's own
 * bindings: whoever runs tests on a sandbox does so in a mount namespace of its own (scripts/sandbox-e2e.ts), which takes them away.
 */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { callControl } from '../../../src/sandbox/launch/control.ts';
import { files, requireRunning } from '../../../src/sandbox/launch/state.ts';
import type { Lab } from './lab.ts';
import { ok, run } from './run.ts';

const NAMESPACES = '/run/netns';
const OUTSIDE_DNS = '198.18.0.53';
/** This machine beside the workstations. */
const HOST = { link: 'lab-host', address: '198.18.0.2/24' };

export interface SandboxLab extends Lab {
  /** Runs `ip` and the like in the node's network. */
  onNode(command: string, args: readonly string[], input?: string): Promise<string>;
  linkOf(name: string): Promise<string>;
}

export function sandboxLab(folder: string): SandboxLab {
  const { control } = files(folder);
  const settings = (name: string): string => `/etc/netns/lab-${name}`;
  const onNode = async (command: string, args: readonly string[], input = ''): Promise<string> => {
    const { init } = await requireRunning(folder);
    return ok('nsenter', ['--target', String(init), '--net', command, ...args], { input });
  };
  return {
    onNode,
    async linkOf(name) {
      return (await callControl(control, 'workstation', { name })).link;
    },
    async add(name) {
      const { path: place } = await callControl(control, 'workstation', { name });
      const { init } = await requireRunning(folder);
      await mkdir(settings(name), { recursive: true });
      await writeFile(path.join(settings(name), 'resolv.conf'), `nameserver ${OUTSIDE_DNS}\n`);
      await mkdir(NAMESPACES, { recursive: true });
      const binding = path.join(NAMESPACES, `lab-${name}`);
      await writeFile(binding, '', { flag: 'a' });
      await ok('mount', ['--bind', `/proc/${init}/root${place}`, binding]);
    },
    async remove(name) {
      const pids = (await run('ip', ['netns', 'pids', `lab-${name}`])).stdout.split('\n').filter((line) => line !== '');
      for (const pid of pids) await run('kill', ['-9', pid]);
      await run('ip', ['netns', 'del', `lab-${name}`]);
      await rm(settings(name), { recursive: true, force: true });
      await callControl(control, 'forgetWorkstation', { name });
    },
    command(name, command, args, rtt) {
      if (rtt !== undefined) throw new Error('workstations of a sandbox are near');
      return ['ip', ['netns', 'exec', `lab-${name}`, command, ...args]];
    },
  };
}

/** Puts this machine on the bridge of the workstations, where the clouds and providers of the tests listen. */
export async function joinLab(lab: SandboxLab): Promise<void> {
  if ((await run('ip', ['link', 'show', HOST.link])).code === 0) return;
  const bridge = 'lab';
  // made from the node's side, where the other end is; this process's own namespace has a name only through its pid
  await lab.onNode('ip', ['link', 'add', 'host', 'type', 'veth', 'peer', 'name', HOST.link, 'netns', String(process.pid)]);
  await lab.onNode('ip', ['link', 'set', 'host', 'master', bridge, 'up']);
  await ok('ip', ['addr', 'add', HOST.address, 'dev', HOST.link]);
  await ok('ip', ['link', 'set', HOST.link, 'up']);
}
