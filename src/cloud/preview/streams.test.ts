import { once } from 'node:events';
import { createServer, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { settled as settledWithin } from '../../../test/helpers/settled.ts';
import { open } from '../testing/browser-less.ts';
import { type PreviewBench, startPreviewBench } from '../testing/preview.ts';

let bench: PreviewBench;
beforeAll(async () => {
  bench = await startPreviewBench();
});
afterEach(() => bench.clear());
afterAll(() => bench.close());

const MIB = 1024 * 1024;
/** More than every buffer on the way together: a sender that is not held back sends all of it. */
const MUCH = 192 * MIB;

const settled = (read: () => number) => settledWithin(read, 10_000);

describe('a WebSocket', () => {
  const echo = async () => {
    const server = createServer();
    const sockets = new WebSocketServer({ server });
    const origins: (string | undefined)[] = [];
    sockets.on('connection', (socket, req) => {
      origins.push(req.headers.origin, req.headers.host, req.headers[bench.preview.header.name]?.toString());
      socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
    });
    await bench.ingress(server);
    return origins;
  };
  const dial = (headers: Record<string, string> = {}) =>
    new WebSocket(`ws://127.0.0.1:${bench.cloud.port}/ws`, ['chat'], { headers: { host: bench.preview.host, ...headers }, origin: bench.preview.url });

  it('carries messages both ways, with mapped headers', async () => {
    const seen = await echo();
    const socket = dial();
    await once(socket, 'open');
    expect(socket.protocol).toBe('chat');
    for (const message of ['hello', 'x'.repeat(300_000)]) {
      socket.send(message);
      expect(String((await once(socket, 'message'))[0])).toBe(message);
    }
    expect(seen).toEqual(['https://dev.example.org', 'dev.example.org', bench.preview.header.value]);
    socket.close(4000, 'done');
    expect((await once(socket, 'close'))[0]).toBe(4000);
  });

  it('that the app refuses gets the app’s answer', async () => {
    await bench.ingress((_req, res) => res.writeHead(418, { 'x-app': 'teapot' }).end('no'));
    const socket = dial();
    socket.on('error', () => {});
    const [, response] = await once(socket, 'unexpected-response');
    expect(response.statusCode).toBe(418);
    expect(response.headers['x-app']).toBe('teapot');
  });

  it('is cut when its preview is made private', async () => {
    await echo();
    const socket = dial();
    socket.on('error', () => {});
    await once(socket, 'open');
    const { user, organisation } = bench.owner;
    const actor = { user, organisation, role: 'owner' as const, address: '' };
    await bench.cloud.context.actions.setPreviewPublic(actor, bench.preview.id, false);
    await once(socket, 'close');
    const again = dial();
    again.on('error', () => {});
    expect((await once(again, 'unexpected-response'))[1].statusCode).toBe(401);
    await bench.cloud.context.actions.setPreviewPublic(actor, bench.preview.id, true);
  });

  it('whose ingress is not there gets the page that explains', async () => {
    bench.reset = 'refused';
    const socket = dial();
    socket.on('error', () => {});
    const [, response] = await once(socket, 'unexpected-response');
    expect(response.headers['x-telepresence-error']).toBe('TP-PREVIEW-INGRESS');
  });

  it('can’t be an upgrade to HTTP/2', async () => {
    await echo();
    const socket = connect(bench.cloud.port, '127.0.0.1');
    socket.write(`GET / HTTP/1.1\r\nHost: ${bench.preview.host}\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAA\r\n\r\n`);
    expect(String((await once(socket, 'data'))[0])).toMatch(/^HTTP\/1.1 400 /);
    socket.destroy();
  });
});

describe('events', () => {
  it('arrive one by one, and the app learns that the browser left', async () => {
    const left = Promise.withResolvers<void>();
    const next = Promise.withResolvers<void>();
    await bench.ingress(async (_req, res) => {
      res.on('close', left.resolve);
      res.writeHead(200, { 'content-type': 'text/event-stream' });
      res.flushHeaders();
      await next.promise;
      res.write('data: one\n\n');
    });
    const response = await open({ port: bench.cloud.port, host: bench.preview.host });
    expect(response.headers['content-type']).toBe('text/event-stream');
    next.resolve();
    expect(String((await once(response, 'data'))[0])).toBe('data: one\n\n');
    response.destroy();
    await left.promise;
  });
});

describe('back-pressure', () => {
  it('holds a download that nobody reads, and lets it run when it is read', async () => {
    let sent = 0;
    await bench.ingress((_req, res) => {
      const chunk = Buffer.alloc(MIB);
      res.writeHead(200, { 'content-length': String(MUCH) });
      const more = () => {
        while (sent < MUCH) {
          sent += chunk.length;
          if (!res.write(chunk)) return void res.once('drain', more);
        }
        res.end();
      };
      more();
    });
    const response = await open({ port: bench.cloud.port, host: bench.preview.host });
    expect(await settled(() => sent)).toBeLessThan(MUCH / 2);
    let received = 0;
    for await (const chunk of response) received += (chunk as Buffer).length;
    expect(received).toBe(MUCH);
  });

  it('holds an upload that nobody reads, and lets it run when it is read', async () => {
    const read = Promise.withResolvers<void>();
    let received = 0;
    await bench.ingress(async (req, res) => {
      await read.promise;
      for await (const chunk of req) received += (chunk as Buffer).length;
      res.end('all');
    });
    const sending = request({
      host: '127.0.0.1',
      port: bench.cloud.port,
      method: 'POST',
      headers: { host: bench.preview.host, 'content-length': String(MUCH) },
    });
    let sent = 0;
    const chunk = Buffer.alloc(MIB);
    const more = () => {
      while (sent < MUCH) {
        sent += chunk.length;
        if (!sending.write(chunk)) return void sending.once('drain', more);
      }
      sending.end();
    };
    more();
    expect(await settled(() => sent)).toBeLessThan(MUCH / 2);
    read.resolve();
    const [response] = await once(sending, 'response');
    response.resume();
    await once(response, 'end');
    expect(received).toBe(MUCH);
  });
});

describe('an end', () => {
  it('of the browser in an upload is one at the ingress', async () => {
    const began = Promise.withResolvers<void>();
    const ended = Promise.withResolvers<void>();
    await bench.ingress((req) => {
      req.once('data', () => began.resolve());
      req.on('error', () => {});
      req.on('close', ended.resolve);
    });
    const sending = request({ host: '127.0.0.1', port: bench.cloud.port, method: 'POST', headers: { host: bench.preview.host, 'content-length': '1000' } });
    sending.on('error', () => {});
    sending.write('some');
    await began.promise;
    sending.destroy();
    await ended.promise;
  });

  it('of the app before an upload is whole still gives its answer', async () => {
    await bench.rawIngress((socket: Socket) => {
      socket.on('error', () => {});
      socket.once('data', () => socket.end('HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 3\r\n\r\nbig'));
    });
    const sending = request({
      host: '127.0.0.1',
      port: bench.cloud.port,
      method: 'POST',
      headers: { host: bench.preview.host, 'transfer-encoding': 'chunked' },
    });
    sending.on('error', () => {});
    sending.write(Buffer.alloc(64 * 1024));
    const [response] = await once(sending, 'response');
    expect(response.statusCode).toBe(413);
    expect(String((await once(response, 'data'))[0])).toBe('big');
    sending.destroy();
  });
});
