import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { byHeader, type HttpAgent, startHttpAgent } from '../../test/helpers/http-agent.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function listen(server: Server | ReturnType<typeof createTcpServer>): Promise<number> {
  server.on('connection', (socket: Socket) => socket.on('error', () => {}));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => {
    server.close();
    if ('closeAllConnections' in server) server.closeAllConnections();
  });
  return (server.address() as AddressInfo).port;
}

const named =
  (name: string): RequestListener =>
  (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => response.end(`${name} ${request.method} ${request.url} ${Buffer.concat(chunks).toString()}`));
  };

async function setup(app: RequestListener = named('app'), mine: RequestListener = named('mine'), more: Record<string, unknown> = {}): Promise<HttpAgent> {
  const agent = await startHttpAgent(await listen(createServer(app)));
  cleanups.push(() => agent.close());
  agent.set([{ port: await listen(createServer(mine)), http: byHeader('x-who', 'me'), ...more }]);
  return agent;
}

/** A tunnel to a port where nobody listens. */
async function freePort(): Promise<number> {
  const server = createTcpServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

class Raw {
  text = '';
  readonly socket: Socket;
  ended = false;
  error: string | undefined;
  constructor(port: number) {
    this.socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    this.socket.on('error', (error: NodeJS.ErrnoException) => {
      this.error = error.code ?? error.message;
    });
    this.socket.on('data', (chunk) => {
      this.text += chunk.toString('latin1');
    });
    this.socket.on('end', () => {
      this.ended = true;
    });
    this.socket.setMaxListeners(0);
    cleanups.push(() => this.socket.destroy());
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      for (const event of ['data', 'end', 'close']) this.socket.once(event, () => resolve());
    });
  }

  write(text: string): this {
    this.socket.write(text, 'latin1');
    return this;
  }

  async until(condition: (text: string) => boolean): Promise<string> {
    while (!condition(this.text)) {
      if (this.ended || this.socket.destroyed) throw new Error(`ended with ${JSON.stringify(this.text)}`);
      await this.#change();
    }
    return this.text;
  }

  async end(): Promise<string> {
    while (!this.ended && !this.socket.destroyed) await this.#change();
    return this.text;
  }
}

const get = (path: string, headers = '') => `GET ${path} HTTP/1.1\r\nHost: a\r\n${headers}\r\n`;
const MINE = 'X-Who: me\r\n';
const count = (text: string, part: string) => text.split(part).length - 1;

describe('one connection', () => {
  it('sends each request where it belongs, and says who answered', async () => {
    const agent = await setup();
    const client = new Raw(agent.port);
    await client.write(get('/1')).until((text) => text.includes('app GET /1'));
    expect(client.text).not.toMatch(/intercepted-by/i);
    await client.write(get('/2', MINE)).until((text) => text.includes('mine GET /2'));
    expect(client.text).toContain('x-telepresence-intercepted-by: mine\r\n');
    await client.write(get('/3')).until((text) => text.includes('app GET /3'));
    await client.write(get('/4', MINE)).until((text) => text.includes('mine GET /4'));
    expect(agent.opened).toBe(1);
  });

  it('answers pipelined requests in their order, wherever they go', async () => {
    const slow: RequestListener = (request, response) => void setTimeout(() => named('mine')(request, response), 20);
    const agent = await setup(named('app'), slow);
    const client = new Raw(agent.port);
    const post = `POST /p HTTP/1.1\r\nHost: a\r\n${MINE}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-T: 1\r\n\r\n`;
    client.write(get('/1', MINE) + get('/2') + post + get('/4') + get('/5', `${MINE}Connection: close\r\n`));
    const text = await client.end();
    expect([...text.matchAll(/(?:app|mine) (?:GET|POST) \S+/g)].map(String)).toEqual(['mine GET /1', 'app GET /2', 'mine POST /p', 'app GET /4', 'mine GET /5']);
    expect(text).toContain('mine POST /p abc');
  });

  it('survives a request that comes byte by byte', async () => {
    const agent = await setup();
    const client = new Raw(agent.port);
    for (const byte of `POST /b HTTP/1.1\r\nHost: a\r\n${MINE}Content-Length: 3\r\n\r\nxyz${get('/2', 'Connection: close\r\n')}`) {
      client.write(byte);
      await new Promise((resolve) => setImmediate(resolve));
    }
    const text = await client.end();
    expect(text).toContain('mine POST /b xyz');
    expect(text).toContain('app GET /2');
  });

  it('passes heads on as they came: order, case and repeats', async () => {
    const heads: string[] = [];
    const tcp = createTcpServer((socket) =>
      socket.on('data', (chunk) => {
        heads.push(chunk.toString('latin1'));
        socket.write('HTTP/1.1 200 Fine\r\nX-b: 2\r\nx-B: 3\r\nContent-Length: 0\r\n\r\n');
      }),
    );
    const agent = await startHttpAgent(await listen(tcp));
    cleanups.push(() => agent.close());
    const client = new Raw(agent.port);
    const request = 'GET /a%41?q#'.slice(0, -1) + ' HTTP/1.1\r\nzz: 1\r\nHOST:  a \r\nAccept:\t*/*\r\nzz: \xe4\r\n\r\n';
    await client.write(request).until((text) => text.endsWith('\r\n\r\n'));
    expect(heads).toEqual([request]);
    expect(client.text).toBe('HTTP/1.1 200 Fine\r\nX-b: 2\r\nx-B: 3\r\nContent-Length: 0\r\n\r\n');
  });

  it('leaves the proof out where that is wanted', async () => {
    const agent = await setup(undefined, undefined, { proofHeader: false });
    const text = await new Raw(agent.port).write(get('/', `${MINE}Connection: close\r\n`)).end();
    expect(text).toContain('mine GET /');
    expect(text).not.toMatch(/intercepted-by/i);
  });

  it('follows intercepts that come and go at the next request', async () => {
    const agent = await setup();
    const client = new Raw(agent.port);
    await client.write(get('/1', MINE)).until((text) => text.includes('mine GET /1'));
    agent.set([]);
    await client.write(get('/2', MINE)).until((text) => text.includes('app GET /2'));
  });
});

describe('messages', () => {
  it('passes 100 Continue, and the body behind it', async () => {
    const agent = await setup();
    const client = new Raw(agent.port);
    client.write(`POST /c HTTP/1.1\r\nHost: a\r\n${MINE}Expect: 100-continue\r\nContent-Length: 2\r\n\r\n`);
    await client.until((text) => text.startsWith('HTTP/1.1 100 Continue\r\n\r\n'));
    await client.write('ok').until((text) => text.includes('mine POST /c ok'));
    await client.write(get('/2')).until((text) => text.includes('app GET /2'));
  });

  it('ends a connection whose client was answered before it sent the body it had announced', async () => {
    const tcp = createTcpServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () => socket.write('HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n'));
    });
    const agent = await startHttpAgent(await listen(tcp));
    cleanups.push(() => agent.close());
    const client = new Raw(agent.port).write('POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 30\r\n\r\n');
    expect(await client.end()).toContain('417');
  });

  it('passes an early answer on while the body is still coming', async () => {
    const early: RequestListener = (request, response) => {
      response.end('early');
      request.resume();
    };
    const agent = await setup(early);
    const client = new Raw(agent.port).write('POST /e HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\nx');
    await client.until((text) => text.includes('early'));
    client.write('y'.repeat(199_999));
    await client.write(get('/2', MINE)).until((text) => text.includes('mine GET /2'));
  });

  it('survives a server that answers early and closes', async () => {
    const tcp = createTcpServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () => socket.end('HTTP/1.1 413 No\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno'));
    });
    const agent = await startHttpAgent(await listen(tcp));
    cleanups.push(() => agent.close());
    for (let i = 0; i < 20; i++) {
      const client = new Raw(agent.port).write(`POST /e HTTP/1.1\r\nHost: a\r\nContent-Length: 10000000\r\n\r\n${'x'.repeat(100_000)}`);
      expect(await client.end()).toMatch(/413[^]*no$/);
    }
  });

  it('knows which answers have no body', async () => {
    const agent = await setup((request, response) => {
      if (request.method === 'HEAD') response.setHeader('content-length', '5');
      else response.statusCode = request.url === '/204' ? 204 : 304;
      response.end();
    });
    const client = new Raw(agent.port);
    client.write('HEAD / HTTP/1.1\r\nHost: a\r\n\r\n' + get('/204') + get('/304') + get('/', `${MINE}Connection: close\r\n`));
    expect(await client.end()).toMatch(/200[^]*204[^]*304[^]*mine GET \//);
  });

  it('passes chunked answers, trailers and informational heads', async () => {
    const answer = 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n3\r\nabc\r\n0\r\nX-T: 1\r\n\r\n';
    const tcp = createTcpServer((socket) =>
      socket.on('data', async () => {
        for (const byte of answer) {
          socket.write(byte);
          await new Promise((resolve) => setImmediate(resolve));
        }
      }),
    );
    const agent = await startHttpAgent(await listen(tcp));
    cleanups.push(() => agent.close());
    const client = new Raw(agent.port);
    await client.write(get('/')).until((text) => text.endsWith('X-T: 1\r\n\r\n'));
    expect(client.text).toBe(answer);
    await client.write(get('/')).until((text) => text.length === 2 * answer.length);
  });

  it('passes bodies that end with the connection', async () => {
    const tcp = createTcpServer((socket) => socket.once('data', () => socket.end('HTTP/1.0 200 OK\n\nall of it')));
    const agent = await startHttpAgent(await listen(tcp));
    cleanups.push(() => agent.close());
    expect(await new Raw(agent.port).write(get('/')).end()).toBe('HTTP/1.0 200 OK\n\nall of it');
  });

  it('gives nobody what a server sends unasked', async () => {
    let sockets = 0;
    const tcp = createTcpServer((socket) => {
      const name = `n${++sockets}`;
      socket.on('error', () => {});
      socket.on('data', () => socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n${name}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil`));
    });
    const agent = await startHttpAgent(await listen(tcp));
    cleanups.push(() => agent.close());
    const client = new Raw(agent.port);
    await client.write(get('/')).until((text) => text.endsWith('n1'));
    await client.write(get('/')).until((text) => text.endsWith('n2'));
    expect(client.text).not.toContain('evil');
  });

  it('moves large bodies both ways unchanged, and slow readers hold the sender back', async () => {
    const size = 8_000_000;
    const agent = await setup(named('app'), (request, response) => {
      response.setHeader('content-length', request.headers['content-length'] ?? '');
      request.pipe(response);
    });
    const client = new Raw(agent.port);
    client.write(`POST /big HTTP/1.1\r\nHost: a\r\n${MINE}Content-Length: ${size}\r\n\r\n`);
    client.write('0123456789'.repeat(size / 10));
    client.socket.pause();
    await new Promise((resolve) => setTimeout(resolve, 50));
    client.socket.resume();
    await client.until((text) => text.length > size && text.length - text.indexOf('\r\n\r\n') - 4 === size);
    expect(client.text.slice(text0(client.text))).toBe('0123456789'.repeat(size / 10));
    await client.write(get('/2')).until((text) => text.includes('app GET /2'));
  });
});

const text0 = (text: string) => text.indexOf('\r\n\r\n') + 4;

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
    for (const [name, header] of [['app', ''], ['mine', MINE]] as const) {
      const client = new Raw(agent.port).write(get('/ws', `${header}Connection: keep-alive, Upgrade\r\nUpgrade: echo\r\n`) + 'early');
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
    await new Raw(agent.port).write(get('/', 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\nX-A: 1\r\n')).until((text) => text.includes('plain'));
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
