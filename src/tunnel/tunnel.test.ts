import { randomBytes } from 'node:crypto';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { type Duplex, duplexPair } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import { silentLog } from '../base/log.ts';
import { createMux, type Mux, type MuxStream } from '../mux/index.ts';
import { HELLO_LIMIT } from '../protocol/tunnel.ts';
import {
  acceptTunnel,
  createDatagramStream,
  createSessionKeys,
  encodeStreamHeader,
  readStreamHeader,
  relay,
  resetStream,
  startTunnel,
  verifyNonce,
} from './index.ts';

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

async function listen(onConnection: (socket: Socket) => void): Promise<number> {
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    cleanups.push(() => socket.destroy());
    onConnection(socket);
  });
  cleanups.push(() => server.close());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

function dial(port: number): Socket {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  socket.on('error', () => {});
  cleanups.push(() => socket.destroy());
  return socket;
}

async function readAll(stream: Duplex): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function muxPair(onStream: (stream: MuxStream) => void): { client: Mux; server: Mux } {
  const [a, b] = duplexPair();
  const server = createMux(b, { role: 'server', log: silentLog, onStream });
  const client = createMux(a, { role: 'client', log: silentLog });
  cleanups.push(() => client.abort(new Error('test over')));
  return { client, server };
}

/** A client connection and what it reaches through socket → mux → mux → socket. */
async function chain(onTarget: (socket: Socket) => void): Promise<Socket> {
  const target = await listen(onTarget);
  const { client } = muxPair(async (stream) => {
    const header = await readStreamHeader(stream);
    if (header.t !== 'tcp') throw new Error('unexpected header');
    void relay(stream, dial(header.port));
  });
  const front = await listen((socket) => void relay(socket, client.open(encodeStreamHeader({ t: 'tcp', host: '127.0.0.1', port: target }))));
  return dial(front);
}

describe('stream header', () => {
  it('leaves the bytes behind it readable, however they are cut', async () => {
    const bytes = encodeStreamHeader({ t: 'tcp', host: '10.0.0.1', port: 80 }, Buffer.from('GET / HTTP/1.1'));
    for (let cut = 0; cut <= bytes.length; cut++) {
      const [a, b] = duplexPair();
      if (cut > 0) a.write(bytes.subarray(0, cut));
      setImmediate(() => a.end(bytes.subarray(cut)));
      expect(await readStreamHeader(b)).toEqual({ t: 'tcp', host: '10.0.0.1', port: 80 });
      expect((await readAll(b)).toString()).toBe('GET / HTTP/1.1');
    }
  });

  it('is refused when it is no header, too long, cut off, or late', async () => {
    const bad = [Buffer.from([0xff, 0xff, 1]), Buffer.from([0, 2, 0x7b, 0x7d]), Buffer.from([0, 1, 0x7b])];
    for (const bytes of bad) {
      const [a, b] = duplexPair();
      a.write(bytes);
      await expect(readStreamHeader(b)).rejects.toThrow(/stream header/);
    }
    const [a, b] = duplexPair();
    a.end(Buffer.from([0]));
    await expect(readStreamHeader(b)).rejects.toThrow(/ended before/);
    const [, silent] = duplexPair();
    await expect(readStreamHeader(silent, { timeoutMs: 5 })).rejects.toThrow(/did not come within 5 ms/);
    await expect(readStreamHeader(duplexPair()[0], { signal: AbortSignal.abort(new Error('stop')) })).rejects.toThrow('stop');
  });
});

describe('relay', () => {
  it('carries both directions byte-exact and passes half-close on', async () => {
    const sent = randomBytes(5_000_000);
    const socket = await chain((target) => {
      const chunks: Buffer[] = [];
      target.on('data', (chunk) => chunks.push(chunk));
      target.on('end', () => target.end(Buffer.concat(chunks)));
    });
    socket.end(sent);
    expect((await readAll(socket)).equals(sent)).toBe(true);
  });

  it('resets the client when the target refuses', async () => {
    const port = await listen(() => {});
    cleanups.pop()?.();
    const { client } = muxPair(async (stream) => {
      await readStreamHeader(stream);
      void relay(stream, dial(port));
    });
    const stream = client.open(encodeStreamHeader({ t: 'tcp', host: '127.0.0.1', port }));
    const [a, b] = duplexPair();
    const result = await relay(stream, a);
    expect(stream.resetReason).toBe('refused');
    expect(result.error?.message).toBe('stream reset: refused');
    expect(b.destroyed || a.destroyed).toBe(true);
  });

  it('resets the target when the client breaks off', async () => {
    const { promise, resolve } = Promise.withResolvers<string>();
    const socket = await chain((target) => {
      target.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'error'));
      target.on('data', () => socket.resetAndDestroy());
    });
    socket.write('x');
    expect(await promise).toBe('ECONNRESET');
  });

  it('stops reading the one while the other does not read', async () => {
    const [a, far] = duplexPair();
    const [b, stalled] = duplexPair();
    void relay(a, b);
    let written = 0;
    const chunk = Buffer.alloc(65_536);
    while (written < 64 * 1024 * 1024) {
      written += chunk.length;
      if (!far.write(chunk)) {
        const drained = await Promise.race([
          new Promise((resolve) => far.once('drain', () => resolve(true))),
          new Promise((resolve) => setTimeout(() => resolve(false), 100)),
        ]);
        if (drained === false) break;
      }
    }
    expect(written).toBeLessThan(4 * 1024 * 1024);
    stalled.resume();
    far.end();
    await new Promise((resolve) => stalled.once('end', resolve));
    stalled.end();
    far.resume();
  });

  it('ends both sides when aborted', async () => {
    const [a] = duplexPair();
    const [b] = duplexPair();
    const controller = new AbortController();
    const done = relay(a, b, { signal: controller.signal });
    controller.abort(new Error('enough'));
    expect((await done).error?.message).toBe('enough');
    expect(a.destroyed && b.destroyed).toBe(true);
  });

  it('settles when a side was over before it began', async () => {
    const [a] = duplexPair();
    a.destroy();
    await new Promise((resolve) => a.once('close', resolve));
    const [b] = duplexPair();
    expect((await relay(a, b)).error).toBeDefined();
    resetStream(b, 'aborted');
  });
});

describe('datagrams', () => {
  it('keep their bounds, empty and large ones, however they are cut', async () => {
    const [a, b] = duplexPair();
    const sizes = [0, 1, 60_000, 0, 65_507, 3];
    const got: number[] = [];
    const all = new Promise<void>((resolve) => {
      createDatagramStream(b).onDatagram((datagram) => {
        got.push(datagram.length);
        if (got.length === sizes.length) resolve();
      });
    });
    const wire: Buffer[] = [];
    const [c, d] = duplexPair();
    d.on('data', (chunk: Buffer) => wire.push(chunk));
    const sender = createDatagramStream(c);
    for (const size of sizes) expect(sender.send(Buffer.alloc(size, size))).toBe(true);
    expect(sender.send(Buffer.alloc(65_508))).toBe(false);
    c.end();
    await new Promise((resolve) => d.once('end', resolve));
    const bytes = Buffer.concat(wire);
    for (let at = 0; at < bytes.length; at += 7_001) a.write(bytes.subarray(at, at + 7_001));
    await all;
    expect(got).toEqual(sizes);
  });

  it('are dropped while too many wait', () => {
    const [a] = duplexPair();
    const stream = createDatagramStream(a);
    let sent = 0;
    while (stream.send(Buffer.alloc(10_000))) sent++;
    expect(sent).toBeGreaterThan(10);
    expect(sent).toBeLessThan(100);
  });
});

describe('handshake', () => {
  const nonce = 'bm9uY2U';
  const session = { name: 's', uid: 'u-1' };

  it('proves the session and starts the mux at once', async () => {
    const keys = createSessionKeys();
    const [a, b] = duplexPair();
    const client = startTunnel(a, { nonce, session, kind: 'control', sign: keys.sign, version: '1', log: silentLog, onStream: () => {} });
    const stream = client.open(Buffer.from('first'));
    const first = Promise.withResolvers<string>();
    const { mux, hello } = await acceptTunnel(b, {
      nonce,
      verify: async (said) => {
        if (!verifyNonce(keys.publicKey, nonce, said.session.uid, said.signature)) throw new Error('bad signature');
      },
      log: silentLog,
      onStream: (opened) => opened.on('data', (chunk: Buffer) => first.resolve(chunk.toString())),
    });
    expect(hello).toMatchObject({ kind: 'control', session });
    expect(await first.promise).toBe('first');
    stream.destroy();
    await Promise.all([client.close(), mux.close()]);
  });

  it('tells the daemon why it was refused', async () => {
    const keys = createSessionKeys();
    const [a, b] = duplexPair();
    const client = startTunnel(a, { nonce: 'other', session, kind: 'data', sign: keys.sign, version: '1', log: silentLog, onStream: () => {} });
    const stream = client.open();
    const verify = async (hello: { signature: string }) => {
      if (!verifyNonce(keys.publicKey, nonce, session.uid, hello.signature)) throw new Error('bad signature');
    };
    await expect(acceptTunnel(b, { nonce, verify, log: silentLog, onStream: () => {} })).rejects.toThrow('bad signature');
    await client.closed;
    expect(client.goneAway).toBe('bad signature');
    expect(stream.destroyed).toBe(true);
  });

  it('refuses a hello that is too long, no JSON, or late', async () => {
    for (const bytes of ['x'.repeat(HELLO_LIMIT + 2), '{}\n', 'GET / HTTP/1.1\n']) {
      const [a, b] = duplexPair();
      a.on('data', () => {});
      a.write(bytes);
      await expect(acceptTunnel(b, { nonce, verify: async () => {}, log: silentLog, onStream: () => {} })).rejects.toThrow(/hello line/);
    }
    const [, b] = duplexPair();
    await expect(acceptTunnel(b, { nonce, verify: async () => {}, log: silentLog, onStream: () => {}, timeoutMs: 5 })).rejects.toThrow(/did not come/);
  });

  it('takes no signature of another key, nonce or session, and nothing malformed', () => {
    const keys = createSessionKeys();
    const good = keys.sign('telepresence-tunnel-v1:n.u');
    expect(verifyNonce(keys.publicKey, 'n', 'u', good)).toBe(true);
    expect(verifyNonce(createSessionKeys().publicKey, 'n', 'u', good)).toBe(false);
    expect(verifyNonce(keys.publicKey, 'n2', 'u', good)).toBe(false);
    expect(verifyNonce(keys.publicKey, 'n', 'u2', good)).toBe(false);
    expect(verifyNonce('AAAA', 'n', 'u', good)).toBe(false);
    expect(verifyNonce(keys.publicKey, 'n', 'u', 'nonsense')).toBe(false);
    expect(verifyNonce(Buffer.alloc(32, 255).toString('base64'), 'n', 'u', good)).toBe(false);
  });
});
