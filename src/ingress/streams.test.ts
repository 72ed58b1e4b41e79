/** What flows through the controller: bodies, upgrades, and their ends. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { settled as settledWithin } from '../../test/helpers/settled.ts';
import { testClient } from '../sandbox/api/testing/api.ts';
import { type IngressBench, ingress, rule, startIngressBench } from './testing/bench.ts';

const HOST = 'streams.example.com';
const MIB = 1024 * 1024;
/** More than every buffer on the way together: a sender that is not held back sends all of it. */
const MUCH = 64 * MIB;

/** On a busy machine it takes longer than a poll waits by default. */
const soon = <T>(read: () => T) => expect.poll(read, { timeout: 15_000, interval: 20 });

let bench: IngressBench;
beforeAll(async () => {
  bench = await startIngressBench(await testClient());
  await bench.apply(ingress('streams', { rules: [rule(HOST, ['/', 'streams'])] }));
});
afterEach(() => bench.clear());
afterAll(() => bench.close());

/** The Service leads there and nowhere else. */
async function app(what: Parameters<IngressBench['serve']>[0]): Promise<void> {
  const port = await bench.serve(what);
  await bench.service('streams', port);
  // the API's answer is from before the controller has heard of it: a port that is new is seen by its number
  await soon(() => endpointOf()).toBe(port);
}
const endpointOf = (): number | undefined => {
  const found = bench.running.view.endpoints({ namespace: 'shop', service: 'streams', port: 'http' });
  return typeof found === 'string' ? undefined : found[0]?.port;
};

const settled = (read: () => number) => settledWithin(read, 60_000);
const options = () => ({ host: '127.0.0.1', port: bench.running.ports.http, headers: { host: HOST }, agent: false }) as const;

describe('a body', () => {
  it('is not read faster from the pod than the client reads', async () => {
    let sent = 0;
    let finished = false;
    await app((_req, res) => {
      const chunk = Buffer.alloc(MIB);
      const more = (): void => {
        while (sent < MUCH) {
          sent += chunk.length;
          if (!res.write(chunk)) return void res.once('drain', more);
        }
        res.end(() => (finished = true));
      };
      more();
    });
    const asked = request(options());
    asked.end();
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    answer.pause();
    expect(await settled(() => sent)).toBeLessThan(MUCH);
    let got = 0;
    for await (const chunk of answer) got += (chunk as Buffer).length;
    expect([got, finished]).toEqual([MUCH, true]);
  }, 120_000);

  it('is not read faster from the client than the pod reads', async () => {
    const arrived = Promise.withResolvers<IncomingMessage>();
    await app((req, res) => {
      arrived.resolve(req);
      req.pause();
      req.on('end', () => res.end('all'));
    });
    const asked = request({ ...options(), method: 'POST' });
    let sent = 0;
    const chunk = Buffer.alloc(MIB);
    const more = (): void => {
      while (sent < MUCH) {
        sent += chunk.length;
        if (!asked.write(chunk)) return void asked.once('drain', more);
      }
      asked.end();
    };
    more();
    const incoming = await arrived.promise;
    expect(await settled(() => sent)).toBeLessThan(MUCH);
    let got = 0;
    incoming.on('data', (bytes: Buffer) => (got += bytes.length)).resume();
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    answer.resume();
    expect(got).toBe(MUCH);
  }, 120_000);

  it('may be answered before it ends: both directions stream, trailers too', async () => {
    await app((req, res) => {
      res.writeHead(200, { trailer: 'x-sum' });
      req.on('data', (chunk: Buffer) => res.write(`<${chunk.toString()}>`));
      req.on('end', () => {
        res.addTrailers({ 'x-sum': String(req.trailers['x-count']) });
        res.end();
      });
    });
    const asked = request({ ...options(), method: 'POST', headers: { host: HOST, trailer: 'x-count', 'transfer-encoding': 'chunked' } });
    asked.flushHeaders();
    asked.write('one');
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    expect(String((await once(answer, 'data'))[0])).toBe('<one>');
    asked.write('two');
    expect(String((await once(answer, 'data'))[0])).toBe('<two>');
    asked.addTrailers({ 'x-count': '2' });
    asked.end();
    answer.resume();
    await once(answer, 'end');
    expect(answer.trailers['x-sum']).toBe('2');
  });

  it('that the pod cuts is cut for the client', async () => {
    await app((_req, res) => {
      res.write('half');
      setImmediate(() => res.destroy());
    });
    const asked = request(options());
    asked.end();
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    const ended = once(answer, 'end');
    answer.resume();
    await expect(ended).rejects.toMatchObject({ code: 'ECONNRESET' });
  });

  it('that the client gives up ends at the pod', async () => {
    const gone = Promise.withResolvers<boolean>();
    await app((_req, res) => {
      res.write('half');
      res.on('close', () => gone.resolve(res.writableFinished));
    });
    const asked = request(options());
    asked.on('error', () => {});
    asked.end();
    await once(asked, 'response');
    asked.destroy();
    expect(await gone.promise).toBe(false);
  });

  it('that the pod answers without reading leaves no connection to it', async () => {
    const closed = Promise.withResolvers<void>();
    await app((req, res) => {
      req.socket.on('close', () => closed.resolve());
      req.pause();
      res.writeHead(413, { 'content-length': 3 }).end('no\n');
    });
    const asked = request({ ...options(), method: 'PUT', headers: { host: HOST, 'content-length': MIB } });
    asked.on('error', () => {});
    asked.write(Buffer.alloc(1024));
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    expect(answer.statusCode).toBe(413);
    answer.resume();
    await closed.promise;
    asked.destroy();
  });
});

describe('a kept connection to a pod', () => {
  it('that the pod has closed costs no request', async () => {
    let served = 0;
    // closes each connection as soon as the next request is on it
    const seen = new WeakSet<Socket>();
    await app((req, res) => {
      if (seen.has(req.socket)) return void req.socket.destroy();
      seen.add(req.socket);
      served++;
      res.end('served');
    });
    for (let turn = 1; turn <= 5; turn++) {
      const asked = request(options());
      asked.end();
      const [answer] = (await once(asked, 'response')) as [IncomingMessage];
      expect(answer.statusCode).toBe(200);
      answer.resume();
      await once(answer, 'end');
    }
    expect(served).toBe(5);
  });
});

describe('an upgrade', () => {
  const dial = (secure: boolean): WebSocket => {
    const { http, https } = bench.running.ports;
    const url = secure ? `wss://127.0.0.1:${https}/ws?x=1` : `ws://127.0.0.1:${http}/ws?x=1`;
    return new WebSocket(url, ['chat'], { headers: { host: HOST }, rejectUnauthorized: false });
  };

  it.each([false, true])('to a WebSocket carries messages both ways (TLS: %s)', async (secure) => {
    const server = createServer();
    const seen: (string | undefined)[] = [];
    new WebSocketServer({ server }).on('connection', (socket, req) => {
      seen.push(req.url, req.headers.host, req.headers['x-forwarded-proto']?.toString());
      socket.send('welcome');
      socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
    });
    await app(server);
    const socket = dial(secure);
    expect(String((await once(socket, 'message'))[0])).toBe('welcome');
    expect(socket.protocol).toBe('chat');
    for (const message of ['hello', 'x'.repeat(300_000)]) {
      socket.send(message);
      expect(String((await once(socket, 'message'))[0])).toBe(message);
    }
    expect(seen).toEqual(['/ws?x=1', HOST, secure ? 'wss' : 'ws']);
    socket.close(4000, 'done');
    expect((await once(socket, 'close'))[0]).toBe(4000);
  });

  it('that the app refuses gets the app’s answer; where nobody listens 502', async () => {
    await app((_req, res) => res.writeHead(418, { 'x-app': 'teapot' }).end('no'));
    const refused = async (): Promise<IncomingMessage> => {
      const socket = dial(false);
      socket.on('error', () => {});
      return (await once(socket, 'unexpected-response'))[1] as IncomingMessage;
    };
    expect((await refused()).headers['x-app']).toBe('teapot');
    bench.clear();
    expect((await refused()).statusCode).toBe(502);
  });

  it('whose refusal breaks off half-way breaks off for the client', async () => {
    await app((_req, res) => {
      res.writeHead(403, { 'content-length': 100 });
      res.write('half');
      setTimeout(() => res.destroy(), 20);
    });
    const asked = request({ ...options(), headers: { host: HOST, connection: 'Upgrade', upgrade: 'bytes' } });
    asked.end();
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    const ended = once(answer, 'end');
    answer.resume();
    await expect(ended).rejects.toMatchObject({ code: 'ECONNRESET' });
  });

  /** Raw bytes behind a 101 of the protocol `bytes`. */
  async function opened(handle: (socket: Socket, head: Buffer) => void, secure = false): Promise<{ socket: Socket; text: () => string }> {
    const server = createServer();
    server.on('upgrade', (_req, socket, head) => {
      socket.write('HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: bytes\r\n\r\n');
      handle(socket as Socket, head);
    });
    await app(server);
    const { http, https } = bench.running.ports;
    const plain = connect({ port: secure ? https : http, host: '127.0.0.1', allowHalfOpen: true });
    const socket = secure ? connectTls({ socket: plain, rejectUnauthorized: false }) : plain;
    let text = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    socket.write(`GET / HTTP/1.1\r\nHost: ${HOST}\r\nConnection: Upgrade\r\nUpgrade: bytes\r\n\r\nearly `);
    await soon(() => text).toContain('\r\n\r\n');
    return { socket, text: () => text.slice(text.indexOf('\r\n\r\n') + 4) };
  }

  it.each([false, true])('lets each side end alone, and what was sent early arrives (TLS: %s)', async (secure) => {
    const { socket, text } = await opened((app, head) => {
      let heard = head.toString();
      app.on('data', (chunk: Buffer) => (heard += chunk.toString()));
      // answers only when it has heard everything
      app.on('end', () => app.end(`heard: ${heard}`));
    }, secure);
    socket.end('late');
    await once(socket, 'end');
    expect(text()).toBe('heard: early late');
  });

  it('that one side breaks off ends the other', async () => {
    for (const who of ['client', 'app'] as const) {
      const there = Promise.withResolvers<Socket>();
      const { socket } = await opened((one) => {
        one.on('error', () => {});
        one.resume();
        there.resolve(one);
      });
      socket.on('error', () => {});
      const ends = { client: socket, app: await there.promise };
      const other = who === 'client' ? ends.app : ends.client;
      ends[who].resetAndDestroy();
      if (!other.destroyed) await new Promise((resolve) => other.once('close', resolve));
    }
  });

  it('to HTTP/2 in cleartext is not made: the request is answered as it is', async () => {
    await app((req: IncomingMessage, res: ServerResponse) => res.end(`${req.method} ${req.headers.upgrade}`));
    const headers = { host: HOST, connection: 'Upgrade, HTTP2-Settings', upgrade: 'h2c', 'http2-settings': 'AAMAAABkAAQCAAAAAAIAAAAA' };
    const asked = request({ ...options(), headers });
    asked.end();
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    answer.setEncoding('utf8');
    expect([answer.statusCode, (await once(answer, 'data'))[0]]).toEqual([200, 'GET undefined']);
  });
});

it('when it is told to end, requests under way are answered and nothing new is taken', async () => {
  const own = await startIngressBench(await testClient());
  await own.apply(ingress('last', { rules: [rule('last.example.com', ['/', 'last'])] }));
  const release = Promise.withResolvers<void>();
  const arrived = Promise.withResolvers<void>();
  const port = await own.serve((_req, res) => {
    arrived.resolve();
    void release.promise.then(() => res.end('to the end'));
  });
  await own.service('last', port);
  await soon(() => own.running.view.endpoints({ namespace: 'shop', service: 'last', port: 'http' })).toHaveLength(1);
  await soon(() => own.running.view.route('last.example.com', '/')).toBeDefined();
  const asked = request({ host: '127.0.0.1', port: own.running.ports.http, headers: { host: 'last.example.com' } });
  asked.end();
  await arrived.promise;
  const closing = own.close;
  const closed = own.running.close();
  const late = connect(own.running.ports.http, '127.0.0.1');
  expect((await once(late, 'error'))[0]).toMatchObject({ code: 'ECONNREFUSED' });
  release.resolve();
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  answer.setEncoding('utf8');
  expect((await once(answer, 'data'))[0]).toBe('to the end');
  await closed;
  await closing();
});
