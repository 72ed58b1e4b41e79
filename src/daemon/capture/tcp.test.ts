import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type Duplex, PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { silentLog } from '../../base/log.ts';
import { relay } from '../../tunnel/index.ts';
import { type Capture, startCapture } from './tcp.ts';

const TARGET = { host: '10.96.0.7', port: 80 };

async function setUp(
  dial: (first: Uint8Array | undefined) => Duplex | Promise<Duplex>,
  options: { isCaptured?: () => boolean; firstBytesWaitMs?: number } = {},
): Promise<{ capture: Capture; client: () => Socket }> {
  const capture = await startCapture({
    log: silentLog,
    relay,
    isCaptured: () => true,
    readDestination: () => TARGET,
    dial: (target, first) => {
      expect(target).toEqual(TARGET);
      return dial(first);
    },
    ...options,
  });
  return { capture, client: () => connect({ port: capture.port, host: '127.0.0.1', allowHalfOpen: true }) };
}

function echo(first: Uint8Array | undefined): Duplex {
  const through = new PassThrough();
  if (first !== undefined) through.write(first);
  return through;
}

const failure = (socket: Socket) => new Promise<string>((resolve) => socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? '')));

describe('a captured connection', () => {
  it('gives its first bytes with the opening and loses none', async () => {
    const firsts: (number | undefined)[] = [];
    const dial = (first: Uint8Array | undefined) => {
      firsts.push(first?.length);
      return echo(first);
    };
    const { capture, client } = await setUp(dial, { firstBytesWaitMs: 10_000 });
    const body = 'x'.repeat(1_000_000);
    const socket = client();
    socket.end(body);
    expect((await text(socket)) === body).toBe(true);
    expect(firsts[0]).toBeGreaterThan(0);
    await capture.close();
  });

  it('is opened without a word of the client, for servers that speak first', async () => {
    const { capture, client } = await setUp((first) => {
      const stream = echo(first);
      expect(first).toBeUndefined();
      stream.write('220 hello');
      return stream;
    });
    const socket = client();
    expect(String((await once(socket, 'data'))[0])).toBe('220 hello');
    socket.end();
    await once(socket, 'close');
    await capture.close();
  });

  it('passes an end without a byte on', async () => {
    const { capture, client } = await setUp(echo);
    const socket = client();
    socket.end();
    expect(await text(socket)).toBe('');
    await capture.close();
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('refused');
      },
    ],
    ['rejects', () => Promise.reject(new Error('refused'))],
  ])('is reset when dialling %s', async (_, dial) => {
    const { capture, client } = await setUp(dial);
    expect(await failure(client())).toBe('ECONNRESET');
    await capture.close();
  });

  it('ends the stream that opens after its client has gone', async () => {
    const { promise, resolve } = Promise.withResolvers<Duplex>();
    const dialled = Promise.withResolvers<void>();
    const { capture, client } = await setUp(() => {
      dialled.resolve();
      return promise;
    });
    const socket = client();
    await once(socket, 'connect');
    await dialled.promise;
    socket.resetAndDestroy();
    await expect.poll(() => capture.connections).toBe(0);
    const stream = new PassThrough();
    resolve(stream);
    await expect.poll(() => stream.destroyed).toBe(true);
    await capture.close();
  });

  it('is dropped undialled when it goes to no address of the cluster', async () => {
    const { capture, client } = await setUp(() => expect.unreachable('dialled'), { isCaptured: () => false });
    expect(await text(client())).toBe('');
    await capture.close();
    await capture.close();
  });
});
