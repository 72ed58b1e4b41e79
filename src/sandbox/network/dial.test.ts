import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { expect, it } from 'vitest';
import { loadLibc } from '../node/runtime/libc.ts';
import { dialHere } from './dial.ts';

it.skipIf(process.platform !== 'linux')('a connection that is reset while nobody listens ends, and nothing else does', async () => {
  const accepted = Promise.withResolvers<Socket>();
  const server = createServer(accepted.resolve).listen(0, '127.0.0.1');
  try {
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const socket = await dialHere(loadLibc(), (open) => open(), '127.0.0.1', port, 10_000);
    (await accepted.promise).resetAndDestroy();
    await new Promise<void>((closed) => socket.once('close', () => closed()));
    expect(socket.destroyed).toBe(true);
  } finally {
    server.close();
  }
});
