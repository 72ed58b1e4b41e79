/** Browsers ask over HTTP/2 where there is TLS; the pods behind speak HTTP/1.1. */
import { once } from 'node:events';
import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants, type IncomingHttpHeaders } from 'node:http2';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { testClient } from '../sandbox/api/testing/api.ts';
import { type IngressBench, ingress, rule, startIngressBench } from './testing/bench.ts';

const HOST = 'two.example.com';
let bench: IngressBench;
let session: ClientHttp2Session;
beforeAll(async () => {
  bench = await startIngressBench(await testClient());
  await bench.apply(ingress('two', { rules: [rule(HOST, ['/', 'two'])] }));
});
beforeEach(() => {
  session = connect(`https://127.0.0.1:${bench.running.ports.https}`, { servername: HOST, rejectUnauthorized: false });
});
afterEach(() => {
  session.destroy();
  bench.clear();
});
afterAll(() => bench.close());

async function app(what: Parameters<IngressBench['serve']>[0]): Promise<void> {
  const port = await bench.serve(what);
  await bench.service('two', port);
  const seen = () => bench.running.view.endpoints({ namespace: 'shop', service: 'two', port: 'http' });
  await expect.poll(seen, { timeout: 15_000, interval: 20 }).toEqual([{ host: '127.0.0.1', port }]);
}

async function answered(stream: ClientHttp2Stream): Promise<{ headers: IncomingHttpHeaders; body: string; trailers: IncomingHttpHeaders }> {
  let trailers: IncomingHttpHeaders = {};
  stream.on('trailers', (said) => (trailers = said));
  const [headers] = (await once(stream, 'response')) as [IncomingHttpHeaders];
  let body = '';
  for await (const chunk of stream.setEncoding('utf8')) body += chunk;
  return { headers, body, trailers };
}

it('requests beside each other arrive whole, with cookies in one header, and answers with each of theirs', async () => {
  await app((req, res) => {
    let body = '';
    req.on('data', (chunk) => (body += chunk));
    req.on('end', () => {
      res.writeHead(200, { 'set-cookie': ['a=1', 'b=2'], trailer: 'x-sum', 'keep-alive': 'timeout=5' });
      res.addTrailers({ 'x-sum': String(body.length) });
      res.end(JSON.stringify({ method: req.method, url: req.url, headers: req.headers, body }));
    });
  });
  const ask = async (i: number): Promise<void> => {
    const stream = session.request({ ':method': 'POST', ':path': `/p?${i}`, ':authority': HOST, cookie: ['one=1', 'two=2'] as unknown as string });
    stream.end(`body ${i}`);
    const { headers, body, trailers } = await answered(stream);
    const seen = JSON.parse(body) as { headers: IncomingHttpHeaders };
    expect(seen).toMatchObject({ method: 'POST', url: `/p?${i}`, body: `body ${i}` });
    expect(seen.headers).toMatchObject({ host: HOST, cookie: 'one=1; two=2', 'x-forwarded-proto': 'https', 'x-forwarded-for': '127.0.0.1' });
    expect([headers[':status'], headers['set-cookie'], headers['keep-alive'], trailers['x-sum']]).toEqual([
      200,
      ['a=1', 'b=2'],
      undefined,
      String(`body ${i}`.length),
    ]);
  };
  await Promise.all(Array.from({ length: 20 }, (_, i) => ask(i)));
});

it('a request without a body has none, and one without a rule gets 404', async () => {
  await app((req, res) => res.end(JSON.stringify(req.headers)));
  const { body } = await answered(session.request({ ':path': '/', ':authority': HOST }));
  expect(Object.keys(JSON.parse(body) as object)).not.toContain('transfer-encoding');
  const { headers } = await answered(session.request({ ':path': '/', ':authority': 'other.example.com' }));
  expect(headers[':status']).toBe(404);
});

it('an answer that the pod cuts is cut for the client, and the next request goes well', async () => {
  await app((req, res) => {
    if (req.url !== '/cut') return void res.end('whole');
    res.write('half');
    setImmediate(() => res.destroy());
  });
  const stream = session.request({ ':path': '/cut', ':authority': HOST });
  stream.resume();
  await expect(once(stream, 'end')).rejects.toMatchObject({ code: 'ERR_HTTP2_STREAM_ERROR' });
  expect((await answered(session.request({ ':path': '/', ':authority': HOST }))).body).toBe('whole');
});

it('a request that the client gives up ends at the pod', async () => {
  const gone = Promise.withResolvers<boolean>();
  await app((_req, res) => {
    res.write('half');
    res.on('close', () => gone.resolve(res.writableFinished));
  });
  const stream = session.request({ ':path': '/', ':authority': HOST });
  stream.on('error', () => {});
  await once(stream, 'response');
  stream.close(constants.NGHTTP2_CANCEL);
  expect(await gone.promise).toBe(false);
});

it('a body is not read faster from the pod than the client reads', async () => {
  const much = 64 * 1024 * 1024;
  let sent = 0;
  await app((_req, res) => {
    const chunk = Buffer.alloc(1024 * 1024);
    const more = (): void => {
      while (sent < much) {
        sent += chunk.length;
        if (!res.write(chunk)) return void res.once('drain', more);
      }
      res.end();
    };
    more();
  });
  const stream = session.request({ ':path': '/', ':authority': HOST });
  await once(stream, 'response');
  stream.pause();
  let last = -1;
  const still = (): boolean => {
    const same = sent === last && sent > 0;
    last = sent;
    return same;
  };
  await expect.poll(still, { interval: 150, timeout: 60_000 }).toBe(true);
  expect(sent).toBeLessThan(much);
  let got = 0;
  for await (const chunk of stream) got += (chunk as Buffer).length;
  expect(got).toBe(much);
}, 120_000);
