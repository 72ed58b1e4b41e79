/** Network namespaces that stand behind a workstation, as its containers do: a bridge on the workstation, and one host on it. */
import { copyFile, mkdir, rm } from 'node:fs/promises';
import { type Finished, ok, type RunOptions, run } from './run.ts';
import type { Workstation } from './workstation.ts';

export interface Behind extends AsyncDisposable {
  run(command: string, args?: readonly string[], options?: RunOptions): Promise<Finished>;
}

/** A host `address`/24 behind a bridge of the workstation with address `gateway`; its resolv.conf is the workstation's, as Docker makes it. */
export async function hostBehind(
  workstation: Workstation,
  { address, gateway, bridge }: { address: string; gateway: string; bridge: string },
): Promise<Behind> {
  const outer = `lab-${workstation.name}`;
  const inner = `${bridge}-${workstation.name}`;
  const remove = async (): Promise<void> => {
    await run('ip', ['netns', 'del', inner]);
    await run('ip', ['-n', outer, 'link', 'del', bridge]);
    await rm(`/etc/netns/${inner}`, { recursive: true, force: true });
  };
  await remove();
  await ok('ip', ['netns', 'add', inner]);
  await mkdir(`/etc/netns/${inner}`, { recursive: true });
  await copyFile(`/etc/netns/${outer}/resolv.conf`, `/etc/netns/${inner}/resolv.conf`);
  const commands: [string, string][] = [
    [outer, `link add ${bridge} type bridge`],
    [outer, `addr add ${gateway}/24 dev ${bridge}`],
    [outer, `link set ${bridge} up`],
    [outer, `link add v-${bridge} type veth peer name eth0 netns ${inner}`],
    [outer, `link set v-${bridge} master ${bridge} up`],
    [inner, `addr add ${address}/24 dev eth0`],
    [inner, 'link set lo up'],
    [inner, 'link set eth0 up'],
    [inner, `route add default via ${gateway}`],
  ];
  for (const [namespace, command] of commands) await ok('ip', ['-n', namespace, ...command.split(' ')]);
  await ok('ip', ['netns', 'exec', outer, 'sysctl', '-qw', 'net.ipv4.ip_forward=1']);
  return {
    run: (command, args = [], options = {}) =>
      run('ip', ['netns', 'exec', inner, command, ...args], { ...options, env: { ...workstation.env, ...options.env } }),
    [Symbol.asyncDispose]: remove,
  };
}
