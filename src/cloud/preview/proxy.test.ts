import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ask } from '../testing/browser-less.ts';
import { type PreviewBench, startPreviewBench } from '../testing/preview.ts';

let bench: PreviewBench;
beforeAll(async () => {
  bench = await startPreviewBench();
});
afterEach(() => bench.clear());
afterAll(() => bench.close());
const get: PreviewBench['get'] = (path, more) => bench.get(path, more);

describe('a request', () => {
  it('reaches the ingress with the intercept’s header and the layer-5 host', async () => {
    await bench.ingress((req, res) => res.end(JSON.stringify({ url: req.url, headers: req.headers })));
    const answer = await get('/a?b=c', { headers: { 'x-telepresence-intercept-id': 'mine', cookie: 'a=1' } });
    expect(answer.status).toBe(200);
    const { url, headers } = JSON.parse(answer.body) as { url: string; headers: Record<string, string> };
    expect(url).toBe('/a?b=c');
    expect(headers).toMatchObject({
      host: 'dev.example.org',
      [bench.preview.header.name]: bench.preview.header.value,
      'x-forwarded-host': bench.preview.host,
      'x-forwarded-proto': 'http',
      'x-forwarded-for': '127.0.0.1',
      cookie: 'a=1',
    });
    expect(bench.manager.targets.at(-1)).toEqual({ host: 'traefik.kube-system', port: 443, tls: true, sni: 'dev.example.org' });
  });

  it.each(['POST', 'PUT', 'PATCH', 'DELETE'])('of %s carries its body', async (method) => {
    await bench.ingress(async (req, res) => {
      let body = '';
      for await (const chunk of req) body += chunk;
      res.writeHead(201, { 'x-length': req.headers['content-length'] ?? 'none' }).end(`${req.method} ${body}`);
    });
    expect(await get('/', { method, headers: { 'content-length': '5' }, body: 'hello' })).toMatchObject({
      status: 201,
      body: `${method} hello`,
      headers: { 'x-length': '5' },
    });
    expect(await get('/', { method, headers: { 'transfer-encoding': 'chunked' }, body: 'chunks' })).toMatchObject({
      body: `${method} chunks`,
      headers: { 'x-length': 'none' },
    });
  });

  it('without a body has none at the ingress either', async () => {
    const heads: string[] = [];
    await bench.rawIngress((socket) => {
      socket.on('error', () => {});
      socket.on('data', (data) => {
        heads.push(data.toString());
        socket.write('HTTP/1.1 204 No Content\r\n\r\n');
      });
    });
    expect((await get('/', { method: 'DELETE' })).status).toBe(204);
    expect((await get('/', { method: 'POST', headers: { 'content-length': '0' } })).status).toBe(204);
    expect((await get('/', { method: 'HEAD' })).status).toBe(204);
    expect(heads.map((head) => /content-length: (\d+)|transfer-encoding/i.exec(head)?.[0]?.toLowerCase())).toEqual([undefined, 'content-length: 0', undefined]);
  });

  it('uses the connection of the one before', async () => {
    const sockets = new Set<unknown>();
    await bench.ingress((req, res) => {
      sockets.add(req.socket);
      res.end('ok');
    });
    for (let index = 0; index < 5; index++) expect((await get()).body).toBe('ok');
    expect(sockets.size).toBe(1);
  });

  it('is sent again when the kept connection turns out to be over', async () => {
    let connections = 0;
    await bench.rawIngress((socket) => {
      connections++;
      let requests = 0;
      socket.on('error', () => {});
      socket.on('data', () => {
        if (++requests > 1) return socket.resetAndDestroy();
        return socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
      });
    });
    expect((await get()).body).toBe('ok');
    expect((await get()).body).toBe('ok');
    expect(connections).toBe(2);
  });

  it('for another host in its target is refused', async () => {
    expect((await get('http://other.preview.localhost/')).status).toBe(400);
    expect((await get('/', { method: 'TRACE' })).status).toBe(405);
  });
});

describe('an answer', () => {
  it('comes with its redirect, cookies, status text and trailers', async () => {
    await bench.rawIngress((socket) => {
      socket.on('error', () => {});
      socket.on('data', () =>
        socket.write(
          'HTTP/1.1 302 Go There\r\nLocation: https://dev.example.org/login\r\nSet-Cookie: a=1; Domain=dev.example.org\r\nSet-Cookie: b=2; Domain=evil.test\r\n' +
            'Trailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 7\r\n\r\n',
        ),
      );
    });
    const answer = await get();
    expect(answer).toMatchObject({
      status: 302,
      body: 'ok',
      headers: { location: `${bench.preview.url}/login`, 'set-cookie': [`a=1; Domain=${bench.preview.host.replace(/:\d+$/, '')}`] },
    });
  });

  it('that breaks off breaks off here too', async () => {
    await bench.rawIngress((socket) => {
      socket.on('error', () => {});
      socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf', () => socket.resetAndDestroy()));
    });
    await expect(get()).rejects.toThrow(/aborted|hang up|ECONNRESET/);
  });
});

describe('a preview that can’t answer explains', () => {
  it.each([
    ['refused', 502, 'TP-PREVIEW-INGRESS'],
    ['unreachable', 502, 'TP-PREVIEW-INGRESS'],
    ['forbidden', 502, 'TP-PREVIEW-INGRESS'],
    ['protocol', 502, 'TP-PREVIEW-INGRESS'],
    ['timeout', 504, 'TP-PREVIEW-INGRESS-TIMEOUT'],
    ['overload', 503, 'TP-PREVIEW-BUSY'],
    ['gone', 503, 'TP-PREVIEW-NOT-LINKED'],
  ])('a connection that is reset for %s', async (reason, status, code) => {
    bench.reset = reason;
    expect(await get()).toMatchObject({ status, headers: { 'x-telepresence-error': code } });
  });

  it('an ingress that is not there, for real', async () => {
    await bench.ingress((_req, res) => res.end());
    await bench.clear();
    expect(await get()).toMatchObject({ status: 502, headers: { 'x-telepresence-error': 'TP-PREVIEW-INGRESS' } });
  });

  it('an ingress that speaks no HTTP', async () => {
    await bench.rawIngress((socket) => {
      socket.on('error', () => {});
      socket.end('SSH-2.0-OpenSSH\r\n');
    });
    expect(await get()).toMatchObject({ status: 502, body: expect.stringContaining('does not answer in HTTP') });
  });

  it('in the form that the client takes', async () => {
    bench.reset = 'refused';
    const page = await get('/', { headers: { accept: 'text/html' } });
    expect(page.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(page.headers['content-security-policy']).toContain("default-src 'none'");
    expect(page.body).toContain('<h1>The ingress can’t be reached</h1>');
    // A stranger at a public preview learns no address of the cluster.
    expect(page.body).not.toContain('traefik');
    expect(JSON.parse((await get('/', { headers: { accept: 'application/json' } })).body)).toMatchObject({ error: { code: 'TP-PREVIEW-INGRESS' } });
    expect((await get('/', { method: 'HEAD' })).body).toBe('');
  });

  it('an address that nobody has', async () => {
    const host = bench.preview.host.replace(bench.preview.label, 'a'.repeat(26));
    expect(await ask({ port: bench.cloud.port, host })).toMatchObject({ status: 404, headers: { 'x-telepresence-error': 'TP-PREVIEW-UNKNOWN' } });
  });

  it('a workstation that is asleep, and its return', async () => {
    await bench.ingress((_req, res) => res.end('awake'));
    bench.manager.list([bench.intercept({ connected: false })]);
    await expect.poll(async () => (await get()).headers['x-telepresence-error'], { timeout: 5_000 }).toBe('TP-PREVIEW-ASLEEP');
    expect((await get()).headers['retry-after']).toBe('5');
    bench.manager.list([bench.intercept({ connected: true })]);
    await expect.poll(async () => (await get()).body, { timeout: 5_000 }).toBe('awake');
  });

  it('an intercept that ended, and one that came back in time', async () => {
    await bench.ingress((_req, res) => res.end('there'));
    bench.manager.list([]);
    await expect.poll(async () => (await get()).headers['x-telepresence-error'], { timeout: 5_000 }).toBe('TP-PREVIEW-GONE');
    bench.manager.list([bench.intercept()]);
    await expect.poll(async () => (await get()).body, { timeout: 5_000 }).toBe('there');
  });

  it('a cluster whose link is lost, until it is back', async () => {
    await bench.ingress((_req, res) => res.end('linked'));
    await bench.manager.close();
    await expect.poll(async () => (await get()).headers['x-telepresence-error'], { timeout: 5_000 }).toBe('TP-PREVIEW-NOT-LINKED');
    bench.manager = await bench.link();
    await expect.poll(async () => (await get()).body, { timeout: 5_000 }).toBe('linked');
  });
});

it('a visitor is written down once for many requests', async () => {
  await bench.ingress((_req, res) => res.end('ok'));
  const mine = await bench.cloud.preview(bench.owner, bench.cluster, { public: true, intercept: bench.preview.intercept });
  for (let index = 0; index < 5; index++) await ask({ port: bench.cloud.port, host: mine.host, headers: { 'user-agent': 'curl/8.5.0' } });
  const rows = () => bench.cloud.store.audit.list(bench.owner.organisation.id, { actions: ['preview.visit'], subject: mine.id });
  await expect.poll(rows).toMatchObject([{ actor: 'anonymous', address: '127.0.0.1', detail: { browser: 'curl' } }]);
});
