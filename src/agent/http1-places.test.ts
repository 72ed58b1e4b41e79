import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTcpServer, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { byHeader, startHttpAgent } from '../../test/helpers/http-agent.ts';
import { cleanups, count, freePort, get, listen, MINE, named, Raw, setup } from '../../test/helpers/http1-client.ts';

describe('upgrades', () => {
  const upgradeTo = (name: string) => {
    const server = createServer();
    server.on('upgrade', (request: IncomingMessage, socket: Socket) => {
      socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${request.headers.upgrade}\r\n\r\n${name}:`);
      socket.on('data', (chunk) => socket.write(chunk));
      socket.on('end', () => socket.end('bye'));
    });
    return listen(server);
  };

  it('become tunnels to where the request went, with half-close', async () => {
    const agent = await startHttpAgent(await upgradeTo('app'));
    cleanups.push(() => agent.close());
    agent.set([{ port: await upgradeTo('mine'), http: byHeader('x-who', 'me') }]);
    for (const [name, header] of [
      ['app', ''],
      ['mine', MINE],
    ] as const) {
      const client = new Raw(agent.port).write(`${get('/ws', `${header}Connection: keep-alive, Upgrade\r\nUpgrade: echo\r\n`)}early`);
      await client.until((text) => text.endsWith(`${name}:early`));
      client.socket.write(get('/not-a-request', header));
      await client.until((text) => text.includes('/not-a-request'));
      client.socket.end();
      expect(await client.end()).toMatch(/bye$/);
      expect(count(client.text, 'intercepted-by: mine')).toBe(name === 'mine' ? 1 : 0);
    }
  });

  it('that the server declines leave an ordinary connection', async () => {
    const agent = await setup();
    const client = new Raw(agent.port);
    await client.write(get('/1', `${MINE}Connection: Upgrade\r\nUpgrade: echo\r\n`) + get('/2')).until((text) => text.includes('app GET /2'));
    expect(client.text).toContain('mine GET /1');
  });

  it('to HTTP/2 are not offered on: requests inside could not be told apart', async () => {
    let head = '';
    const agent = await setup((request, response) => {
      head = request.rawHeaders.join('|');
      response.end('plain');
    });
    await new Raw(agent.port)
      .write(get('/', 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\nX-A: 1\r\n'))
      .until((text) => text.includes('plain'));
    expect(head).toBe('Host|a|X-A|1');
  });

  it('CONNECT becomes a tunnel when it is granted', async () => {
    const server = createServer();
    server.on('connect', (_request, socket: Socket) => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      socket.on('data', (chunk) => socket.write(chunk));
      socket.on('end', () => socket.end());
    });
    const agent = await startHttpAgent(await listen(server));
    cleanups.push(() => agent.close());
    const client = new Raw(agent.port).write('CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n');
    await client.until((text) => text.endsWith('\r\n\r\n'));
    await client.write('through').until((text) => text.endsWith('through'));
  });
});

describe('a workstation that does not answer', () => {
  it('whose process does not listen: an honest 502, and the connection goes on', async () => {
    const agent = await setup();
    agent.set([{ port: await freePort(), http: byHeader('x-who', 'me') }]);
    const client = new Raw(agent.port);
    await client.write(get('/1', MINE)).until((text) => text.includes('does not listen'));
    expect(client.text).toMatch(/^HTTP\/1.1 502 Bad Gateway\r\n/);
    await client.write(get('/2')).until((text) => text.includes('app GET /2'));
  });

  it('with --fallback: the app answers', async () => {
    const agent = await setup();
    agent.set([{ port: await freePort(), http: byHeader('x-who', 'me'), fallback: true }]);
    const client = new Raw(agent.port);
    client.write(`POST /1 HTTP/1.1\r\nHost: a\r\n${MINE}Content-Length: 100000\r\n\r\n${'z'.repeat(100_000)}`);
    await client.until((text) => count(text, 'z') >= 100_000);
    expect(client.text).not.toMatch(/intercepted-by/);
    expect(client.text).toContain('app POST /1 zzz');
  });

  it('that is gone: the app answers', async () => {
    const agent = await setup();
    agent.held = false;
    const client = new Raw(agent.port);
    await client.write(get('/1', MINE)).until((text) => text.includes('app GET /1'));
  });

  it('that is lost before its answer: the app answers', async () => {
    let arrived: () => void;
    const there = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    const agent = await setup(named('app'), () => arrived());
    const client = new Raw(agent.port).write(`POST /1 HTTP/1.1\r\nHost: a\r\n${MINE}Content-Length: 3\r\n\r\nabc`);
    await there;
    agent.lose();
    await client.until((text) => text.includes('app POST /1 abc'));
  });

  it('that is lost within its answer: the client sees it broken off', async () => {
    const agent = await setup(named('app'), (_request, response) => {
      response.writeHead(200, { 'content-length': '10' });
      response.write('half');
    });
    const client = new Raw(agent.port).write(get('/', MINE));
    await client.until((text) => text.endsWith('half'));
    agent.lose();
    await client.end();
    expect(client.error).toBe('ECONNRESET');
  });

  it('whose process speaks something else, or closes: 502', async () => {
    const agent = await setup();
    const other = createTcpServer((socket) => socket.end('220 mail\r\n'));
    const closes = createTcpServer((socket) => socket.once('data', () => socket.end()));
    agent.set([
      { uid: 'a', port: await listen(other), http: byHeader('x-who', 'other') },
      { uid: 'b', port: await listen(closes), http: byHeader('x-who', 'closes') },
    ]);
    const client = new Raw(agent.port);
    await client.write(get('/', 'x-who: other\r\n')).until((text) => text.includes('is not HTTP'));
    await client.write(get('/', 'x-who: closes\r\n')).until((text) => text.includes('without an answer'));
  });

  it('whose process closed its idle connection: the next request gets a new one', async () => {
    const agent = await setup(named('app'), (_request: IncomingMessage, response: ServerResponse) => {
      response.setHeader('connection', 'keep-alive');
      response.end('once');
      response.on('finish', () => response.socket?.end());
    });
    const client = new Raw(agent.port);
    for (let i = 1; i <= 5; i++) await client.write(get(`/${i}`, MINE)).until((text) => count(text, 'once') === i);
  });
});

describe('the app', () => {
  it('that listens nowhere resets the client, as without an agent', async () => {
    const agent = await startHttpAgent(await freePort());
    cleanups.push(() => agent.close());
    const client = new Raw(agent.port).write(get('/'));
    await client.end();
    expect(client.error).toBe('ECONNRESET');
  });

  it('that closes its idle connection closes its client', async () => {
    const server = createServer(named('app'));
    const agent = await startHttpAgent(await listen(server));
    cleanups.push(() => agent.close());
    const client = new Raw(agent.port);
    await client.write(get('/')).until((text) => text.includes('app GET'));
    server.closeIdleConnections();
    await client.end();
  });

  it('sees the client go', async () => {
    let gone: () => void;
    const seen = new Promise<void>((resolve) => {
      gone = resolve;
    });
    let arrived: () => void;
    const there = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    const agent = await setup((_request, response) => {
      response.on('close', () => gone());
      arrived();
    });
    const client = new Raw(agent.port).write(get('/'));
    await there;
    client.socket.destroy();
    await seen;
  });
});

describe('what is not HTTP', () => {
  const echo = () =>
    listen(
      createTcpServer({ allowHalfOpen: true }, (socket) => {
        socket.on('error', () => {});
        socket.pipe(socket);
      }),
    );

  it.each(['SET a 1\r\n', '\x16\x03\x01\x00\x05hello', '\x00\x00\x00\x04', 'get a\r\n', 'PING\r\n'])('is passed to the app: %j', async (bytes) => {
    const agent = await startHttpAgent(await echo());
    cleanups.push(() => agent.close());
    const client = new Raw(agent.port).write(bytes);
    await client.until((text) => text === bytes);
    client.socket.end('more');
    expect(await client.end()).toBe(`${bytes}more`);
  });

  it('also when the app speaks first', async () => {
    const tcp = createTcpServer((socket) => {
      socket.write('220 hello\r\n');
      socket.on('data', (chunk) => socket.write(chunk));
    });
    const agent = await startHttpAgent(await listen(tcp));
    cleanups.push(() => agent.close());
    const client = new Raw(agent.port);
    await client.until((text) => text === '220 hello\r\n');
    await client.write('GET / HTTP/1.1\r\n').until((text) => text.endsWith('1.1\r\n'));
  });

  it('is not decided of a client that connected ahead of its first request', async () => {
    const agent = await setup();
    const client = new Raw(agent.port);
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    await client.write(get('/1', MINE)).until((text) => text.includes('mine GET /1'));
  });

  it('is not a slow request line', async () => {
    const agent = await setup();
    const client = new Raw(agent.port).write('GET /slow');
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    await client.write(` HTTP/1.1\r\nHost: a\r\n${MINE}\r\n`).until((text) => text.includes('mine GET /slow'));
  });
});
