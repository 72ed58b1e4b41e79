import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { duplexPair } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import { silentLog } from '../../base/log.ts';
import { createMux, type Mux, type MuxStream } from '../../mux/index.ts';
import { createDatagramStream } from '../../tunnel/index.ts';
import { createSlots } from './quota.ts';
import { serveTcp } from './tcp.ts';
import { serveUdp } from './udp.ts';
import { createWaitingBytes } from './waiting.ts';

const free = { user: 'alice', waiting: createWaitingBytes({ log: silentLog }) };
const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** A stream of a workstation and the manager's end of it. */
async function pair(first: string): Promise<{ near: MuxStream; far: MuxStream }> {
  const [a, b] = duplexPair();
  const server = Promise.withResolvers<MuxStream>();
  const muxes: Mux[] = [createMux(a, { role: 'client', log: silentLog }), createMux(b, { role: 'server', log: silentLog, onStream: server.resolve })];
  closing.push(() => {
    for (const mux of muxes) mux.abort(new Error('over'));
  });
  const near = (muxes[0] as Mux).open(Buffer.from(first));
  near.on('error', () => {});
  const far = await server.promise;
  far.on('error', () => {});
  return { near, far };
}
async function listen(serve: (socket: Socket) => void): Promise<number> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    serve(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

describe('outbound tcp', () => {
  it('sends the first bytes, half-closes both ways and counts', async () => {
    const port = await listen((socket) => socket.pipe(socket));
    const { near, far } = await pair('hello');
    const served = serveTcp(far, { address: '127.0.0.1', port }, { ...free, dials: createSlots(1) });
    near.end(' world');
    let text = '';
    for await (const chunk of near) text += String(chunk);
    expect(text).toBe('hello world');
    expect(await served).toEqual({ outcome: 'done', up: 11, down: 11 });
  });

  it('resets with the reason of a failed dial', async () => {
    const port = await listen(() => {});
    closing.splice(-1)[0]?.();
    const { near, far } = await pair('x');
    const slots = createSlots(1);
    expect(await serveTcp(far, { address: '127.0.0.1', port }, { ...free, dials: slots })).toMatchObject({ outcome: 'refused' });
    await new Promise((resolve) => near.once('close', resolve));
    expect(near.resetReason).toBe('refused');
    expect(slots.taken).toBe(0);
  });

  it('gives up when the stream ends while the dial waits for its turn', async () => {
    const slots = createSlots(1);
    const release = slots.tryTake();
    const { near, far } = await pair('x');
    const served = serveTcp(far, { address: '127.0.0.1', port: 1 }, { ...free, dials: slots });
    near.reset('aborted');
    expect(await served).toMatchObject({ outcome: 'aborted' });
    release?.();
    expect(slots.taken).toBe(0);
  });
});

describe('slots', () => {
  it('serve waiters in order and never more than the limit', async () => {
    const slots = createSlots(2);
    const { signal } = new AbortController();
    const first = await slots.take(signal);
    const second = await slots.take(signal);
    const order: number[] = [];
    const third = slots.take(signal).then((release) => {
      order.push(3);
      return release;
    });
    const fourth = slots.take(signal).then((release) => {
      order.push(4);
      return release;
    });
    expect(slots.tryTake()).toBeUndefined();
    first();
    first();
    const release = await third;
    expect(slots.taken).toBe(2);
    second();
    (await fourth)();
    release();
    expect(order).toEqual([3, 4]);
    expect(slots.taken).toBe(0);
  });
});

describe('outbound udp', () => {
  it('carries datagrams both ways and ends when idle', async () => {
    const echo = createSocket('udp4', (message, from) => echo.send(message, from.port, from.address));
    echo.bind(0, '127.0.0.1');
    await once(echo, 'listening');
    closing.push(() => echo.close());
    const { near, far } = await pair('');
    const served = serveUdp(far, { address: '127.0.0.1', port: echo.address().port, family: 4 }, { idleMs: 50 });
    const flow = createDatagramStream(near);
    const sizes = [0, 1, 1400, 60_000];
    const received: number[] = [];
    flow.onDatagram((datagram) => received.push(datagram.length));
    for (const size of sizes) flow.send(Buffer.alloc(size));
    expect(await served).toEqual({ outcome: 'done', up: 61_401, down: 61_401 });
    expect(received).toEqual(sizes);
  });

  it('is reset as refused when nobody listens', async () => {
    const free = createSocket('udp4').bind(0, '127.0.0.1');
    await once(free, 'listening');
    const { port } = free.address();
    free.close();
    const { near, far } = await pair('');
    const served = serveUdp(far, { address: '127.0.0.1', port, family: 4 }, {});
    createDatagramStream(near).send(Buffer.from('x'));
    expect(await served).toMatchObject({ outcome: 'refused' });
  });
});
