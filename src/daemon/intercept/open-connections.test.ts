import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import type { MuxStream } from '../../mux/index.ts';
import { OpenConnections } from './open-connections.ts';

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** A process that answers `pong` to everything and closes when its client does. */
async function connection(onData: (socket: net.Socket) => void): Promise<net.Socket> {
  const server = net.createServer((socket) => socket.on('data', () => onData(socket)).on('error', () => undefined));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => server.close());
  const socket = net.connect((server.address() as AddressInfo).port, '127.0.0.1');
  await once(socket, 'connect');
  closers.push(() => socket.destroy());
  return socket;
}

const stream = (): { stream: MuxStream; resets: string[] } => {
  const resets: string[] = [];
  return { resets, stream: { reset: (reason: string) => resets.push(reason) } as unknown as MuxStream };
};

it('ends a quiet connection in order: the process closes, and nothing is reset', async () => {
  const connections = new OpenConnections();
  const socket = await connection((peer) => peer.write('pong'));
  const side = stream();
  connections.add('uid', side.stream, socket);
  socket.write('ping');
  await once(socket, 'data');
  connections.drain('uid');
  await once(socket, 'close');
  expect(side.resets).toEqual([]);
});

it('leaves connections of other intercepts alone', async () => {
  const connections = new OpenConnections();
  const socket = await connection((peer) => peer.write('pong'));
  connections.add('other', stream().stream, socket);
  connections.drain('uid');
  socket.write('ping');
  expect(String((await once(socket, 'data'))[0])).toBe('pong');
});
