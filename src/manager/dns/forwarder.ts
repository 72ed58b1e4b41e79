/** One way to a DNS server for many askers: a few UDP sockets, TCP for what does not fit. */
import { randomInt } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { connect, isIPv6 } from 'node:net';
import type { Log } from '../../base/log.ts';
import {
  answersQuestion,
  createFrameReader,
  DnsQueryError,
  type DnsQuestion,
  frameMessage,
  idOf,
  isMessage,
  isTruncated,
  questionOf,
  withId,
} from '../../dns/index.ts';

export const FORWARD_TIMEOUT_MS = 4000;
/** A UDP query without an answer is sent again from another socket, then after twice that time: kernels lose one of two at once (conntrack's race). */
export const FORWARD_RETRY_MS = 1000;
export const FORWARD_UDP_SOCKETS = 8;
/** Queries in work for all workstations. Sent three times each at most, they leave ids free on every socket. */
export const FORWARD_PENDING_LIMIT = 16_384;
/** Sockets without a query are closed after this, and with them the source ports change. */
export const FORWARD_IDLE_MS = 30_000;

export interface DnsForwarder {
  /** @throws DnsQueryError */
  query(message: Buffer, signal?: AbortSignal): Promise<Buffer>;
  close(): void;
}

interface Pending {
  question: DnsQuestion | undefined;
  settle(answer: Buffer): void;
}

interface Lane {
  socket: Socket;
  pending: Map<number, Pending>;
  ready: boolean;
  queue: Buffer[];
}

export function createDnsForwarder({
  log,
  address,
  port = 53,
  timeoutMs = FORWARD_TIMEOUT_MS,
  retryMs = FORWARD_RETRY_MS,
}: {
  log: Log;
  address: string;
  port?: number;
  timeoutMs?: number;
  retryMs?: number;
}): DnsForwarder {
  const lanes: (Lane | undefined)[] = Array.from({ length: FORWARD_UDP_SOCKETS });
  let idle: NodeJS.Timeout | undefined;
  let turn = 0;
  let working = 0;
  let closed = false;

  function openLane(index: number): Lane {
    const lane: Lane = { socket: createSocket(isIPv6(address) ? 'udp6' : 'udp4'), pending: new Map(), ready: false, queue: [] };
    lanes[index] = lane;
    lane.socket.on('connect', () => {
      lane.ready = true;
      for (const message of lane.queue.splice(0)) lane.socket.send(message);
    });
    lane.socket.on('message', (answer) => {
      const entry = isMessage(answer) ? lane.pending.get(idOf(answer)) : undefined;
      if (entry !== undefined && answersQuestion(answer, entry.question)) entry.settle(answer);
    });
    // A refusal of the server's host arrives here; the retry takes another socket, the time-out ends it.
    lane.socket.on('error', (error) => {
      log.debug("a socket towards the cluster's DNS failed", { address, error });
      if (lanes[index] === lane) lanes[index] = undefined;
      lane.socket.close();
    });
    lane.socket.connect(port, address);
    return lane;
  }

  function closeIdle(): void {
    for (const [index, lane] of lanes.entries()) {
      if (lane === undefined || (lane.pending.size > 0 && !closed)) continue;
      lanes[index] = undefined;
      lane.socket.close();
    }
  }

  /** Sends one query over UDP; returns how to forget it. */
  function sendUdp(message: Buffer, settle: (answer: Buffer) => void): () => void {
    turn = (turn + 1) % FORWARD_UDP_SOCKETS;
    const lane = lanes[turn] ?? openLane(turn);
    let id = randomInt(0x10000);
    while (lane.pending.has(id)) id = (id + 1) & 0xffff;
    lane.pending.set(id, { question: questionOf(message), settle });
    const bytes = withId(message, id);
    if (lane.ready) lane.socket.send(bytes);
    else lane.queue.push(bytes);
    return () => lane.pending.delete(id);
  }

  function queryTcp(message: Buffer, signal: AbortSignal): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: address, port });
      const frames = createFrameReader();
      const question = questionOf(message);
      const stop = () => {
        reject(signal.reason);
        socket.destroy();
      };
      signal.addEventListener('abort', stop, { once: true });
      socket.setNoDelay(true);
      socket.on('connect', () => socket.write(frameMessage(message)));
      socket.on('data', (chunk: Buffer) => {
        for (const answer of frames.push(chunk)) {
          if (!answersQuestion(answer, question) || idOf(answer) !== idOf(message)) continue;
          resolve(answer);
          socket.destroy();
        }
      });
      socket.on('error', (error) => reject(new DnsQueryError('closed', "the cluster's DNS can't be reached over TCP", error)));
      socket.on('close', () => {
        signal.removeEventListener('abort', stop);
        reject(new DnsQueryError('closed', "the cluster's DNS hung up"));
      });
    });
  }

  function queryUdp(message: Buffer, signal: AbortSignal): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const forgets: (() => void)[] = [];
      const end = () => {
        clearTimeout(retry);
        signal.removeEventListener('abort', abort);
        for (const forget of forgets) forget();
      };
      const settle = (answer: Buffer) => {
        end();
        resolve(withId(answer, idOf(message)));
      };
      const abort = () => {
        end();
        reject(signal.reason);
      };
      const again = (waitMs: number) => {
        forgets.push(sendUdp(message, settle));
        retry = setTimeout(again, waitMs, waitMs * 2);
      };
      let retry: NodeJS.Timeout | undefined;
      signal.addEventListener('abort', abort, { once: true });
      again(retryMs);
    });
  }

  return {
    async query(message, signal) {
      if (closed) throw new DnsQueryError('closed', 'the forwarder is closed');
      if (signal?.aborted === true) throw new DnsQueryError('aborted', 'the query was given up', signal.reason);
      if (working >= FORWARD_PENDING_LIMIT) throw new DnsQueryError('overload', "too many queries wait for the cluster's DNS");
      working++;
      idle ??= setInterval(closeIdle, FORWARD_IDLE_MS).unref();
      const stop = new AbortController();
      const giveUp = () => stop.abort(new DnsQueryError('aborted', 'the query was given up', signal?.reason));
      const timer = setTimeout(() => stop.abort(new DnsQueryError('timeout', "the cluster's DNS did not answer in time")), timeoutMs);
      signal?.addEventListener('abort', giveUp, { once: true });
      try {
        const answer = await queryUdp(message, stop.signal);
        return isTruncated(answer) ? await queryTcp(message, stop.signal) : answer;
      } finally {
        working--;
        clearTimeout(timer);
        signal?.removeEventListener('abort', giveUp);
      }
    },
    close() {
      closed = true;
      clearInterval(idle);
      closeIdle();
    },
  };
}
