import { once } from 'node:events';
import http from 'node:http';
import type net from 'node:net';
import { type Duplex, duplexPair } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { silentLog } from '../base/log.ts';
import { createKubeClient } from './client.ts';
import { startFakeApi } from './testing/fake-api-server.ts';
import { acceptWebSocket, createWebSocketStream } from './websocket.ts';
import { createFrameParser, frameHeader, OPCODE } from './websocket-frames.ts';

async function readAll(stream: Duplex): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

describe('the frame parser', () => {
  it('gives the same bytes however they are cut', () => {
    const messages = fc.array(fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.uint8Array({ minLength: 65530, maxLength: 65545 })), { maxLength: 4 });
    fc.assert(
      fc.property(messages, fc.array(fc.integer({ min: 1, max: 70_000 }), { minLength: 1 }), fc.boolean(), (bodies, cuts, masked) => {
        const mask = masked ? Buffer.alloc(4) : undefined;
        const wire = Buffer.concat(
          bodies.flatMap((body) => [frameHeader(OPCODE.binary, body.length, mask), Buffer.from(body), frameHeader(OPCODE.ping, 2, mask), Buffer.from('hi')]),
        );
        const got: Buffer[] = [];
        let pings = 0;
        let starts = 0;
        const parser = createFrameParser(masked, {
          onData: (chunk, start) => {
            got.push(Buffer.from(chunk));
            if (start) starts++;
          },
          onControl: (opcode, payload) => {
            expect([opcode, payload.toString()]).toEqual([OPCODE.ping, 'hi']);
            pings++;
          },
        });
        for (let at = 0, i = 0; at < wire.length; i++) {
          const size = cuts[i % cuts.length] ?? 1;
          parser.push(Buffer.from(wire.subarray(at, at + size)));
          at += size;
        }
        expect(Buffer.concat(got).equals(Buffer.concat(bodies))).toBe(true);
        expect([pings, starts, parser.between]).toEqual([bodies.length, bodies.length, true]);
      }),
      { numRuns: 25 },
    );
  });

  it('never throws anything but its own error, and keeps no more than a header', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, masked) => {
        const parser = createFrameParser(masked, { onData: () => {}, onControl: () => {} });
        try {
          parser.push(Buffer.from(bytes));
        } catch (error) {
          expect(error).toMatchObject({ name: 'WebSocketProtocolError' });
        }
      }),
    );
  });
});

describe('the stream', () => {
  it('carries bytes both ways through the ws package as server, on plain http with a real mask', async () => {
    const server = http.createServer();
    const sockets = new WebSocketServer({ server });
    sockets.on('connection', (peer) => peer.on('message', (data) => peer.send(data)));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const port = (server.address() as net.AddressInfo).port;
    const kube = createKubeClient({ server: `http://127.0.0.1:${port}`, insecureSkipTlsVerify: false, user: {} }, { log: silentLog });
    const { socket } = await kube.websocket('/');
    const sent = Buffer.from(Array.from({ length: 3_000_000 }, (_, i) => i % 251));
    let size = 0;
    const chunks: Buffer[] = [];
    const all = new Promise<void>((resolve) => {
      socket.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        size += chunk.length;
        if (size >= sent.length) resolve();
      });
    });
    socket.write(sent);
    await all;
    expect(Buffer.concat(chunks).equals(sent)).toBe(true);
    socket.end();
    await once(socket, 'close');
    kube.close();
    sockets.close();
    server.close();
  });

  it('answers the ws package as client, its pings too', async () => {
    const server = http.createServer();
    server.on('upgrade', (request, socket, head) => {
      const stream = acceptWebSocket(request, socket, head, { headers: { 'x-nonce': 'n' } });
      stream?.pipe(stream);
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const peer = new WebSocket(`ws://127.0.0.1:${(server.address() as net.AddressInfo).port}/`);
    const opened = once(peer, 'open');
    const [response] = (await once(peer, 'upgrade')) as [http.IncomingMessage];
    expect(response.headers['x-nonce']).toBe('n');
    await opened;
    peer.send(Buffer.from('echo'));
    expect(String((await once(peer, 'message'))[0])).toBe('echo');
    peer.ping('p');
    expect(String((await once(peer, 'pong'))[0])).toBe('p');
    peer.close();
    await once(peer, 'close');
    server.close();
  });

  it('goes through TLS with its handshake checked', async () => {
    await using api = await startFakeApi({ upgrade: (request, socket, head) => void acceptWebSocket(request, socket, head, { protocol: 'p' })?.end('hello') });
    const kube = createKubeClient(api.connection, { log: silentLog });
    const { socket } = await kube.websocket('/tunnel', { protocol: 'p' });
    expect(String(await readAll(socket))).toBe('hello');
    await expect(kube.websocket('/tunnel', { protocol: 'q' })).rejects.toMatchObject({ code: 'TP-KUBE-API' });
    kube.close();
  });

  it('answers 400 to what is no handshake', async () => {
    await using api = await startFakeApi({ upgrade: (request, socket, head) => void acceptWebSocket(request, socket, head) });
    const kube = createKubeClient(api.connection, { log: silentLog });
    await expect(kube.upgrade('/', { protocol: 'other' })).rejects.toMatchObject({ code: 'TP-KUBE-API' });
    kube.close();
  });

  it('stops the writer while the peer does not read', async () => {
    const [a, b] = duplexPair({ highWaterMark: 1024 });
    const writer = createWebSocketStream(a, { role: 'server' });
    const reader = createWebSocketStream(b, { role: 'client' });
    let finished = false;
    const chunk = Buffer.alloc(64 * 1024);
    const total = 40;
    const writing = (async () => {
      for (let i = 0; i < total; i++) if (!writer.write(chunk)) await once(writer, 'drain');
      finished = true;
      writer.end();
    })();
    await new Promise((resolve) => setImmediate(resolve));
    expect(finished).toBe(false);
    expect(writer.writableLength + reader.readableLength).toBeLessThan(12 * chunk.length);
    expect((await readAll(reader)).length).toBe(total * chunk.length);
    await writing;
  });

  it('fails when the connection is cut inside a message', async () => {
    const [a, b] = duplexPair();
    const reader = createWebSocketStream(b, { role: 'client' });
    a.end(Buffer.concat([frameHeader(OPCODE.binary, 10, undefined), Buffer.from('abc')]));
    await expect(readAll(reader)).rejects.toThrow('in the middle of a message');
  });
});

describe('a port-forward', () => {
  /** The kubelet's side: `first` are whole messages, the channel their first byte. */
  async function forward(first: Buffer[], port = 80): Promise<{ stream: Duplex; messages: Buffer[]; end: () => Promise<void> }> {
    const messages: Buffer[] = [];
    const sockets = new WebSocketServer({ noServer: true, handleProtocols: () => 'v4.channel.k8s.io' });
    const api = await startFakeApi({
      upgrade: (request, socket, head) => {
        sockets.handleUpgrade(request, socket, head, (peer) => {
          peer.on('message', (data: Buffer) => messages.push(data));
          for (const message of first) peer.send(message);
        });
      },
    });
    const kube = createKubeClient(api.connection, { log: silentLog });
    const stream = await kube.portForward('shop', 'web', port);
    expect(api.seen).toEqual(['GET /api/v1/namespaces/shop/pods/web/portforward?ports=80']);
    return {
      stream,
      messages,
      async end() {
        stream.destroy();
        kube.close();
        await api[Symbol.asyncDispose]();
      },
    };
  }
  const preamble = [Buffer.from([0, 80, 0]), Buffer.from([1, 80, 0])];

  it('passes data without channels and port numbers', async () => {
    const { stream, messages, end } = await forward([...preamble, Buffer.from('\0hello '), Buffer.from('\0world')]);
    let text = '';
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      text += chunk.toString();
      if (text.length >= 11) break;
    }
    expect(text).toBe('hello world');
    await end();
    expect(messages.length).toBe(0);
  });

  it('fails with what the kubelet says', async () => {
    const { stream, end } = await forward([...preamble, Buffer.from('\x01connection refused')]);
    await expect(readAll(stream)).rejects.toMatchObject({
      code: 'TP-KUBE-API',
      message: "The port 80 of the pod shop/web can't be reached: connection refused",
    });
    await end();
  });
});
