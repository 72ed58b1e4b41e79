import { createServer as createHttp1Server } from 'node:http';
import http2, { type ClientHttp2Session, type IncomingHttpHeaders, type OutgoingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { byHeader, type HttpAgent, startHttpAgent } from '../../test/helpers/http-agent.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

type OnStream = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void;

async function http2Server(onStream: OnStream): Promise<number> {
  const server = http2.createServer();
  const sessions = new Set<http2.ServerHttp2Session>();
  server.on('session', (session) => sessions.add(session.on('error', () => {})));
  server.on('stream', (stream, headers) => {
    stream.on('error', () => {});
    onStream(stream, headers);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => {
    for (const session of sessions) session.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

const named =
  (name: string): OnStream =>
  (stream, headers) => {
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => {
      stream.respond({ ':status': 200, 'x-twice': ['1', '2'] });
      stream.end(`${name} ${headers[':path']} ${Buffer.concat(chunks).toString()}`);
    });
  };

async function setup(
  app: OnStream = named('app'),
  mine: OnStream = named('mine'),
  more: Record<string, unknown> = {},
): Promise<{ agent: HttpAgent; session: ClientHttp2Session }> {
  const agent = await startHttpAgent(await http2Server(app));
  cleanups.push(() => agent.close());
  agent.set([{ port: await http2Server(mine), http: byHeader('x-who', 'me'), ...more }]);
  return { agent, session: connect(agent) };
}

function connect(agent: HttpAgent): ClientHttp2Session {
  const session = http2.connect(`http://127.0.0.1:${agent.port}`);
  session.on('error', () => {});
  cleanups.push(() => session.destroy());
  return session;
}

async function ask(
  session: ClientHttp2Session,
  headers: OutgoingHttpHeaders,
  body?: string,
): Promise<{ head: IncomingHttpHeaders; text: string; trailers: IncomingHttpHeaders; code: number | undefined }> {
  const stream = session.request(headers, { endStream: body === undefined });
  let head: IncomingHttpHeaders = {};
  let trailers: IncomingHttpHeaders = {};
  let text = '';
  stream.on('error', () => {});
  stream.on('response', (got) => {
    head = got;
  });
  stream.on('trailers', (got) => {
    trailers = got;
  });
  stream.on('data', (chunk) => {
    text += chunk;
  });
  if (body !== undefined) stream.end(body);
  await new Promise<void>((resolve) => stream.once('close', () => resolve()));
  return { head, text, trailers, code: stream.rstCode };
}

describe('HTTP/2', () => {
  it('sends each stream of a connection where it belongs', async () => {
    const { agent, session } = await setup();
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, i) => ask(session, i % 2 === 0 ? { ':path': `/${i}` } : { ':path': `/${i}`, 'x-who': 'me' })),
    );
    answers.forEach(({ head, text }, i) => {
      expect(text.trim()).toBe(`${i % 2 === 0 ? 'app' : 'mine'} /${i}`);
      expect(head['x-telepresence-intercepted-by']).toBe(i % 2 === 0 ? undefined : 'mine');
    });
    expect(answers[1]?.head['x-twice']).toBe('1, 2');
    expect(agent.opened).toBe(1);
  });

  it('passes bodies, trailers and informational heads', async () => {
    const { session } = await setup(undefined, (stream) => {
      stream.additionalHeaders({ ':status': 103, link: '</a>' });
      stream.respond({ ':status': 200 }, { waitForTrailers: true });
      let sum = 0;
      stream.on('data', (chunk: Buffer) => {
        sum += chunk.length;
      });
      let wanted: IncomingHttpHeaders = {};
      stream.on('trailers', (trailers) => {
        wanted = trailers;
      });
      stream.on('end', () => stream.end('x'.repeat(sum)));
      stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': String(sum), 'x-got': String(wanted['x-sent']) }));
    });
    const stream = session.request({ ':method': 'POST', ':path': '/', 'x-who': 'me' }, { waitForTrailers: true });
    const informational: unknown[] = [];
    stream.on('headers', (headers) => informational.push(headers['link']));
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sent': 'yes' }));
    let got = 0;
    stream.on('data', (chunk: Buffer) => {
      got += chunk.length;
    });
    const trailers = new Promise<IncomingHttpHeaders>((resolve) => stream.once('trailers', resolve));
    stream.end(Buffer.alloc(3_000_000, 'y'));
    expect(await trailers).toMatchObject({ 'x-sum': '3000000', 'x-got': 'yes' });
    await new Promise<void>((resolve) => (stream.closed ? resolve() : stream.once('close', () => resolve())));
    expect(got).toBe(3_000_000);
    expect(informational).toEqual(['</a>']);
  });

  it('passes resets both ways', async () => {
    let seen: (code: number) => void;
    const reset = new Promise<number>((resolve) => {
      seen = resolve;
    });
    const { session } = await setup(
      (stream) => void stream.close(http2.constants.NGHTTP2_ENHANCE_YOUR_CALM),
      (stream) => {
        stream.respond({ ':status': 200 });
        stream.write('begin');
        stream.on('close', () => seen(stream.rstCode ?? -1));
      },
    );
    expect((await ask(session, { ':path': '/' })).code).toBe(http2.constants.NGHTTP2_ENHANCE_YOUR_CALM);
    const stream = session.request({ ':path': '/', 'x-who': 'me' });
    stream.on('error', () => {});
    await new Promise((resolve) => stream.once('data', resolve));
    stream.close(http2.constants.NGHTTP2_CANCEL);
    expect(await reset).toBe(http2.constants.NGHTTP2_CANCEL);
  });

  it('holds a sender back whose reader waits', async () => {
    let written = 0;
    const { session } = await setup(undefined, (stream) => {
      stream.respond({ ':status': 200 });
      const more = () => {
        while (written < 200_000_000) {
          written += 65_536;
          if (!stream.write(Buffer.alloc(65_536))) return void stream.once('drain', more);
        }
        return stream.end();
      };
      more();
    });
    const stream = session.request({ ':path': '/', 'x-who': 'me' });
    stream.on('error', () => {});
    await new Promise((resolve) => stream.once('response', resolve));
    stream.pause();
    let before = -1;
    while (before !== written) {
      before = written;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    expect(written).toBeLessThan(20_000_000);
    stream.close();
  });

  it('a process that does not listen, or speaks something else: 502, or the app with --fallback', async () => {
    const { agent, session } = await setup();
    const other = createTcpServer((socket) => {
      socket.on('error', () => {});
      socket.end('SSH-2.0-OpenSSH_9.2\r\n');
    });
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    cleanups.push(() => other.close());
    const closed = createTcpServer();
    await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve));
    const nobody = (closed.address() as AddressInfo).port;
    await new Promise((resolve) => closed.close(resolve));
    agent.set([
      { uid: 'r', port: nobody, http: byHeader('x-who', 'refuses') },
      { uid: 'f', port: nobody, http: byHeader('x-who', 'falls'), fallback: true },
      { uid: 'o', port: (other.address() as AddressInfo).port, http: byHeader('x-who', 'other') },
    ]);
    expect(await ask(session, { ':path': '/', 'x-who': 'refuses' })).toMatchObject({
      head: { ':status': 502 },
      text: expect.stringContaining('does not listen'),
    });
    expect((await ask(session, { ':method': 'POST', ':path': '/', 'x-who': 'falls' }, 'body')).text).toBe('app / body');
    expect(await ask(session, { ':path': '/', 'x-who': 'other' })).toMatchObject({
      head: { ':status': 502 },
      text: expect.stringContaining('closed the connection'),
    });
    agent.held = false;
    expect((await ask(session, { ':path': '/', 'x-who': 'refuses' })).text).toBe('app / ');
  });

  it('a process that speaks HTTP/1.1 only is asked in that; gRPC is not', async () => {
    const { agent, session } = await setup();
    const old = createHttp1Server((request, response) => {
      let body = '';
      request.on('data', (chunk) => {
        body += String(chunk);
      });
      request.on('end', () => {
        response.setHeader('set-cookie', ['a=1', 'b=2']);
        response.end([request.method, request.url, request.headers.host, request.headers.cookie, body].join(' '));
      });
    });
    await new Promise<void>((resolve) => old.listen(0, '127.0.0.1', resolve));
    cleanups.push(() => old.close());
    agent.set([{ port: (old.address() as AddressInfo).port, http: byHeader('x-who', 'me') }]);
    const mine = { 'x-who': 'me', ':authority': 'shop', cookie: ['c=1', 'd=2'] };
    const answers = await Promise.all([
      ask(session, { ...mine, ':path': '/a' }),
      ask(session, { ...mine, ':path': '/b', ':method': 'POST' }, 'body'),
      ask(session, { ':path': '/' }),
    ]);
    expect(answers.map(({ text }) => text)).toEqual(['GET /a shop c=1; d=2 ', 'POST /b shop c=1; d=2 body', 'app / ']);
    expect(answers[0]?.head).toMatchObject({ ':status': 200, 'x-telepresence-intercepted-by': 'mine', 'set-cookie': ['a=1', 'b=2'] });
    const grpc = await ask(session, { ...mine, ':path': '/', ':method': 'POST', 'content-type': 'application/grpc' }, 'x');
    expect(grpc.head).toMatchObject({ 'grpc-status': '14' });
    old.close();
    old.closeAllConnections();
    expect(await ask(session, { ...mine, ':path': '/c', ':method': 'POST' }, 'body')).toMatchObject({
      head: { ':status': 502 },
      text: expect.stringContaining('does not listen'),
    });
  });

  it('a workstation that is lost: requests without a body are answered by the app, others get 502', async () => {
    let arrived = 0;
    let both: () => void;
    const there = new Promise<void>((resolve) => {
      both = resolve;
    });
    const { agent, session } = await setup(named('app'), () => {
      if (++arrived === 2) both();
    });
    const one = ask(session, { ':path': '/1', 'x-who': 'me' });
    const two = ask(session, { ':method': 'POST', ':path': '/2', 'x-who': 'me' }, 'body');
    await there;
    agent.lose();
    expect((await one).text).toBe('app /1 ');
    expect((await two).head[':status']).toBe(502);
    expect((await ask(session, { ':path': '/3' })).text).toBe('app /3 ');
  });

  it('refuses a Host beside another :authority', async () => {
    const { session } = await setup();
    expect((await ask(session, { ':path': '/', ':authority': 'a', host: 'b' })).head[':status']).toBe(400);
  });
});
