/** Network namespaces beside a workstation: its containers behind a bridge, and hosts of a LAN of its own. */
import { copyFile, mkdir, rm } from 'node:fs/promises';
import { type Finished, ok, type RunOptions, run } from './run.ts';
import type { Workstation } from './workstation.ts';

export interface Behind extends AsyncDisposable {
  run(command: string, args?: readonly string[], options?: RunOptions): Promise<Finished>;
}

/** A host `address`/24 behind a bridge of the workstation with address `gateway`; its resolv.conf is the workstation's, as Docker makes it. */
export function hostBehind(workstation: Workstation, { address, gateway, bridge }: { address: string; gateway: string; bridge: string }): Promise<Behind> {
  return joined(workstation, bridge, { address, gateway }, [
    `link add ${bridge} type bridge`,
    `addr add ${gateway}/24 dev ${bridge}`,
    `link set ${bridge} up`,
    `link add v-${bridge} type veth peer name eth0 netns ${bridge}-${workstation.name}`,
    `link set v-${bridge} master ${bridge} up`,
  ]);
}

/**
 * A host `address`/24 of a LAN on the workstation's device `device`, through which the workstation has a default route too. It routes
 * everything through the workstation. Not the cluster's own LAN: there the node's bridge translates service addresses by itself.
 */
export function lanHost(workstation: Workstation, { address, gateway, device }: { address: string; gateway: string; device: string }): Promise<Behind> {
  return joined(workstation, device, { address, gateway }, [
    `link add ${device} type veth peer name eth0 netns ${device}-${workstation.name}`,
    `addr add ${gateway}/24 dev ${device}`,
    `link set ${device} up`,
    `route add default via ${address} dev ${device} metric 500`,
  ]);
}

async function joined(
  workstation: Workstation,
  device: string,
  { address, gateway }: { address: string; gateway: string },
  outerCommands: readonly string[],
): Promise<Behind> {
  const outer = `lab-${workstation.name}`;
  const inner = `${device}-${workstation.name}`;
  const remove = async (): Promise<void> => {
    await run('ip', ['netns', 'del', inner]);
    await run('ip', ['-n', outer, 'link', 'del', device]);
    await rm(`/etc/netns/${inner}`, { recursive: true, force: true });
  };
  await remove();
  await ok('ip', ['netns', 'add', inner]);
  await mkdir(`/etc/netns/${inner}`, { recursive: true });
  await copyFile(`/etc/netns/${outer}/resolv.conf`, `/etc/netns/${inner}/resolv.conf`);
  const innerCommands = [`addr add ${address}/24 dev eth0`, 'link set lo up', 'link set eth0 up', `route add default via ${gateway}`];
  for (const command of outerCommands) await ok('ip', ['-n', outer, ...command.split(' ')]);
  for (const command of innerCommands) await ok('ip', ['-n', inner, ...command.split(' ')]);
  await ok('ip', ['netns', 'exec', outer, 'sysctl', '-qw', 'net.ipv4.ip_forward=1']);
  return {
    run: (command, args = [], options = {}) =>
      run('ip', ['netns', 'exec', inner, command, ...args], { ...options, env: { ...workstation.env, ...options.env } }),
    [Symbol.asyncDispose]: remove,
  };
}
