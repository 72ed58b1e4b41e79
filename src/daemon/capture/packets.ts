/** Captured UDP: packets of the TUN become flows of datagrams through the tunnel, and their answers packets again. */
import type { Duplex } from 'node:stream';
import { createFrameCutter } from '../../base/framing.ts';
import type { Log } from '../../base/log.ts';
import { formatIp, ipFromBytes } from '../../net/index.ts';
import { UDP_IDLE_MS } from '../../protocol/tunnel.ts';
import { createDatagramStream } from '../../tunnel/index.ts';
import {
  buildUdp,
  buildUnreachable,
  mayAnswerWithError,
  type ParsedUdp,
  PROTOCOL,
  parsePacket,
  parseUdp,
  UDP_HEADER,
  type UnreachableReason,
  udpRoom,
} from './ip-packet.ts';
import { PACKET_BACKLOG_LIMIT, UDP_FLOW_LIMIT, UDP_PENDING_LIMIT, UDP_SWEEP_MS } from './limits.ts';

/** Datagrams to one destination and back. */
export interface DatagramFlow {
  /** False: dropped. */
  send(datagram: Uint8Array): boolean;
  onDatagram(listener: (datagram: Buffer) => void): void;
  /** Called at most once, when the flow ends without {@link close}; `refused`: nothing listens there. */
  onClose(listener: (refused: boolean) => void): void;
  close(): void;
}

export interface PacketsOptions {
  log: Log;
  /** The packet connection from netd. */
  socket: Duplex;
  openFlow: (target: { host: string; port: number }) => Promise<DatagramFlow> | DatagramFlow;
  /** For tests. */
  now?: () => number;
}

export interface Packets {
  /** Flows that are open now. */
  readonly flows: number;
  /** Ends all flows and stops reading; the connection stays the caller's. Idempotent. */
  close(): void;
}

interface Flow {
  udp: ParsedUdp;
  /** The packet that began it, as far as an ICMP error quotes it. */
  head: Buffer;
  lastUsed: number;
  /** Datagrams that wait for `open`. */
  pending: Buffer[];
  open?: DatagramFlow | undefined;
  ended: boolean;
}

const LENGTH_BYTES = 2;

/** A flow over a stream of the tunnel: its errors and its end are taken care of. */
export function createDatagramFlow(stream: Duplex): DatagramFlow {
  const datagrams = createDatagramStream(stream);
  let closed = false;
  let tell: ((refused: boolean) => void) | undefined;
  let refused: boolean | undefined;
  const over = (error?: Error | null) => {
    if (closed || refused !== undefined) return;
    refused = error instanceof Error && 'reason' in error && error.reason === 'refused';
    tell?.(refused);
    stream.destroy();
  };
  stream.on('error', over);
  stream.once('end', () => over());
  stream.once('close', () => over());
  return {
    send: (datagram) => datagrams.send(datagram),
    onDatagram: (listener) => datagrams.onDatagram(listener),
    onClose: (listener) => {
      tell = listener;
      if (refused !== undefined) listener(refused);
    },
    close: () => {
      closed = true;
      datagrams.close();
      // The other end has nothing more to say to a flow that is over.
      stream.resume();
    },
  };
}

/** Addresses and ports in one string: they stand side by side in a packet without IP options. */
function keyOf(packet: Buffer, { version, payload }: ParsedUdp): string {
  if (version === 6) return packet.toString('latin1', 8, 44);
  return (packet[0] as number) === 0x45 ? packet.toString('latin1', 12, 24) : packet.toString('latin1', 12, 20) + payload.toString('latin1', 0, 4);
}

export function startPackets(options: PacketsOptions): Packets {
  const { log, socket, openFlow, now = () => performance.now() } = options;
  /** In the order of last use, to within UDP_SWEEP_MS. */
  const flows = new Map<string, Flow>();
  let corked = false;
  let closed = false;

  const uncork = () => {
    corked = false;
    socket.uncork();
  };

  /** `framed` has its first two bytes free for the length. */
  const inject = (framed: Buffer): void => {
    if (closed || socket.destroyed || socket.writableLength + framed.length > PACKET_BACKLOG_LIMIT) return;
    framed.writeUInt16BE(framed.length - LENGTH_BYTES, 0);
    if (!corked) {
      corked = true;
      socket.cork();
      setImmediate(uncork);
    }
    socket.write(framed);
  };

  const drop = (key: string, flow: Flow): void => {
    if (flow.ended) return;
    flow.ended = true;
    flow.open?.close();
    if (flows.get(key) === flow) flows.delete(key);
  };

  const answer = (key: string, flow: Flow, datagram: Buffer): void => {
    const { udp } = flow;
    if (flow.ended || datagram.length > udpRoom(udp.version)) return;
    touch(key, flow);
    inject(buildUdp(udp.destination, udp.destinationPort, udp.source, udp.sourcePort, datagram, LENGTH_BYTES));
  };

  const refuse = (flow: Flow): void => inject(buildUnreachable(flow.head, flow.udp, 'port', LENGTH_BYTES));

  const touch = (key: string, flow: Flow): void => {
    const time = now();
    if (time - flow.lastUsed < UDP_SWEEP_MS) return;
    flow.lastUsed = time;
    flows.delete(key);
    flows.set(key, flow);
  };

  const opened = (key: string, flow: Flow, open: DatagramFlow): void => {
    if (flow.ended) return open.close();
    flow.open = open;
    open.onClose((refused) => {
      if (refused) refuse(flow);
      flow.open = undefined;
      drop(key, flow);
    });
    open.onDatagram((datagram) => answer(key, flow, datagram));
    for (const datagram of flow.pending) open.send(datagram);
    flow.pending = [];
  };

  const begin = (key: string, packet: Buffer, udp: ParsedUdp): Flow => {
    for (const [oldKey, old] of flows) {
      if (flows.size < UDP_FLOW_LIMIT) break;
      drop(oldKey, old);
    }
    // Copies: `packet` is a view of a large read that shall not be kept for as long as the flow.
    const source = Buffer.from(udp.source);
    const destination = Buffer.from(udp.destination);
    const head = Buffer.from(packet.subarray(0, packet.length - udp.payload.length + UDP_HEADER));
    const flow: Flow = { udp: { ...udp, source, destination, payload: head, data: head }, head, lastUsed: now(), pending: [], ended: false };
    flows.set(key, flow);
    const target = { host: formatIp(ipFromBytes(destination)), port: udp.destinationPort };
    const failed = (error: unknown) => {
      log.debug('a UDP flow was refused', { ...target, error });
      if (!flow.ended) refuse(flow);
      drop(key, flow);
    };
    try {
      const open = openFlow(target);
      if (open instanceof Promise) open.then((ready) => opened(key, flow, ready), failed);
      else opened(key, flow, open);
    } catch (error) {
      failed(error);
    }
    return flow;
  };

  const fromTun = (packet: Buffer): void => {
    const parsed = parsePacket(packet);
    if (parsed === undefined) return;
    const udp = parsed.protocol === PROTOCOL.udp ? parseUdp(parsed) : undefined;
    if (udp === undefined || !mayAnswerWithError(parsed)) {
      // Fail fast: nothing but UDP goes this way, TCP is redirected before it gets here.
      const reason: UnreachableReason = parsed.protocol === PROTOCOL.tcp ? 'port' : 'prohibited';
      if (mayAnswerWithError(parsed)) inject(buildUnreachable(packet, parsed, reason, LENGTH_BYTES));
      return;
    }
    const key = keyOf(packet, udp);
    const flow = flows.get(key) ?? begin(key, packet, udp);
    touch(key, flow);
    if (flow.open !== undefined) flow.open.send(udp.data);
    else if (!flow.ended && flow.pending.length < UDP_PENDING_LIMIT) flow.pending.push(Buffer.from(udp.data));
  };

  const sweep = setInterval(() => {
    const before = now() - UDP_IDLE_MS;
    for (const [key, flow] of flows) {
      if (flow.lastUsed > before) break;
      drop(key, flow);
    }
  }, UDP_SWEEP_MS);
  sweep.unref();

  const onData = createFrameCutter(fromTun);
  const onError = (error: Error) => log.debug('the packet connection failed', { error });
  socket.on('error', onError);
  socket.on('data', onData);
  socket.resume();

  return {
    get flows() {
      return flows.size;
    },
    close: () => {
      if (closed) return;
      closed = true;
      clearInterval(sweep);
      socket.off('data', onData);
      for (const [key, flow] of flows) drop(key, flow);
    },
  };
}
