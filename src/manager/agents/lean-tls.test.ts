import { once } from 'node:events';
import { type AddressInfo, connect as dial, type Server, type Socket } from 'node:net';
import { type Duplex, duplexPair } from 'node:stream';
import { text } from 'node:stream/consumers';
import { connect, createSecureContext, type TLSSocket } from 'node:tls';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { mintCa, mintLeaf } from '../tls/certificates.ts';
import { createLeanTlsServer, type LeanTlsOptions } from './lean-tls.ts';

const HOST = '127.0.0.1';
const MANY = 'some words '.repeat(200_000);
let ca: Awaited<ReturnType<typeof mintCa>>;
let secureContext: () => ReturnType<typeof createSecureContext>;
const contextFor = async (name: string) => {
  const { certificate, key } = await mintLeaf({ ca, name, hosts: [name], now: Date.now() });
  return createSecureContext({ cert: certificate, key });
};
beforeAll(async () => {
  ca = await mintCa({ name: 'test', now: Date.now() });
  const context = await contextFor('first.test');
  secureContext = () => context;
});

const servers: Server[] = [];
const sockets: { destroy(): void }[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
});

async function serve(options: Partial<LeanTlsOptions> = {}): Promise<number> {
  const server = createLeanTlsServer({ secureContext: () => secureContext(), handshakeMs: 60_000, onConnection: () => {}, onFailed: () => {}, ...options });
  servers.push(server);
  await once(server.listen(0, HOST), 'listening');
  return (server.address() as AddressInfo).port;
}
async function secure(port: number, servername = 'first.test', socket?: Duplex): Promise<TLSSocket> {
  const client = connect({ port, host: HOST, ca: ca.certificate, servername, ...(socket === undefined ? {} : { socket }) });
  sockets.push(client);
  await once(client, 'secureConnect');
  return client;
}
function tcp(port: number): Socket {
  const socket = dial(port, HOST).on('error', () => {});
  sockets.push(socket);
  return socket;
}
/** A client, and the TCP connection that it speaks through. */
async function throughTcp(port: number): Promise<{ client: TLSSocket; under: Socket }> {
  const under = tcp(port);
  const [near, far] = duplexPair();
  far.pipe(under).pipe(far);
  const client = await secure(port, 'first.test', near);
  client.on('error', () => {});
  return { client, under };
}

describe('a lean TLS server', () => {
  it('carries bytes both ways, and the end', async () => {
    const port = await serve({ onConnection: (secured) => void secured.pipe(secured) });
    const client = await secure(port);
    client.end(MANY);
    expect((await text(client)).length).toBe(MANY.length);
  });

  it('holds back whoever writes to a peer that does not read, and goes on when it does', async () => {
    const took = Promise.withResolvers<TLSSocket>();
    const port = await serve({ onConnection: took.resolve });
    const client = await secure(port);
    const server = await took.promise;
    client.pause();
    let written = 0;
    while (server.write(MANY.slice(0, 65_536))) written += 65_536;
    server.end();
    let read = 0;
    for await (const chunk of client as AsyncIterable<Buffer>) read += chunk.length;
    expect(read).toBe(written + 65_536);
  });

  it('keeps what came before the end for a reader that comes late', async () => {
    const took = Promise.withResolvers<TLSSocket>();
    const port = await serve({ onConnection: took.resolve });
    const client = await secure(port);
    const server = await took.promise;
    client.end(MANY.slice(0, 200_000));
    await once(client, 'finish');
    expect((await text(server)).length).toBe(200_000);
  });

  it('knows the far end, and takes a renewed certificate for the next connection', async () => {
    const addresses: (string | undefined)[] = [];
    let context = secureContext();
    const port = await serve({ secureContext: () => context, onConnection: (_secured, socket) => addresses.push(socket.remoteAddress) });
    await secure(port);
    context = await contextFor('second.test');
    await secure(port, 'second.test');
    await expect(secure(port, 'first.test')).rejects.toMatchObject({ code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
    expect(addresses.slice(0, 2)).toEqual([HOST, HOST]);
  });

  it('ends what is no handshake, and one that does not come', async () => {
    const failed = Promise.withResolvers<Error>();
    const noisy = tcp(await serve({ onFailed: failed.resolve, onConnection: () => expect.unreachable() }));
    noisy.write('GET / HTTP/1.1\r\n\r\n');
    noisy.resume();
    await once(noisy, 'close');
    expect(await failed.promise).toBeInstanceOf(Error);
    const silent = tcp(await serve({ handshakeMs: 1, onConnection: () => expect.unreachable() }));
    silent.resume();
    await once(silent, 'close');
  });

  it('ends a connection that breaks TLS later, and says why', async () => {
    const ended = Promise.withResolvers<Error>();
    const port = await serve({ onConnection: (secured) => void secured.on('error', ended.resolve).resume() });
    const { under } = await throughTcp(port);
    under.write('this is no record of TLS');
    expect(await ended.promise).toBeInstanceOf(Error);
  });

  it('is gone when the far end is, without an end', async () => {
    const took = Promise.withResolvers<TLSSocket>();
    const port = await serve({ onConnection: took.resolve });
    const { under } = await throughTcp(port);
    const server = await took.promise;
    const failed = once(server, 'error');
    server.resume();
    under.resetAndDestroy();
    expect(await failed).toMatchObject([{ code: 'ECONNRESET' }]);
    expect(server.destroyed).toBe(true);
  });
});
