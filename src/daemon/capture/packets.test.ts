import { Duplex } from 'node:stream';
import { describe, expect, it, vi } from 'vitest';
import { silentLog } from '../../base/log.ts';
import { UDP_IDLE_MS } from '../../protocol/tunnel.ts';
import { buildUdp, parsePacket, parseUdp } from './ip-packet.ts';
import { UDP_FLOW_LIMIT, UDP_PENDING_LIMIT, UDP_SWEEP_MS } from './limits.ts';
import { type DatagramFlow, startPackets } from './packets.ts';

const CLIENT = Buffer.of(10, 0, 0, 1);
const SERVICE = Buffer.of(10, 96, 0, 7);

function setUp(openFlow: (target: { host: string; port: number }) => Promise<DatagramFlow> | DatagramFlow, now?: () => number) {
  const injected: Buffer[] = [];
  const socket = new Duplex({
    read: () => {},
    write: (chunk: Buffer, _encoding, done) => {
      injected.push(chunk.subarray(2));
      done();
    },
  });
  const packets = startPackets({ log: silentLog, socket, openFlow, ...(now && { now }) });
  const send = (text: string, port = 9, from = 5000) => {
    const packet = buildUdp(CLIENT, from, SERVICE, port, Buffer.from(text), 2);
    packet.writeUInt16BE(packet.length - 2, 0);
    socket.emit('data', packet);
  };
  return { packets, injected, send };
}

function flow() {
  const sent: string[] = [];
  let hear: ((datagram: Buffer) => void) | undefined;
  let end: ((refused: boolean) => void) | undefined;
  const made: DatagramFlow = {
    send: (datagram) => sent.push(Buffer.from(datagram).toString()) > 0,
    onDatagram: (listener) => {
      hear = listener;
    },
    onClose: (listener) => {
      end = listener;
    },
    close: vi.fn(),
  };
  return { made, sent, answer: (text: string) => hear?.(Buffer.from(text)), end: (refused: boolean) => end?.(refused) };
}

const text = (packet: Buffer | undefined) => {
  const parsed = packet && parsePacket(packet);
  return parsed && parseUdp(parsed)?.data.toString();
};

describe('captured UDP', () => {
  it('keeps datagrams in order while the flow is being opened, and brings answers back from the address that was asked', async () => {
    const f = flow();
    const { promise, resolve } = Promise.withResolvers<DatagramFlow>();
    const { send, injected } = setUp(() => promise);
    send('one');
    send('two');
    resolve(f.made);
    await promise;
    send('three');
    expect(f.sent).toEqual(['one', 'two', 'three']);
    f.answer('back');
    await expect.poll(() => injected).toHaveLength(1);
    expect(text(injected[0])).toBe('back');
    expect(parsePacket(injected[0] as Buffer)).toMatchObject({ source: SERVICE, destination: CLIENT });
  });

  it('holds no more than its bound while a flow is being opened', async () => {
    const f = flow();
    const { promise, resolve } = Promise.withResolvers<DatagramFlow>();
    const { send } = setUp(() => promise);
    for (let i = 0; i < UDP_PENDING_LIMIT + 50; i++) send(String(i));
    resolve(f.made);
    await promise;
    expect(f.sent).toHaveLength(UDP_PENDING_LIMIT);
  });

  it('answers with an ICMP error when the flow can’t be opened, or is refused later', async () => {
    const f = flow();
    const { send, injected, packets } = setUp(({ port }) => (port === 1 ? Promise.reject(new Error('no')) : f.made));
    send('x', 1);
    await expect.poll(() => injected).toHaveLength(1);
    send('x', 2);
    f.end(true);
    await expect.poll(() => injected).toHaveLength(2);
    for (const packet of injected) expect([packet[9], packet[20], packet[21]]).toEqual([1, 3, 3]);
    expect(packets.flows).toBe(0);
  });

  it('ends flows that were idle, not those in use', () => {
    vi.useFakeTimers();
    try {
      const idle = flow();
      const busy = flow();
      let time = 0;
      const { send, packets } = setUp(
        ({ port }) => (port === 1 ? idle.made : busy.made),
        () => time,
      );
      send('x', 1);
      send('x', 2);
      time = UDP_IDLE_MS - 1;
      send('x', 2);
      time = UDP_IDLE_MS + 1;
      vi.advanceTimersByTime(UDP_SWEEP_MS);
      expect(idle.made.close).toHaveBeenCalledOnce();
      expect(busy.made.close).not.toHaveBeenCalled();
      expect(packets.flows).toBe(1);
      packets.close();
      expect(busy.made.close).toHaveBeenCalledOnce();
    } finally {
      vi.useRealTimers();
    }
  });

  it('never has more flows than its bound', () => {
    const first = flow();
    let count = 0;
    const { send, packets } = setUp(() => (count++ === 0 ? first.made : flow().made));
    for (let i = 0; i <= UDP_FLOW_LIMIT; i++) send('x', 9, 1 + i);
    expect(packets.flows).toBe(UDP_FLOW_LIMIT);
    expect(first.made.close).toHaveBeenCalledOnce();
    packets.close();
  });
});
