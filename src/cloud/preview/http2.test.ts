import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type ClientHttp2Session, connect, constants, type IncomingHttpHeaders } from 'node:http2';
import { type RequestOptions, request } from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createTestAuthority } from '../../kube/testing/certificates.ts';
import { type PreviewBench, startPreviewBench } from '../testing/preview.ts';

let bench: PreviewBench;
let session: ClientHttp2Session;
let dir: string;

beforeAll(async () => {
  const { cert, key } = await (await createTestAuthority()).issue({ subject: 'CN=localhost', names: ['localhost'] });
  dir = await mkdtemp(path.join(tmpdir(), 'preview-'));
  const tls = { cert: path.join(dir, 'tls.crt'), key: path.join(dir, 'tls.key') };
  await writeFile(tls.cert, cert);
  await writeFile(tls.key, key);
  bench = await startPreviewBench({ tls });
  session = connect(`https://127.0.0.1:${bench.cloud.port}`, { rejectUnauthorized: false, servername: 'localhost' });
});
afterEach(() => bench.clear());
afterAll(async () => {
  session.destroy();
  await bench.close();
  await rm(dir, { recursive: true });
});

async function ask(headers: Record<string, string>, body?: string): Promise<{ status: number; headers: IncomingHttpHeaders; body: string; trailers: unknown }> {
  const stream = session.request({ ':authority': bench.preview.host, ':path': '/', ...headers });
  let trailers: unknown;
  stream.on('trailers', (fields) => {
    trailers = { ...fields };
  });
  stream.end(body);
  const [answer] = (await once(stream, 'response')) as [IncomingHttpHeaders & { ':status'?: number }];
  let text = '';
  for await (const chunk of stream) text += chunk;
  return { status: answer[':status'] ?? 0, headers: answer, body: text, trailers };
}

describe('over HTTP/2', () => {
  it('many requests run at once, on one connection', async () => {
    await bench.ingress(async (req, res) => {
      let body = '';
      for await (const chunk of req) body += chunk;
      res.setHeader('connection', 'x-hop, keep-alive');
      res.setHeader('x-hop', '1');
      res.end(`${req.headers.host} ${req.url} ${body}`);
    });
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, index) => ask({ ':path': `/${index}`, ':method': index % 2 ? 'POST' : 'GET' }, index % 2 ? `body ${index}` : undefined)),
    );
    expect(answers.map(({ body }) => body)).toEqual(Array.from({ length: 50 }, (_, index) => `dev.example.org /${index} ${index % 2 ? `body ${index}` : ''}`));
    expect(answers[0]?.headers['x-hop']).toBeUndefined();
  });

  it('cookies in crumbs, trailers and secure cookies of our own go through', async () => {
    await bench.ingress((req, res) => {
      res.writeHead(200, { trailer: 'x-sum' });
      res.write(req.headers.cookie);
      res.addTrailers({ 'x-sum': '7' });
      res.end();
    });
    const answer = await ask({ cookie: 'a=1; __Host-telepresence-preview=x; b=2' });
    expect(answer.body).toBe('a=1; b=2');
    expect(answer.trailers).toMatchObject({ 'x-sum': '7' });
    const mine = await bench.cloud.preview(bench.owner, bench.cluster);
    const away = await ask({ ':authority': mine.host, accept: 'text/html' });
    expect(away.headers['set-cookie']?.[0]).toMatch(/^__Host-telepresence-enter=[\w-]{43}; Path=\/; Secure; HttpOnly; SameSite=Lax; Max-Age=600$/);
  });

  it('an answer that breaks off is reset, the connection stays', async () => {
    await bench.rawIngress((socket) => {
      socket.on('error', () => {});
      socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf', () => socket.resetAndDestroy()));
    });
    await expect(ask({})).rejects.toThrow(/NGHTTP2_INTERNAL_ERROR/);
    bench.reset = 'refused';
    expect((await ask({})).status).toBe(502);
  });

  it('a request that the browser gives up ends at the app', async () => {
    const gone = Promise.withResolvers<boolean>();
    await bench.ingress((_req, res) => {
      res.write('half');
      res.on('close', () => gone.resolve(res.writableFinished));
    });
    const stream = session.request({ ':authority': bench.preview.host, ':path': '/' });
    stream.on('error', () => {});
    await once(stream, 'response');
    stream.close(constants.NGHTTP2_CANCEL);
    expect(await gone.promise).toBe(false);
  });

  it('HTTP/1.1 stays for those who want it', async () => {
    await bench.ingress((req, res) => res.end(req.headers['x-forwarded-proto']));
    const options: RequestOptions & { ALPNProtocols: string[] } = {
      host: '127.0.0.1',
      port: bench.cloud.port,
      headers: { host: bench.preview.host },
      rejectUnauthorized: false,
      ALPNProtocols: ['http/1.1'],
    };
    const sent = request(options);
    sent.end();
    const [response] = await once(sent, 'response');
    expect(response.httpVersion).toBe('1.1');
    expect(String((await once(response, 'data'))[0])).toBe('https');
  });
});
