import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Duplex, duplexPair } from 'node:stream';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CodedError } from '../base/errors.ts';
import { silentLog } from '../base/log.ts';
import { createRpcPeer, RpcClosedError, type RpcPeer, type RpcPeerOptions, RpcTimeoutError } from './index.ts';
import { RPC_CALLS_LIMIT, RPC_LINE_LIMIT } from './limits.ts';
import { createLineSplitter } from './lines.ts';
import { callApi, serveApi } from './unix-http.ts';

const peers: RpcPeer[] = [];
afterEach(() => {
  for (const peer of peers.splice(0)) peer.close();
});

function pair(options: Partial<RpcPeerOptions>): { client: RpcPeer; server: RpcPeer; wire: Duplex } {
  const [a, b] = duplexPair();
  const server = createRpcPeer(b, { log: silentLog, ...options });
  const client = createRpcPeer(a, { log: silentLog });
  peers.push(client, server);
  return { client, server, wire: a };
}

describe('rpc peer', () => {
  it('answers calls, both ways, many at once', async () => {
    const [a, b] = duplexPair();
    const handlers = { double: (params: unknown) => (params as { n: number }).n * 2, later: async () => ({ late: true }) };
    const one = createRpcPeer(a, { log: silentLog, handlers });
    const two = createRpcPeer(b, { log: silentLog, handlers });
    peers.push(one, two);
    const answers = await Promise.all(Array.from({ length: 50 }, (_, n) => (n % 2 ? one : two).call('double', { n })));
    expect(answers).toEqual(Array.from({ length: 50 }, (_, n) => n * 2));
    expect(await one.call('later', {})).toEqual({ late: true });
  });

  it('carries coded errors whole, and others as bugs', async () => {
    const { client } = pair({
      handlers: {
        coded: () => {
          throw new CodedError('TP-NOT-CONNECTED', 'No session.', { help: 'Connect.' });
        },
        other: () => {
          throw new TypeError('oops');
        },
      },
    });
    await expect(client.call('coded', {})).rejects.toMatchObject({ code: 'TP-NOT-CONNECTED', message: 'No session.', help: 'Connect.' });
    await expect(client.call('other', {})).rejects.toMatchObject({ code: 'TP-INTERNAL', message: 'oops' });
    await expect(client.call('missing', {})).rejects.toMatchObject({ code: 'TP-UNSUPPORTED' });
    await expect(client.call('toString', {})).rejects.toMatchObject({ code: 'TP-UNSUPPORTED' });
  });

  it('delivers notifications in order; a listener that throws harms nothing', async () => {
    const got: unknown[] = [];
    const { client } = pair({
      handlers: { sync: () => ({}) },
      onNotify: {
        note: (params) => void got.push(params),
        bad: () => {
          throw new Error('listener');
        },
      },
    });
    for (let i = 0; i < 5; i++) client.notify('note', i);
    client.notify('bad', {});
    client.notify('unknown', {});
    await client.call('sync', {});
    expect(got).toEqual([0, 1, 2, 3, 4]);
  });

  it('cancels at the other end when the signal aborts, and after a time-out', async () => {
    const cancelled: unknown[] = [];
    const { client } = pair({
      handlers: {
        wait: (params, { signal }) =>
          new Promise((_resolve, reject) => {
            signal.addEventListener('abort', () => {
              cancelled.push(params);
              reject(signal.reason);
            });
          }),
        sync: () => ({}),
      },
    });
    const controller = new AbortController();
    const call = client.call('wait', 1, { signal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(call).rejects.toThrow('enough');
    await expect(client.call('wait', 2, { timeoutMs: 5 })).rejects.toThrow(RpcTimeoutError);
    await expect(client.call('wait', 3, { signal: AbortSignal.abort(new Error('never')) })).rejects.toThrow('never');
    await client.call('sync', {});
    expect(cancelled).toEqual([1, 2]);
  });

  it('ends calls and handlers when the connection ends', async () => {
    const aborted = Promise.withResolvers<void>();
    const { client, server } = pair({
      handlers: { wait: (_params, { signal }) => new Promise(() => signal.addEventListener('abort', () => aborted.resolve())) },
    });
    const call = client.call('wait', {});
    const rejected = expect(call).rejects.toThrow(RpcClosedError);
    await new Promise((resolve) => setImmediate(resolve));
    client.close();
    await rejected;
    await aborted.promise;
    expect(await client.closed).toBeUndefined();
    expect(await server.closed).toBeUndefined();
    await expect(client.call('wait', {})).rejects.toThrow(RpcClosedError);
    client.notify('x', {});
  });

  it('is over with an error when the other end says what is no message, or too much', async () => {
    for (const bytes of ['no json\n', '[]\n', '{"id":"x"}\n', `${'x'.repeat(RPC_LINE_LIMIT + 1)}`]) {
      const [a, b] = duplexPair();
      a.on('error', () => {});
      const peer = createRpcPeer(b, { log: silentLog });
      a.write(bytes);
      expect(await peer.closed).toMatchObject({ message: expect.stringContaining('bad rpc message') });
    }
  });

  it('refuses to send what the other end would not take', async () => {
    const { client } = pair({ handlers: { big: () => 'x'.repeat(RPC_LINE_LIMIT) } });
    await expect(client.call('x', 'x'.repeat(RPC_LINE_LIMIT))).rejects.toThrow(/over the limit/);
    await expect(client.call('big', {})).rejects.toMatchObject({ message: expect.stringContaining('over the limit') });
  });

  it('runs no more calls at once than the limit', async () => {
    const [a, b] = duplexPair();
    peers.push(createRpcPeer(b, { log: silentLog, handlers: { wait: () => new Promise(() => {}) } }));
    const answer = new Promise<string>((resolve) => a.once('data', (chunk: Buffer) => resolve(chunk.toString())));
    for (let id = 0; id <= RPC_CALLS_LIMIT; id++) a.write(`{"id":${id},"method":"wait"}\n`);
    expect(JSON.parse(await answer)).toMatchObject({ id: RPC_CALLS_LIMIT, error: { message: 'Too many calls at once.' } });
  });
});

describe('lines', () => {
  it('are the same however the bytes are cut', () => {
    const cut = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 });
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll('\n', ''))), cut, (lines, cuts) => {
        const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
        const got: string[] = [];
        const splitter = createLineSplitter(10_000, (line) => got.push(line));
        for (let at = 0, i = 0; at < bytes.length; i++) {
          const take = cuts[i % cuts.length] as number;
          splitter.push(bytes.subarray(at, at + take));
          at += take;
        }
        expect(got).toEqual(lines);
      }),
    );
  });
});

describe('the API over a unix socket', () => {
  let folder: string;
  let socketPath: string;
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'rpc-'));
    socketPath = path.join(folder, 'd.sock');
  });
  afterEach(() => rm(folder, { recursive: true }));

  type TestApi = { status: { params: Record<string, never>; result: unknown }; quit: { params: Record<string, never>; result: unknown } };
  const serve = (handlers: Parameters<typeof serveApi<TestApi>>[1]) => serveApi<TestApi>(socketPath, handlers, { log: silentLog });

  it('answers, tells progress and warnings before, and only its user may open it', async () => {
    const server = await serve({
      status: async (params, { progress, warning }) => {
        progress('working');
        warning('slow');
        return { got: params };
      },
      quit: () => {
        throw new CodedError('TP-NOT-CONNECTED', 'Not now.');
      },
    });
    const told: string[] = [];
    const result = await callApi(socketPath, 'status', {}, { onProgress: (text) => told.push(text), onWarning: (text) => told.push(`!${text}`) });
    expect(result).toEqual({ got: {} });
    expect(told).toEqual(['working', '!slow']);
    await expect(callApi(socketPath, 'quit', {})).rejects.toMatchObject({ code: 'TP-NOT-CONNECTED' });
    await expect(callApi(socketPath, 'version', {})).rejects.toMatchObject({ code: 'TP-UNSUPPORTED' });
    expect((await stat(socketPath)).mode & 0o777).toBe(0o600);
    await server.close();
    await expect(callApi(socketPath, 'status', {})).rejects.toMatchObject({ code: 'TP-DAEMON-NOT-RUNNING' });
  });

  it('cancels a call when its caller goes away', async () => {
    const aborted = Promise.withResolvers<unknown>();
    const started = Promise.withResolvers<void>();
    const server = await serve({
      status: (_params, { signal }) => {
        started.resolve();
        return new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            aborted.resolve(signal.reason);
            reject(signal.reason);
          });
        });
      },
      quit: () => ({}),
    });
    const controller = new AbortController();
    const call = callApi(socketPath, 'status', {}, { signal: controller.signal });
    const rejected = expect(call).rejects.toMatchObject({ code: 'TP-CANCELLED' });
    await started.promise;
    controller.abort();
    await rejected;
    expect(await aborted.promise).toMatchObject({ code: 'TP-CANCELLED' });
    await expect(callApi(socketPath, 'quit', {}, { signal: controller.signal })).rejects.toMatchObject({ code: 'TP-CANCELLED' });
    await server.close();
  });

  it('ends the calls that run when it closes', async () => {
    const started = Promise.withResolvers<void>();
    const server = await serve({
      status: (_params, { signal }) => {
        started.resolve();
        return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
      },
      quit: () => ({}),
    });
    const rejected = expect(callApi(socketPath, 'status', {})).rejects.toMatchObject({ message: 'The daemon is ending.' });
    await started.promise;
    await server.close();
    await rejected;
  });

  it('replaces the socket of a dead server, and leaves a live one alone', async () => {
    await writeFile(socketPath, '');
    await expect(serve({ status: () => ({}), quit: () => ({}) })).resolves.toBeDefined();
    await expect(serve({ status: () => ({}), quit: () => ({}) })).rejects.toMatchObject({ code: 'TP-DAEMON-START' });
    expect(await callApi(socketPath, 'status', {})).toEqual({});
  });

  it('says so when the daemon dies in the middle of a call', async () => {
    const connections: Socket[] = [];
    const dying = createServer((socket) => {
      connections.push(socket);
      socket.on('error', () => {});
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n');
        setImmediate(() => socket.destroy());
      });
    });
    await new Promise<void>((resolve) => dying.listen(socketPath, resolve));
    await expect(callApi(socketPath, 'status', {})).rejects.toMatchObject({ code: 'TP-DAEMON-NOT-RUNNING' });
    dying.close();
  });
});
