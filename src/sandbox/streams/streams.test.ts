import { once } from 'node:events';
import { createServer as createHttpServer, request as httpRequest, type Server } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import { createMemoryClient } from '../access/testing/memory-client.ts';
import type { ExecProcess, NodeStreams, RequestAttributes } from '../contract.ts';
import { createStreams } from './index.ts';

/** A "process" that echoes its input, says `bye` on the other output at its end, and exits with 3. */
function echoProcess(): ExecProcess {
  const stdin = new PassThrough();
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const exited = Promise.withResolvers<number>();
  stdin.pipe(stdout);
  stdin.on('end', () => {
    stderr.end('bye');
    exited.resolve(3);
  });
  return { stdin, stdout, stderr, resize() {}, kill: () => stdin.end(), exited: exited.promise };
}

let api: Server;
let backend: Server;
let echo: ReturnType<typeof createTcpServer>;
let port: number;
const open = new Set<Socket>();
const seen: { headers: NodeJS.Dict<string | string[]>; url: string; body: string }[] = [];
const listening = async (server: { listen(port: number, host: string): unknown; address(): unknown } & NodeJS.EventEmitter) => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
};

beforeEach(async () => {
  seen.length = 0;
  const memory = createMemoryClient();
  memory.put('/api/v1/pods', {
    metadata: { name: 'web', namespace: 'shop' },
    spec: { nodeName: 'node1', containers: [{ name: 'app' }] },
    status: { podIP: '10.0.0.1' },
  });
  memory.put('/api/v1/services', { metadata: { name: 'web', namespace: 'shop' }, spec: { ports: [{ name: 'http', port: 80 }] } });
  memory.put('/apis/discovery.k8s.io/v1/endpointslices', {
    metadata: { name: 'web', namespace: 'shop' },
    endpoints: [{ addresses: ['10.0.0.1'] }],
    ports: [{ name: 'http', port: 8080 }],
  });
  backend = createHttpServer((request, response) => {
    let body = '';
    request.on('data', (part: Buffer) => {
      body += part.toString('utf8');
    });
    request.on('end', () => {
      seen.push({ headers: request.headers, url: request.url ?? '', body });
      response.writeHead(200, { location: '/abc' }).end('hello');
    });
  });
  backend.on('upgrade', (request, socket, head) => {
    seen.push({ headers: request.headers, url: request.url ?? '', body: '' });
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: tunnel\r\nX-Nonce: 1\r\n\r\nfirst ');
    if (head.length > 0) socket.write(head);
    socket.pipe(socket);
  });
  const backendPort = await listening(backend);
  echo = createTcpServer({ allowHalfOpen: true }, (socket) => void socket.pipe(socket));
  const echoPort = await listening(echo);
  const dialTo = async (to: number) => {
    const socket = connect({ port: to, host: '127.0.0.1', allowHalfOpen: true });
    open.add(socket);
    await once(socket, 'connect');
    return socket;
  };
  const node: NodeStreams = {
    async *logs() {
      yield Buffer.from('one\n');
      yield Buffer.from('two\n');
    },
    exec: async () => echoProcess(),
    attach: async () => echoProcess(),
    dialPod: (_namespace, _pod, to) => (to === 80 ? dialTo(echoPort) : Promise.reject(new Error('connection refused'))),
    dial: () => dialTo(backendPort),
  };
  const streams = createStreams({ client: memory.client, node });
  const attributesOf = (url: string): [RequestAttributes, string] => {
    const [, resource = '', name = '', subresource = '', rest = ''] = /^\/api\/v1\/namespaces\/shop\/(\w+)\/([^/]+)\/(\w+)(.*)$/.exec(url) ?? [];
    return [
      {
        user: { username: 'x', uid: '', groups: [], extra: {} },
        verb: 'get',
        path: url,
        group: '',
        version: 'v1',
        namespace: 'shop',
        resource,
        name,
        subresource,
      },
      rest,
    ];
  };
  api = createHttpServer((request, response) => {
    const [attributes, rest] = attributesOf(request.url ?? '');
    void streams.request(attributes, request, response, rest);
  });
  api.on('upgrade', (request, socket, head) => {
    const [attributes, rest] = attributesOf(request.url ?? '');
    void streams.upgrade(attributes, request, socket, head, rest);
  });
  port = await listening(api);
});
afterEach(() => {
  for (const socket of open) socket.destroy();
  for (const server of [api, backend]) {
    server.closeAllConnections();
    server.close();
  }
  echo.close();
});

const base = '/api/v1/namespaces/shop';
async function call(
  path: string,
  options: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<{ status: number; headers: NodeJS.Dict<string | string[]>; body: string }> {
  const request = httpRequest({ port, path, method: options.method ?? 'GET', headers: options.headers ?? {} });
  request.end(options.body);
  const [answer] = (await once(request, 'response')) as [import('node:http').IncomingMessage];
  let body = '';
  for await (const part of answer) body += String(part);
  return { status: answer.statusCode ?? 0, headers: answer.headers, body };
}

describe('the proxy', () => {
  it('passes requests on without credentials, and redirects within itself', async () => {
    const headers = { authorization: 'Bearer secret', 'impersonate-user': 'bob', 'x-forwarded-for': '1.2.3.4', 'x-own': 'kept' };
    const answer = await call(`${base}/services/web:http/proxy/a%20b?x=1`, { method: 'POST', headers, body: 'abc' });
    expect(answer).toMatchObject({ status: 200, body: 'hello', headers: { location: `${base}/services/web:http/proxy/abc` } });
    expect(seen[0]).toMatchObject({ url: '/a%20b?x=1', body: 'abc', headers: { 'x-own': 'kept', 'x-forwarded-for': '1.2.3.4, 127.0.0.1' } });
    expect(seen[0]?.headers).not.toHaveProperty('authorization');
    expect(seen[0]?.headers).not.toHaveProperty('impersonate-user');
  });
  it.each([
    ['web:81', 'no service port 81 found for service \\"web\\"'],
    ['nope', 'services \\"nope\\" not found'],
    ['a:b:c:d', 'invalid service request \\"a:b:c:d\\"'],
  ])('says why %s leads nowhere', async (name, message) => {
    expect((await call(`${base}/services/${name}/proxy/`)).body).toContain(message);
  });
  it('makes an upgrade a raw stream, with the ends of each side', async () => {
    const request = httpRequest({ port, path: `${base}/services/web:http/proxy/tunnel`, headers: { connection: 'Upgrade', upgrade: 'tunnel' } });
    request.end();
    const [answer, socket, head] = (await once(request, 'upgrade')) as [import('node:http').IncomingMessage, Socket, Buffer];
    expect(answer.headers['x-nonce']).toBe('1');
    const big = Buffer.alloc(8 * 1024 * 1024, 7);
    socket.end(big);
    let size = head.length;
    for await (const part of socket) size += (part as Buffer).length;
    expect(size).toBe(big.length + 'first '.length);
  });
});

describe('log', () => {
  it('streams what the container said', async () => {
    expect(await call(`${base}/pods/web/log`)).toMatchObject({ status: 200, body: 'one\ntwo\n' });
    expect((await call(`${base}/pods/web/log?container=nope`)).body).toContain('container nope is not valid for pod web');
  });
});

describe('exec', () => {
  it('ends a process’s input by version 5, and tells its exit', async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}${base}/pods/web/exec?command=cat&stdin=true&stdout=true&stderr=true`, 'v5.channel.k8s.io');
    const channels: string[] = ['', '', '', ''];
    socket.on('message', (message: Buffer) => {
      channels[message[0] ?? 0] += message.subarray(1).toString('utf8');
    });
    await once(socket, 'open');
    socket.send(Buffer.from('\0hello'));
    socket.send(Buffer.from([255, 0]));
    await once(socket, 'close');
    expect(channels[1]).toBe('hello');
    expect(channels[2]).toBe('bye');
    expect(JSON.parse(channels[3] ?? '')).toMatchObject({
      status: 'Failure',
      reason: 'NonZeroExitCode',
      details: { causes: [{ reason: 'ExitCode', message: '3' }] },
    });
  });
});

describe('port-forward', () => {
  it('over WebSocket channels echoes, and says what failed', async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}${base}/pods/web/portforward?ports=80&ports=81`, 'v4.channel.k8s.io');
    const channels: string[] = ['', '', '', ''];
    const done = Promise.withResolvers<void>();
    socket.on('message', (message: Buffer) => {
      channels[message[0] ?? 0] += message.subarray(1).toString('latin1');
      if (channels[0]?.endsWith('ping') && channels[3] !== undefined && channels[3].length > 2) done.resolve();
    });
    await once(socket, 'open');
    socket.send(Buffer.from('\0ping'));
    await done.promise;
    expect(channels[0]).toBe('P\0ping');
    expect(channels[3]).toContain('connection refused');
    socket.close();
  });
});
