import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SHARED_READ_BYTES } from './limits.ts';
import { connectShared } from './shared-read.ts';

const hash = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

describe('a dialled connection that reads into the shared buffer', () => {
  const served = [randomBytes(3_000_001), randomBytes(2_000_003)];
  let accepted: Socket[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    accepted.push(socket);
    socket.once('data', (first) => socket.end(served[Number(String(first))] as Buffer));
  });
  const port = () => (server.address() as AddressInfo).port;
  beforeAll(async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterAll(() => {
    for (const socket of accepted) socket.destroy();
    accepted = [];
    server.close();
  });

  it('brings each connection its own bytes, all of them and in order', async () => {
    const sockets = [0, 1].map((index) =>
      connectShared({ host: '127.0.0.1', port: port() }).on('connect', function (this: Socket) {
        this.write(String(index));
      }),
    );
    const got = await Promise.all(sockets.map((socket) => buffer(socket)));
    expect(got.map(hash)).toEqual(served.map(hash));
  });

  it('stops reading while nobody reads, and goes on where it was', async () => {
    const socket = connectShared({ host: '127.0.0.1', port: port() });
    socket.pause();
    socket.write('0');
    await once(socket, 'readable');
    await new Promise((resolve) => setImmediate(resolve));
    expect(socket.readableLength).toBeLessThanOrEqual(socket.readableHighWaterMark + SHARED_READ_BYTES);
    expect(hash(await buffer(socket))).toBe(hash(served[0] as Buffer));
  });

  it('hears the end of the other side and may still write', async () => {
    const socket = connectShared({ host: '127.0.0.1', port: port(), allowHalfOpen: true });
    socket.write('1');
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    await once(socket, 'end');
    expect(hash(Buffer.concat(chunks))).toBe(hash(served[1] as Buffer));
    const last = accepted.at(-1) as Socket;
    const heard = once(last, 'data');
    socket.end('after');
    expect(String((await heard)[0])).toBe('after');
  });
});
