import { duplexPair } from 'node:stream';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { silentLog } from '../base/log.ts';
import { encodeFrame, FLAG, FRAME } from './frame.ts';
import { createMux, type Mux, type MuxStream } from './index.ts';
import { INITIAL_WINDOW } from './limits.ts';

describe('what waits for a reader', () => {
  /** A window's worth in frames of one byte, each in a chunk of its own. */
  async function crumbs(): Promise<{ stream: MuxStream; mux: Mux; sent: Buffer }> {
    const [near, far] = duplexPair();
    const opened = Promise.withResolvers<MuxStream>();
    const mux = createMux(near, { role: 'server', log: silentLog, onStream: opened.resolve });
    far.write(encodeFrame(FRAME.data, FLAG.syn, 1, 0));
    const sent = Buffer.from(Array.from({ length: INITIAL_WINDOW }, (_, i) => i & 255));
    for (let at = 0; at < sent.length; at += 2_048) {
      for (let i = at; i < at + 2_048; i++) far.write(encodeFrame(FRAME.data, 0, 1, 1, sent.subarray(i, i + 1)));
      await new Promise((resolve) => setImmediate(resolve));
    }
    far.write(encodeFrame(FRAME.data, FLAG.fin, 1, 0));
    const stream = await opened.promise;
    while (stream.waiting < sent.length) await new Promise((resolve) => setImmediate(resolve));
    return { stream, mux, sent };
  }

  it('costs its own size, in however small frames it came', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const used = () => {
      collect();
      const { heapUsed, external } = process.memoryUsage();
      return heapUsed + external;
    };
    await crumbs().then(({ mux }) => mux.abort(new Error('warm')));
    const before = used();
    const { stream, mux } = await crumbs();
    expect(stream.waiting).toBe(INITIAL_WINDOW);
    expect(used() - before).toBeLessThan(8 * INITIAL_WINDOW);
    mux.abort(new Error('over'));
  });

  it.each(['data', 'readable', 'iterator'] as const)('comes whole and in order to who reads late, by %s', async (how) => {
    const { stream, mux, sent } = await crumbs();
    const got: Buffer[] = [];
    if (how === 'iterator') for await (const chunk of stream as AsyncIterable<Buffer>) got.push(chunk);
    else {
      const ended = new Promise((resolve) => stream.once('end', resolve));
      if (how === 'data') stream.on('data', (chunk: Buffer) => got.push(chunk));
      else
        stream.on('readable', () => {
          for (let chunk = stream.read() as Buffer | null; chunk !== null; chunk = stream.read() as Buffer | null) got.push(chunk);
        });
      await ended;
    }
    expect(Buffer.concat(got).equals(sent)).toBe(true);
    mux.abort(new Error('over'));
  });

  it('is shed where most of it is', async () => {
    const [near, far] = duplexPair();
    const streams: MuxStream[] = [];
    const mux = createMux(near, { role: 'server', log: silentLog, onStream: (stream) => streams.push(stream.on('error', () => {})) });
    const peer = createMux(far, { role: 'client', log: silentLog });
    for (const size of [10, 5_000, 100]) peer.open(Buffer.alloc(size)).on('error', () => {});
    while (mux.waiting < 5_110) await new Promise((resolve) => setImmediate(resolve));
    mux.shed();
    expect(streams.map(({ resetReason }) => resetReason)).toEqual([undefined, 'overload', undefined]);
    // and the frame that tells the peer
    expect(mux.waiting).toBeLessThan(200);
    mux.abort(new Error('over'));
    peer.abort(new Error('over'));
  });
});
