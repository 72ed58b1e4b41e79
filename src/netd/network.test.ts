/** The order of commands, on fakes: no root. */
import { describe, expect, it } from 'vitest';
import { silentLog } from '../base/log.ts';
import { createNetwork, type Network } from './network.ts';

interface Fake {
  network: Network;
  did: string[];
  failed: string[];
  killNft(): void;
}

function fake(answers: Record<string, string | Error> = {}): Fake {
  const did: string[] = [];
  const failed: string[] = [];
  let nftDeath = (_: string) => {};
  const network = createNetwork({
    log: silentLog,
    table: 't',
    openTun: (prefix) => ({ fd: 9, device: `${prefix}3`, close: () => void did.push('tun closed') }),
    startPackets: () => ({ close: async () => void did.push('packets closed') }),
    startNft: (onDeath) => {
      nftDeath = onDeath;
      return { pid: 1, run: async (line) => void did.push(`nft ${line.split(' ', 2).join(' ')}`), close: async () => void did.push('nft closed') };
    },
    runner: {
      run: async (argv, stdin = '') => {
        const command = argv.join(' ');
        const answer = answers[command] ?? '';
        if (!command.startsWith('ip -json'))
          did.push(
            ...(stdin === ''
              ? [command]
              : stdin
                  .trim()
                  .split('\n')
                  .map((line) => `ip ${line}`)),
          );
        if (answer instanceof Error) throw answer;
        return answer;
      },
    },
    onFailed: (message) => failed.push(message),
  });
  return { network, did, failed, killNft: () => nftDeath('SIGKILL') };
}

const state = { address: '246.246.246.1/32', subnets: ['10.96.0.0/16'], capturePort: 4000, dns: { mode: 'none' } };
const resolved = { ...state, dns: { mode: 'resolved', server: '246.246.246.1', domains: ['shop.svc.cluster.local', '~cluster.local'] } };

describe('set', () => {
  it('sets rules before routes, and the resolver last', async () => {
    const { network, did } = fake();
    expect(await network.set(resolved)).toEqual({ device: 'tel3' });
    expect(did).toEqual([
      'ip link set dev tel3 addrgenmode none',
      'ip link set dev tel3 mtu 65535 up',
      'ip address add 246.246.246.1/32 dev tel3',
      'nft add table',
      'ip route add 10.96.0.0/16 dev tel3',
      'resolvectl default-route tel3 no',
      'resolvectl dns tel3 246.246.246.1',
      'resolvectl domain tel3 shop.svc.cluster.local ~cluster.local',
    ]);
  });

  it('runs only what differs the second time', async () => {
    const { network, did } = fake();
    await network.set(resolved);
    did.length = 0;
    await network.set(resolved);
    expect(did).toEqual([]);
    await network.set({ ...resolved, subnets: ['fd10:96::/112'], dns: { ...resolved.dns, domains: [] } });
    expect(did).toEqual([
      'ip address add fd74:656c::1/128 dev tel3 nodad',
      'ip route del 10.96.0.0/16 dev tel3',
      'nft delete element',
      'ip route add fd10:96::/112 dev tel3',
      'resolvectl domain tel3 ',
    ]);
    did.length = 0;
    await network.set({ ...state, subnets: ['fd10:96::/112'] });
    expect(did).toEqual(['resolvectl revert tel3']);
  });

  it('undoes what it did when a part fails', async () => {
    const { network, did } = fake({ 'resolvectl dns tel3 246.246.246.1': new Error('no such link') });
    await expect(network.set(resolved)).rejects.toThrow('no such link');
    expect(did.slice(-3)).toEqual(['nft closed', 'packets closed', 'tun closed']);
  });

  it('changes nothing when the wanted state is not valid', async () => {
    const { network, did } = fake();
    await network.set(state);
    did.length = 0;
    await expect(network.set({ ...state, subnets: ['x'] })).rejects.toMatchObject({ code: 'TP-NETD-FAILED' });
    expect(did).toEqual([]);
  });

  it('undoes everything when nft dies, says so, and can begin anew', async () => {
    const { network, did, failed, killNft } = fake();
    await network.set(state);
    did.length = 0;
    killNft();
    await network.check([]);
    await expect.poll(() => failed).toHaveLength(1);
    expect(did).toEqual(['nft closed', 'packets closed', 'tun closed']);
    await network.set(state);
    await network.close();
    await network.close();
    expect(did.filter((what) => what === 'tun closed')).toHaveLength(2);
  });
});

describe('what is read from the workstation', () => {
  const answers = {
    'ip -json -4 route show table main': JSON.stringify([
      { dst: 'default', dev: 'wlan0' },
      { dst: '0.0.0.0/1', dev: 'vpn0' },
      { dst: '10.0.0.0/8', dev: 'vpn0' },
      { dst: '10.96.3.0/24', dev: 'vpn0' },
      { dst: '10.96.9.9', dev: 'eth1' },
      { dst: '192.168.0.0/16', dev: 'eth1' },
    ]),
    'ip -json -6 route show table all': JSON.stringify([{ dst: 'default', nexthops: [{ dev: 'eth2' }, { dev: 'eth3' }] }]),
    'ip -json -4 route show table all': JSON.stringify([
      { dst: 'default', dev: 'wlan0' },
      { dst: '0.0.0.0/1', dev: 'vpn0' },
    ]),
    'ip -json address show': JSON.stringify([{ ifname: 'docker0', addr_info: [{ local: '10.96.200.1' }] }]),
    'ip -json -details link show': JSON.stringify([
      { ifname: 'eth5', master: 'br-lan' },
      { ifname: 'veth1', master: 'docker0', linkinfo: { info_kind: 'veth' } },
    ]),
  };

  it('names the widest overlapping route of each device, and never a default route', async () => {
    expect(await fake(answers).network.check(['10.96.0.0/16'])).toEqual({
      conflicts: [
        { subnet: '10.96.0.0/16', route: '10.0.0.0/8', device: 'vpn0' },
        { subnet: '10.96.0.0/16', route: '10.96.9.9/32', device: 'eth1' },
        { subnet: '10.96.0.0/16', route: '10.96.200.1/32', device: 'docker0' },
      ],
    });
    expect(await fake(answers).network.check(['fd00::/64', '172.16.0.0/12'])).toEqual({ conflicts: [] });
  });

  it('outdoes a route inside a captured block by its halves', async () => {
    const { network, did } = fake(answers);
    await network.set(state);
    expect(did.filter((line) => line.startsWith('ip route'))).toEqual([
      'ip route add 10.96.0.0/16 dev tel3',
      'ip route add 10.96.3.0/25 dev tel3',
      'ip route add 10.96.3.128/25 dev tel3',
    ]);
  });
});
