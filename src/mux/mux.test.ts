import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { Duplex, duplexPair } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { muxCompliance, readAll } from '../../test/compliance/mux.ts';
import { silentLog } from '../base/log.ts';
import { FrameDecoder } from './decoder.ts';
import { encodeFrame, FLAG, FRAME } from './frame.ts';
import { createMux, type Mux, type MuxStream } from './index.ts';
import { INITIAL_WINDOW } from './limits.ts';

async function tcpPair(): Promise<[Duplex, Duplex]> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve));
  const a = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const b = await accepted;
  server.close();
  return [a, b];
}

/** A pair whose chunks arrive cut at odd places. */
function cuttingPair(): [Duplex, Duplex] {
  const [a, b] = duplexPair();
  const cut = (inner: Duplex): Duplex => {
    let seed = 7;
    const outer = new Duplex({
      read: () => inner.resume(),
      write: (chunk: Buffer, _encoding, done) => void inner.write(chunk, () => done()),
      final: (done) => inner.end(done),
      destroy: (error, done) => {
        inner.destroy();
        done(error);
      },
    });
    inner.on('data', (chunk: Buffer) => {
      for (let at = 0; at < chunk.length; ) {
        seed = (seed * 16_807) % 2_147_483_647;
        const take = seed % 3 === 0 ? 1 + (seed % 13) : 1 + (seed % 30_000);
        if (!outer.push(chunk.subarray(at, at + take))) inner.pause();
        at += take;
      }
    });
    inner.on('end', () => outer.push(null));
    inner.on('close', () => outer.destroy());
    return outer;
  };
  return [cut(a), b];
}

muxCompliance('memory', async () => duplexPair());
muxCompliance('tcp', tcpPair);
muxCompliance('a transport that cuts its chunks', async () => cuttingPair());

type Op = { stream: number; kind: 'write' | 'pause' | 'resume' | 'end' | 'reset'; size: number };
const ops = fc.array(
  fc.record<Op>({
    stream: fc.nat(11),
    kind: fc.constantFrom('write', 'write', 'write', 'pause', 'resume', 'end', 'reset'),
    size: fc.oneof(fc.nat(100), fc.nat(300_000)),
  }),
  { maxLength: 60 },
);

describe('properties', () => {
  it('whatever is done to many streams, each one that is not reset carries its own bytes, whole and in order', async () => {
    await fc.assert(
      fc.asyncProperty(ops, async (script) => {
        const [a, b] = cuttingPair();
        const got = new Map<number, Buffer>();
        const readers: Promise<void>[] = [];
        const peers = new Map<number, MuxStream>();
        const server = createMux(b, {
          role: 'server',
          log: silentLog,
          onStream: (stream) => {
            const chunks: Buffer[] = [];
            peers.set(stream.id, stream);
            stream.on('data', (chunk: Buffer) => chunks.push(chunk));
            readers.push(
              new Promise((resolve) => {
                stream.on('end', () => {
                  got.set(stream.id, Buffer.concat(chunks));
                  stream.end();
                });
                stream.on('close', resolve);
              }),
            );
          },
        });
        const client = createMux(a, { role: 'client', log: silentLog });
        const streams = Array.from({ length: 12 }, () => {
          const stream = client.open();
          stream.resume();
          return { stream, sent: [] as Buffer[], reset: false, fill: stream.id };
        });
        await client.ping();
        for (const { stream: index, kind, size } of script) {
          const entry = streams[index] as (typeof streams)[number];
          const { stream } = entry;
          if (stream.writableEnded || stream.destroyed) continue;
          if (kind === 'write') {
            const bytes = Buffer.alloc(size, entry.fill++);
            entry.sent.push(bytes);
            stream.write(bytes);
          } else if (kind === 'end') {
            stream.end();
          } else if (kind === 'reset') {
            entry.reset = true;
            stream.reset('aborted');
          } else {
            peers.get(stream.id)?.[kind]();
          }
          if (size % 5 === 0) await new Promise((resolve) => setImmediate(resolve));
        }
        for (const { stream } of streams) if (!stream.destroyed) stream.end();
        for (const peer of peers.values()) peer.resume();
        await Promise.all(readers);
        for (const { stream, sent, reset } of streams) {
          if (!reset) expect(got.get(stream.id)?.equals(Buffer.concat(sent))).toBe(true);
        }
        expect([client.streams, server.streams]).toEqual([0, 0]);
        await client.close();
        expect(await server.closed).toBeUndefined();
      }),
      { numRuns: 40 },
    );
  });

  it('the decoder tells the same frames however the bytes are cut', () => {
    const frame = fc.record({ type: fc.nat(3), flags: fc.nat(15), id: fc.nat(0xffff), payload: fc.uint8Array({ maxLength: 40 }) });
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 8 }), fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 }), (frames, cuts) => {
        const bytes = Buffer.concat(frames.map((f) => encodeFrame(f.type, f.flags, f.id, f.payload.length, f.type === FRAME.data ? f.payload : undefined)));
        const told: { type: number; flags: number; id: number; payload: number[] }[] = [];
        const decoder = new FrameDecoder({
          header: (type, flags, id) => void told.push({ type, flags, id, payload: [] }),
          payload: (piece) => void told.at(-1)?.payload.push(...piece),
          malformed: (message) => expect.unreachable(message),
        });
        for (let at = 0, i = 0; at < bytes.length; i++) {
          const take = cuts[i % cuts.length] as number;
          decoder.push(bytes.subarray(at, at + take));
          at += take;
        }
        expect(told).toEqual(frames.map((f) => ({ type: f.type, flags: f.flags, id: f.id, payload: f.type === FRAME.data ? [...f.payload] : [] })));
      }),
    );
  });

  it('no bytes of a peer end the process or leave a stream behind', async () => {
    const header = fc
      .record({
        version: fc.constantFrom(0, 0, 0, 0, 0, 0, 0, 0, 0, 1),
        type: fc.nat(4),
        flags: fc.nat(15),
        id: fc.nat(9),
        length: fc.oneof(fc.nat(40), fc.constant(0xffff_ffff), fc.constant(INITIAL_WINDOW + 1)),
      })
      .map(({ version, type, flags, id, length }) => {
        const bytes = encodeFrame(type, flags, id, length, type === FRAME.data && length <= 40 ? Buffer.alloc(length) : undefined);
        bytes[0] = version;
        return bytes;
      });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(header, header, header, fc.uint8Array({ maxLength: 50 }))), async (pieces) => {
        const [a, b] = duplexPair();
        const streams: MuxStream[] = [];
        const server = createMux(b, { role: 'server', log: silentLog, onStream: (stream) => void streams.push(stream.resume()) });
        a.on('error', () => {});
        a.resume();
        for (const piece of pieces) if (!a.destroyed) a.write(piece);
        a.end();
        await server.closed;
        expect(streams.every((stream) => stream.destroyed)).toBe(true);
        expect(server.streams).toBe(0);
        b.destroy();
      }),
      { numRuns: 300 },
    );
  });
});

describe('a peer that breaks the protocol', () => {
  /** Speaks raw frames to a server mux; resolves with the reason of the GOAWAY that ends the session. */
  async function say(frames: Buffer[], onStream: (stream: MuxStream) => void = () => {}): Promise<{ reason: string; server: Mux }> {
    const [a, b] = duplexPair();
    const server = createMux(b, { role: 'server', log: silentLog, onStream });
    for (const frame of frames) a.write(frame);
    const bytes = await readAll(a);
    a.end();
    expect(await server.closed).toMatchObject({ code: 'protocol' });
    const told: { type: number; id: number; length: number; text: string }[] = [];
    new FrameDecoder({
      header: (type, _flags, id, length) => void told.push({ type, id, length, text: '' }),
      payload: (piece) => {
        const frame = told.at(-1);
        if (frame !== undefined) frame.text += piece.toString();
      },
      malformed: (message) => expect.unreachable(message),
    }).push(bytes);
    expect(told.at(-1)).toMatchObject({ type: FRAME.goAway, id: 0, length: 1 });
    return { reason: told.at(-2)?.text ?? '', server };
  }
  const syn = (id: number, length = 0) => encodeFrame(FRAME.data, FLAG.syn, id, length);

  it.each([
    ['a frame version', [Buffer.from([1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])], 'frame version 1'],
    ['a frame type', [Buffer.from([0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])], 'frame type 9'],
    ['data for a stream that was never opened', [encodeFrame(FRAME.data, 0, 7, 1, Buffer.from('x'))], 'never opened'],
    ['credit for a stream that was never opened', [encodeFrame(FRAME.windowUpdate, 0, 7, 1)], 'never opened'],
    ['a stream of our own numbers', [syn(2)], "can't be opened"],
    ['a stream opened twice', [syn(1), syn(1)], "can't be opened"],
    ['more than the window', [syn(1, INITIAL_WINDOW + 1)], 'overran its window'],
    ['data after the end', [encodeFrame(FRAME.data, FLAG.syn | FLAG.fin, 1, 0), encodeFrame(FRAME.data, 0, 1, 1, Buffer.from('x'))], 'after the end'],
    ['too much credit', [syn(1), encodeFrame(FRAME.windowUpdate, 0, 1, 0xffff_ffff)], 'too much credit'],
    ['a reason without end', [syn(1), encodeFrame(FRAME.data, FLAG.rst, 1, 100_000)], 'reason is too long'],
  ])('with %s is told so and left', async (_name, frames, reason) => {
    expect((await say(frames)).reason).toContain(reason);
  });

  it('that floods with pings and does not read is left', async () => {
    const [a, b] = duplexPair();
    const server = createMux(b, { role: 'server', log: silentLog });
    const pings = Buffer.concat(Array.from({ length: 5_000 }, (_, i) => encodeFrame(FRAME.ping, FLAG.syn, 0, i)));
    a.on('error', () => {});
    for (let i = 0; i < 100 && !a.destroyed; i++) {
      a.write(pings);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await server.closed).toMatchObject({ message: 'the peer floods this side and does not read' });
    a.destroy();
  });
});

describe('windows', () => {
  /** Delays everything by `ms` each way. */
  function delayed(ms: number): [Duplex, Duplex] {
    const [a, b] = duplexPair();
    const slow = (inner: Duplex): Duplex => {
      const outer = new Duplex({
        highWaterMark: 32 * 1024 * 1024,
        read: () => {},
        write: (chunk: Buffer, _encoding, done) => {
          setTimeout(() => inner.write(chunk), ms);
          done();
        },
        final: (done) => {
          setTimeout(() => inner.end(), ms);
          done();
        },
        destroy: (error, done) => {
          inner.destroy();
          done(error);
        },
      });
      inner.on('data', (chunk: Buffer) => outer.push(chunk));
      inner.on('end', () => outer.push(null));
      return outer;
    };
    return [slow(a), b];
  }

  it('grow when the line is long, so that it is not they that limit it', async () => {
    const [a, b] = delayed(20);
    const server = createMux(b, { role: 'server', log: silentLog, onStream: (stream) => stream.resume().on('end', () => stream.end()) });
    const client = createMux(a, { role: 'client', log: silentLog });
    const stream = client.open();
    const started = performance.now();
    stream.end(Buffer.alloc(32 * 1024 * 1024));
    await readAll(stream);
    const trips = (performance.now() - started) / 20;
    // 128 windows of 256 KiB would take as many round trips.
    expect(trips).toBeLessThan(48);
    client.abort(new Error('over'));
    await server.closed;
  });

  it('do not grow by the queue that they make themselves', async () => {
    // a line of 50 MB/s without delay, before which any amount may wait
    const [a, b] = duplexPair();
    const waiting: Buffer[] = [];
    const deliver = async (): Promise<void> => {
      let freeAt = performance.now();
      for (let chunk = waiting[0]; chunk !== undefined; chunk = waiting[0]) {
        freeAt += chunk.length / 50_000;
        const early = freeAt - performance.now();
        if (early > 1) await new Promise((resolve) => setTimeout(resolve, early));
        a.write(chunk);
        waiting.shift();
      }
    };
    const line = new Duplex({
      highWaterMark: 64 * 1024 * 1024,
      read: () => {},
      write: (chunk: Buffer, _encoding, done) => {
        if (waiting.push(chunk) === 1) void deliver();
        done();
      },
      destroy: (error, done) => {
        a.destroy();
        done(error);
      },
    });
    a.on('data', (chunk: Buffer) => line.push(chunk));
    a.on('end', () => line.push(null));
    const sender = createMux(line, { role: 'server', log: silentLog, onStream: (stream) => stream.on('error', () => {}).end(Buffer.alloc(48 * 1024 * 1024)) });
    const receiver = createMux(b, { role: 'client', log: silentLog });
    await receiver.ping();
    const stream = receiver.open(Buffer.from('x'));
    const waits: number[] = [];
    let over = false;
    stream.resume().once('end', () => {
      over = true;
    });
    while (!over) waits.push(await receiver.ping());
    // a queue as long as the windows could be would leave time for a dozen
    expect(waits.length).toBeGreaterThan(20);
    receiver.abort(new Error('over'));
    await sender.closed;
  });

  it('can start larger than the format says', async () => {
    const [a, b] = duplexPair();
    const initialWindow = 1024 * 1024;
    const opened = Promise.withResolvers<MuxStream>();
    const server = createMux(b, { role: 'server', log: silentLog, initialWindow, onStream: opened.resolve });
    const client = createMux(a, { role: 'client', log: silentLog, initialWindow });
    const stream = client.open(Buffer.from('x'));
    await opened.promise;
    await client.ping();
    let acknowledged = 0;
    for (let i = 0; i < 15; i++) stream.write(Buffer.alloc(65_536), () => acknowledged++);
    await client.ping();
    await client.ping();
    expect(acknowledged).toBe(15);
    client.abort(new Error('over'));
    await server.closed;
    expect(() => createMux(duplexPair()[0], { role: 'client', log: silentLog, initialWindow: 1 })).toThrow(RangeError);
  });
});
