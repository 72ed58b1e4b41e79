import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import { describe, expect, it } from 'vitest';
import { silentLog } from '../base/log.ts';
import { createKubeClient } from './client.ts';
import { type FakeApiServer, sendJson, startFakeApi } from './testing/fake-api-server.ts';

const api = () =>
  startFakeApi({
    names: ['api.test'],
    handle: (_request, response) => sendJson(response, { ok: true }),
    upgrade: (_request, socket) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n');
      socket.pipe(socket);
    },
  });
const listen = async (server: net.Server): Promise<number> => {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return (server.address() as net.AddressInfo).port;
};

/** Connects everything to `port`, whatever name was asked for. */
function join(client: net.Socket, port: number, first: string | Buffer): void {
  const upstream = net.connect(port, '127.0.0.1', () => {
    client.write(first);
    client.pipe(upstream).pipe(client);
  });
  upstream.on('error', () => client.destroy());
  client.on('error', () => upstream.destroy());
}

function connectProxy(target: FakeApiServer, asked: string[], tls?: { cert: string; key: string }): net.Server {
  const server = tls === undefined ? http.createServer() : https.createServer(tls);
  server.on('connect', (request: http.IncomingMessage, socket: net.Socket) => {
    asked.push(`${request.url} ${request.headers['proxy-authorization'] ?? ''}`);
    if (request.headers['proxy-authorization'] === undefined) socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
    else join(socket, target.port, 'HTTP/1.1 200 OK\r\n\r\n');
  });
  return server;
}

/** SOCKS5 with user and password. */
function socksProxy(target: FakeApiServer, asked: string[]): net.Server {
  return net.createServer((socket) => {
    let step = 0;
    socket.on('error', () => socket.destroy());
    const onData = (data: Buffer) => {
      if (step === 0) socket.write(Buffer.from([5, 2]));
      else if (step === 1) {
        asked.push(data.subarray(1).toString('latin1'));
        socket.write(Buffer.from([1, 0]));
      } else {
        asked.push(`${data.subarray(5, -2).toString()}:${data.readUInt16BE(data.length - 2)}`);
        socket.off('data', onData);
        join(socket, target.port, Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]));
      }
      step++;
    };
    socket.on('data', onData);
  });
}

describe('through a proxy', () => {
  it.each(['http', 'socks5'])('of %s requests and upgrades go', async (kind) => {
    await using server = await api();
    const asked: string[] = [];
    const proxy = kind === 'http' ? connectProxy(server, asked) : socksProxy(server, asked);
    const port = await listen(proxy);
    const kube = createKubeClient(
      { ...server.connection, server: 'https://api.test:6443', proxyUrl: `${kind}://joe:pw@127.0.0.1:${port}` },
      { log: silentLog },
    );
    expect(await kube.get('/')).toEqual({ ok: true });
    const { socket } = await kube.upgrade('/', { protocol: 'x' });
    socket.write('echo');
    expect(String((await once(socket, 'data'))[0])).toBe('echo');
    socket.destroy();
    kube.close();
    proxy.close();
    expect(asked).toEqual(
      kind === 'http'
        ? Array<string>(2).fill(`api.test:6443 Basic ${Buffer.from('joe:pw').toString('base64')}`)
        : ['\x03joe\x02pw', 'api.test:6443', '\x03joe\x02pw', 'api.test:6443'],
    );
  });

  it('that refuses, its answer is told', async () => {
    await using server = await api();
    const proxy = connectProxy(server, []);
    const kube = createKubeClient({ ...server.connection, proxyUrl: `http://127.0.0.1:${await listen(proxy)}` }, { log: silentLog });
    await expect(kube.get('/')).rejects.toMatchObject({ code: 'TP-KUBE-UNREACHABLE', message: expect.stringContaining('407') as unknown });
    kube.close();
    proxy.close();
  });

  it("that is not there, it is told as the proxy's fault", async () => {
    const gone = net.createServer();
    const port = await listen(gone);
    gone.close();
    for (const kind of ['http', 'socks5']) {
      const kube = createKubeClient(
        { server: 'https://api.test', insecureSkipTlsVerify: false, user: {}, proxyUrl: `${kind}://127.0.0.1:${port}` },
        { log: silentLog },
      );
      await expect(kube.get('/')).rejects.toMatchObject({ code: 'TP-KUBE-UNREACHABLE', message: expect.stringMatching(/The proxy .*ECONNREFUSED/) as unknown });
    }
  });
});
