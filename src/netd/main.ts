/**
 * netd, the privileged program, as small as can be: TUN, routes, nftables, resolver link. It listens nowhere: it dials
 * the daemon's socket, is told a wanted state, and undoes it when that socket closes.
 */
import { connect, type Socket } from 'node:net';
import { z } from 'zod';
import { CodedError, codeOf } from '../base/errors.ts';
import { giveBackWhenIdle } from '../base/idle-memory.ts';
import type { Log } from '../base/log.ts';
import { sleep } from '../base/retry.ts';
import { VERSION } from '../base/version.ts';
import { createRpcPeer } from '../rpc/index.ts';
import { keepOnlyNetAdmin } from './capabilities.ts';
import { createCommandRunner } from './command-runner.ts';
import { loadLibc } from './libc.ts';
import { DIAL_RETRY_MS, DIAL_TIMEOUT_MS, STATE_LIST_LIMIT } from './limits.ts';
import { createNetwork } from './network.ts';
import { startNftOwner } from './nft-owner.ts';
import { connectPackets, startPacketThread } from './packet-thread.ts';
import { openTun } from './tun.ts';

export interface NetdOptions {
  /** Path of the daemon's socket. */
  socket: string;
  log: Log;
  uid: number;
  pid: number;
  /** See {@link startPacketThread}. */
  workerUrl: URL;
  /** Aborted: undo everything and end. */
  signal: AbortSignal;
}

const checkSchema = z.looseObject({ subnets: z.array(z.string()).max(STATE_LIST_LIMIT) });

function dialOnce(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      resolve(socket);
    });
  });
}

/** The daemon may be about to listen. */
async function dial(path: string, signal: AbortSignal): Promise<Socket> {
  const until = performance.now() + DIAL_TIMEOUT_MS;
  for (;;) {
    try {
      return await dialOnce(path);
    } catch (error) {
      const early = ['ENOENT', 'ECONNREFUSED'].includes(codeOf(error) ?? '');
      if (!early || performance.now() > until) throw new CodedError('TP-NETD-FAILED', `netd can't reach the daemon at ${path}.`, { cause: error });
      await sleep(DIAL_RETRY_MS, signal);
    }
  }
}

/** Runs until the daemon's socket closes or `signal` is aborted; everything is undone when it resolves. */
export async function main(options: NetdOptions): Promise<void> {
  const { log, signal } = options;
  if (options.uid !== 0) throw new CodedError('TP-ROOT-NEEDED', 'netd sets up the network and must run as root.');
  const libc = loadLibc();
  const socket = await dial(options.socket, signal);
  const packetsFd = connectPackets(libc, options.socket);
  keepOnlyNetAdmin(libc);

  const network = createNetwork({
    log,
    runner: createCommandRunner(),
    table: `telepresence_${options.pid}`,
    openTun: (prefix) => openTun(libc, prefix),
    startPackets: (tun, on) =>
      startPacketThread({ libc, workerUrl: options.workerUrl, tun: tun.fd, socket: packetsFd, onNetworkChange: on.networkChange, onDeath: on.death }),
    startNft: (onDeath) => startNftOwner({ log, onDeath }),
    onFailed: (message) => peer.notify('failed', { message }),
  });
  const peer = createRpcPeer(socket, {
    log,
    handlers: {
      set: (params) => network.set(params),
      check: (params) => network.check(checkSchema.parse(params).subnets),
    },
  });
  peer.notify('hello', { pid: options.pid, version: VERSION });
  log.info('connected to the daemon', { pid: options.pid, version: VERSION });
  const stopGivingBack = giveBackWhenIdle();
  const stop = () => peer.close();
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  await peer.closed;
  signal.removeEventListener('abort', stop);
  stopGivingBack();
  await network.close();
  libc.close(packetsFd);
  log.info('the daemon is gone: ended');
}
