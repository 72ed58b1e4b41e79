/** The daemon's end of the link to netd: a socket that netd dials twice, once for calls and once for packets. */
import { once } from 'node:events';
import { chmod, rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { z } from 'zod';
import type { Log } from '../../base/log.ts';
import { sleep } from '../../base/retry.ts';
import { type NetCheck, netAppliedSchema, netCheckSchema, type netStateSchema } from '../../protocol/netd-api.ts';
import { createRpcPeer, type RpcPeer } from '../../rpc/index.ts';
import { NETD_CALL_TIMEOUT_MS, NETD_UNDO_TIMEOUT_MS } from './limits.ts';

export interface NetdLink {
  readonly pid: number;
  readonly version: string;
  /** Packets of the TUN, for startPackets. */
  readonly packets: Socket;
  /** Makes the workstation's network so; the same state again changes nothing. @throws TP-NETD-FAILED; then everything is undone. */
  set(state: z.input<typeof netStateSchema>): Promise<{ device: string }>;
  /** Which local routes overlap these subnets. Changes nothing. */
  check(subnets: readonly string[]): Promise<NetCheck>;
  /** A part of netd's died and everything has been undone; the link itself is still there. */
  onFailed(listener: (message: string) => void): void;
  /** Resolves when netd is gone, whoever ended it. */
  readonly closed: Promise<void>;
  /** Ends netd; resolves when it has undone everything. Idempotent. */
  close(): Promise<void>;
}

export interface NetdServer {
  /** Whether a netd is there now. */
  readonly linked: boolean;
  /** The netd that is there, or the next one to come. Rejects with the signal's reason. */
  link(options?: { signal?: AbortSignal }): Promise<NetdLink>;
  /** Ends netd too. Idempotent. */
  close(): Promise<void>;
}

const GREETING = Buffer.from('packets\n');
const helloSchema = z.looseObject({ pid: z.number().int(), version: z.string() });
const failedSchema = z.looseObject({ message: z.string() });

/** Tells which connection this is by its first bytes: the packets' begins with its greeting, the calls' with `{`. */
function greet(socket: Socket, on: { packets: () => void; calls: () => void }): void {
  let heard: Buffer = Buffer.alloc(0);
  const listen = (chunk: Buffer) => {
    heard = heard.length === 0 ? chunk : Buffer.concat([heard, chunk]);
    const isPackets = GREETING.subarray(0, heard.length).equals(heard.subarray(0, GREETING.length));
    if (isPackets && heard.length < GREETING.length) return;
    socket.off('data', listen);
    socket.pause();
    const rest = isPackets ? heard.subarray(GREETING.length) : heard;
    if (rest.length > 0) socket.unshift(rest);
    if (isPackets) on.packets();
    else on.calls();
  };
  socket.on('data', listen);
}

interface Half {
  peer?: RpcPeer;
  hello?: { pid: number; version: string };
  packets?: Socket;
  failed: ((message: string) => void)[];
}

function createLink(peer: RpcPeer, packets: Socket, hello: { pid: number; version: string }, failed: Half['failed']): NetdLink {
  const packetsClosed = new Promise<void>((resolve) => (packets.destroyed ? resolve() : packets.once('close', () => resolve())));
  const closed = peer.closed.then(async () => {
    // netd lets go of the packets when it has undone everything, or when it is dead. It may hang.
    await Promise.race([packetsClosed, sleep(NETD_UNDO_TIMEOUT_MS)]);
    packets.destroy();
  });
  void packetsClosed.then(() => peer.close());
  packets.once('end', () => packets.destroy());
  const call = (method: string, params: unknown) => peer.call(method, params, { timeoutMs: NETD_CALL_TIMEOUT_MS });
  return {
    ...hello,
    packets,
    set: async (state) => netAppliedSchema.parse(await call('set', state)),
    check: async (subnets) => netCheckSchema.parse(await call('check', { subnets })),
    onFailed: (listener) => void failed.push(listener),
    closed,
    close: () => {
      peer.close();
      return closed;
    },
  };
}

/** Listens at `socketPath` (0600); a socket that an earlier daemon left there is replaced. */
export async function startNetdServer(options: { socketPath: string; log: Log }): Promise<NetdServer> {
  const { socketPath, log } = options;
  let half: Half = { failed: [] };
  let current: NetdLink | undefined;
  const waiting = new Set<(link: NetdLink) => void>();
  const sockets = new Set<Socket>();

  const complete = (): void => {
    const { peer, hello, packets, failed } = half;
    if (peer === undefined || hello === undefined || packets === undefined) return;
    half = { failed: [] };
    const link = createLink(peer, packets, hello, failed);
    current = link;
    log.info('netd is here', hello);
    void link.closed.then(() => {
      if (current === link) current = undefined;
      log.info('netd is gone', { pid: link.pid });
    });
    for (const resolve of waiting) resolve(link);
    waiting.clear();
  };

  const calls = (socket: Socket, mine: Half): void => {
    mine.peer = createRpcPeer(socket, {
      log,
      onNotify: {
        hello: (params) => {
          mine.hello = helloSchema.parse(params);
          complete();
        },
        failed: (params) => {
          const { message } = failedSchema.parse(params);
          for (const listener of mine.failed) listener(message);
        },
      },
    });
    void mine.peer.closed.then(() => {
      if (half !== mine) return;
      mine.packets?.destroy();
      half = { failed: [] };
    });
  };

  const server = createServer((socket) => {
    socket.on('error', (error) => log.debug('the connection to netd failed', { error }));
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    greet(socket, {
      calls: () => {
        if (current === undefined && half.peer === undefined) return calls(socket, half);
        log.warn('a second netd was turned away');
        socket.destroy();
      },
      packets: () => {
        if (current !== undefined || half.packets !== undefined) return void socket.destroy();
        half.packets = socket;
        complete();
      },
    });
  });
  server.on('error', (error) => log.error('the socket for netd failed', { error }));
  await rm(socketPath, { force: true });
  server.listen(socketPath);
  await once(server, 'listening');
  await chmod(socketPath, 0o600);

  return {
    get linked() {
      return current !== undefined;
    },
    link: ({ signal } = {}) =>
      new Promise((resolve, reject) => {
        if (current !== undefined) return resolve(current);
        if (signal?.aborted) return reject(signal.reason);
        const found = (link: NetdLink) => {
          signal?.removeEventListener('abort', give);
          resolve(link);
        };
        const give = () => {
          waiting.delete(found);
          reject(signal?.reason);
        };
        waiting.add(found);
        signal?.addEventListener('abort', give, { once: true });
      }),
    close: async () => {
      if (!server.listening) return;
      const closed = once(server, 'close');
      server.close();
      await current?.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
