import type { RequestListener } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { startHttpAgent } from '../../test/helpers/http-agent.ts';
import { cleanups, get, listen, MINE, named, Raw, setup } from '../../test/helpers/http1-client.ts';

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
    expect([...text.matchAll(/(?:app|mine) (?:GET|POST) \S+/g)].map(String)).toEqual([
      'mine GET /1',
      'app GET /2',
      'mine POST /p',
      'app GET /4',
      'mine GET /5',
    ]);
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
    const request = 'GET /a%41?q HTTP/1.1\r\nzz: 1\r\nHOST:  a \r\nAccept:\t*/*\r\nzz: \xe4\r\n\r\n';
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
      expect(await client.end()).toMatch(/413[\s\S]*no$/);
    }
  });

  it('knows which answers have no body', async () => {
    const agent = await setup((request, response) => {
      if (request.method === 'HEAD') response.setHeader('content-length', '5');
      else response.statusCode = request.url === '/204' ? 204 : 304;
      response.end();
    });
    const client = new Raw(agent.port);
    client.write(['HEAD / HTTP/1.1\r\nHost: a\r\n\r\n', get('/204'), get('/304'), get('/', `${MINE}Connection: close\r\n`)].join(''));
    expect(await client.end()).toMatch(/200[\s\S]*204[\s\S]*304[\s\S]*mine GET \//);
  });

  it('passes chunked answers, trailers and informational heads', async () => {
    const answer =
      'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n3\r\nabc\r\n0\r\nX-T: 1\r\n\r\n';
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
    expect(client.text.slice(client.text.indexOf('\r\n\r\n') + 4)).toBe('0123456789'.repeat(size / 10));
    await client.write(get('/2')).until((text) => text.includes('app GET /2'));
  });
});
