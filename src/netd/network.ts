/**
 * The workstation's network as one declared state. `set` moves from whatever is to what is wanted; everything made is
 * bound to a descriptor or a child of this process, so that its death undoes it without help.
 */
import { CodedError, messageOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { formatCidr, formatIp, parseCidr } from '../net/index.ts';
import type { NetCheck } from '../protocol/netd-api.ts';
import type { CommandRunner } from './command-runner.ts';
import { NETWORK_CHANGE_DELAY_MS, TUN_ADDRESS6, TUN_MTU } from './limits.ts';
import { findConflicts, planRoutes, readLocalNetwork } from './local-network.ts';
import type { NftOwner } from './nft-owner.ts';
import type { PacketThread } from './packet-thread.ts';
import { applyResolved } from './resolved.ts';
import { nftTransaction, planRuleset, type Ruleset } from './ruleset.ts';
import type { Tun } from './tun.ts';
import { readWanted, type Wanted, type WantedDns } from './wanted.ts';

export interface NetworkDeps {
  log: Log;
  runner: CommandRunner;
  /** Name of the nft table. */
  table: string;
  openTun(prefix: string): Tun;
  startPackets(tun: Tun, on: { networkChange(): void; death(reason: string): void }): PacketThread;
  startNft(onDeath: (how: string) => void): NftOwner;
  /** A part died; everything has been undone. */
  onFailed(message: string): void;
}

export interface Network {
  /** Makes the state so. When it fails everything is undone and the reason thrown; a later `set` begins anew. */
  set(params: unknown): Promise<{ device: string }>;
  check(subnets: string[]): Promise<NetCheck>;
  /** Undoes everything. Idempotent. */
  close(): Promise<void>;
}

interface Built {
  tun: Tun;
  packets: PacketThread;
  nft: NftOwner;
  wanted: Wanted;
  ruleset: Ruleset | undefined;
  addresses: string[];
  routes: string[];
  dns: WantedDns;
}

const addressesFor = ({ address, captured }: Wanted): string[] => {
  const own = `${formatIp(address.ip)}/${address.cidr.prefix}`;
  // A source address of its own: a workstation without IPv6 has none that an IPv6 connection could leave from.
  return address.ip.version === 4 && captured.some(({ version }) => version === 6) ? [own, TUN_ADDRESS6] : [own];
};

export function createNetwork(deps: NetworkDeps): Network {
  const { log, runner, table } = deps;
  let built: Built | undefined;
  let changeTimer: NodeJS.Timeout | undefined;
  let turn: Promise<unknown> = Promise.resolve();

  /** One change at a time, in the order they were asked for. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const mine = turn.then(work);
    turn = mine.catch(() => {});
    return mine;
  };

  const undo = async (): Promise<void> => {
    clearTimeout(changeTimer);
    changeTimer = undefined;
    const parts = built;
    built = undefined;
    if (parts === undefined) return;
    // Rules first: with them gone nothing is sent to a daemon that may not be there.
    await parts.nft.close();
    await parts.packets.close();
    parts.tun.close();
    log.info('undone', { device: parts.tun.device });
  };

  const fail = (message: string): void => {
    // A warning: the daemon's own end looks the same from here, and is none.
    log.warn(message);
    void inTurn(undo).then(
      () => deps.onFailed(message),
      (error: unknown) => log.error('undoing failed', { error }),
    );
  };

  const ipBatch = async (lines: string[]): Promise<void> => {
    if (lines.length > 0) await runner.run(['ip', '-batch', '-'], `${lines.join('\n')}\n`);
  };

  const build = async (wanted: Wanted): Promise<Built> => {
    const tun = deps.openTun(wanted.devicePrefix);
    const packets = deps.startPackets(tun, { networkChange: networkChanged, death: (reason) => fail(`The packets' thread ended: ${reason}.`) });
    const nft = deps.startNft((how) => fail(`The nft process that holds the rules ended: ${how}.`));
    built = { tun, packets, nft, wanted, ruleset: undefined, addresses: [], routes: [], dns: { mode: 'none' } };
    // No link-local address of its own: it would only send router solicitations into the cluster.
    await ipBatch([`link set dev ${tun.device} addrgenmode none`, `link set dev ${tun.device} mtu ${TUN_MTU} up`]);
    return built;
  };

  /** Changes the difference between what is built and `wanted`. */
  const apply = async (wanted: Wanted): Promise<{ device: string }> => {
    const parts = built ?? (await build(wanted));
    const { device } = parts.tun;
    const local = await readLocalNetwork(runner, device);

    const addresses = addressesFor(wanted);
    const routes = planRoutes(wanted.captured, local.routes);
    const gone = (old: string[], now: string[]) => old.filter((item) => !now.includes(item));
    await ipBatch([
      ...gone(addresses, parts.addresses).map((address) => `address add ${address} dev ${device}${address.includes(':') ? ' nodad' : ''}`),
      ...gone(parts.routes, routes).map((route) => `route del ${route} dev ${device}`),
      ...gone(parts.addresses, addresses).map((address) => `address del ${address} dev ${device}`),
    ]);
    parts.addresses = addresses;

    const ruleset = planRuleset(wanted, device, local.outside);
    const transaction = nftTransaction(table, parts.ruleset, ruleset);
    if (transaction !== undefined) await parts.nft.run(transaction);
    parts.ruleset = ruleset;

    // Routes come after the rules: no connection may reach the TUN unredirected.
    await ipBatch(gone(routes, parts.routes).map((route) => `route add ${route} dev ${device}`));
    parts.routes = routes;
    await applyResolved(runner, device, parts.dns, wanted.dns);
    parts.dns = wanted.dns;
    parts.wanted = wanted;
    return { device };
  };

  const networkChanged = (): void => {
    if (changeTimer !== undefined || built === undefined) return;
    changeTimer = setTimeout(() => {
      changeTimer = undefined;
      void inTurn(async () => {
        if (built !== undefined) await apply(built.wanted);
      }).catch((error: unknown) => fail(messageOf(error)));
    }, NETWORK_CHANGE_DELAY_MS);
  };

  return {
    set: (params) =>
      inTurn(async () => {
        const wanted = readWanted(params);
        try {
          const applied = await apply(wanted);
          log.info('set', { device: applied.device, captured: wanted.captured.map(formatCidr), dns: wanted.dns.mode });
          return applied;
        } catch (error) {
          await undo();
          throw error;
        }
      }),
    check: async (subnets) => {
      const wanted = subnets.map((text) => {
        const cidr = parseCidr(text);
        if (cidr === undefined) throw new CodedError('TP-NETD-FAILED', `${JSON.stringify(text)} is not a subnet.`);
        return cidr;
      });
      const local = await readLocalNetwork(runner, built?.tun.device);
      return { conflicts: findConflicts(wanted, local.routes) };
    },
    close: () => inTurn(undo),
  };
}
