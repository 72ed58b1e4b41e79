/** The controller from outside: rules from the API, requests over sockets. */
import { once } from 'node:events';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createTestAuthority } from '../kube/testing/certificates.ts';
import { testClient } from '../sandbox/api/testing/api.ts';
import { backend, type IngressBench, ingress, NAMESPACE, rule, startIngressBench } from './testing/bench.ts';

/** On a busy machine it takes longer than a poll waits by default. */
const soon = <T>(read: () => T) => expect.poll(read, { timeout: 15_000, interval: 20 });

let api: Awaited<ReturnType<typeof testClient>>;
let bench: IngressBench;
beforeAll(async () => {
  api = await testClient();
  bench = await startIngressBench(api);
});
afterEach(() => bench.clear());
afterAll(() => bench.close());

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}
interface Ask {
  method?: string;
  headers?: Record<string, string>;
  body?: string;
  tls?: { servername: string };
}

function ask(host: string, path = '/', { method = 'GET', headers = {}, body = '', tls }: Ask = {}): Promise<Answer> {
  const { ports } = bench.running;
  const options = { host: '127.0.0.1', path, method, headers: { host, ...headers }, agent: false } as const;
  const sent =
    tls === undefined
      ? httpRequest({ ...options, port: ports.http })
      : httpsRequest({ ...options, port: ports.https, rejectUnauthorized: false, servername: tls.servername });
  return new Promise((resolve, reject) => {
    sent.on('error', reject);
    sent.on('response', (answer) => {
      let text = '';
      answer.setEncoding('utf8');
      answer.on('data', (chunk: string) => (text += chunk));
      answer.on('error', reject);
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: text }));
    });
    sent.end(body);
  });
}
/** What the controller has heard of the API by now. */
const eventually = (host: string, path: string, wanted: Partial<Answer>): Promise<void> => soon(() => ask(host, path)).toMatchObject(wanted);
const commonName = (host: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connectTls({ port: bench.running.ports.https, host: '127.0.0.1', rejectUnauthorized: false, servername: host }, () => {
      resolve(String(socket.getPeerCertificate().subject.CN));
      socket.destroy();
    });
    socket.on('error', reject);
  });

/** The controller has heard that the Service leads there. */
async function known(service: string, ...ports: number[]): Promise<void> {
  const seen = (): number[] | string => {
    const found = bench.running.view.endpoints({ namespace: NAMESPACE, service, port: 'http' });
    return typeof found === 'string' ? found : found.map(({ port }) => port);
  };
  await soon(seen).toEqual(ports.length > 0 ? ports : 'none of its pods is ready');
}

/** A host of its own with one Service behind it. */
async function host(name: string, ...ports: number[]): Promise<string> {
  await bench.service(name, ...ports);
  await bench.apply(ingress(name, { rules: [rule(`${name}.example.com`, ['/', name])] }));
  await soon(() => bench.running.view.route(`${name}.example.com`, '/')).toBeDefined();
  await known(name, ...ports);
  return `${name}.example.com`;
}

describe('a request', () => {
  it('goes to the Service of its rule, with what it was', async () => {
    const port = await bench.serve((req, res) => {
      let body = '';
      req.on('data', (chunk) => (body += chunk));
      req.on('end', () =>
        res
          .writeHead(
            201,
            'Made',
            [
              ['X-One', 'a'],
              ['X-One', 'b'],
            ].flat(),
          )
          .end(`${req.method} ${req.url} ${body}`),
      );
    });
    const name = await host('whole', port);
    const answer = await ask(name, '/a%20b?x=1&y=%2F', { method: 'POST', body: 'hello' });
    expect(answer).toMatchObject({ status: 201, body: 'POST /a%20b?x=1&y=%2F hello', headers: { 'x-one': 'a, b' } });
  });

  it('tells the pod who asked whom, and believes no client about it', async () => {
    const port = await bench.serve((req, res) => res.end(JSON.stringify(req.headers)));
    const name = await host('told', port);
    const lies = {
      'x-forwarded-for': '1.2.3.4',
      x_forwarded_proto: 'gopher',
      'x-real-ip': '1.2.3.4',
      forwarded: 'for=1.2.3.4',
      te: 'trailers',
      'x-kept': 'yes',
    };
    const plain = JSON.parse((await ask(name, '/', { headers: lies })).body) as IncomingHttpHeaders;
    expect(plain).toMatchObject({
      host: name,
      'x-forwarded-for': '127.0.0.1',
      'x-real-ip': '127.0.0.1',
      'x-forwarded-host': name,
      'x-forwarded-port': '80',
      'x-forwarded-proto': 'http',
      'x-kept': 'yes',
    });
    for (const gone of ['forwarded', 'x_forwarded_proto', 'te']) expect(plain[gone]).toBeUndefined();
    const secure = JSON.parse((await ask(`${name}:8443`, '/', { tls: { servername: name } })).body) as IncomingHttpHeaders;
    expect(secure).toMatchObject({ 'x-forwarded-port': '8443', 'x-forwarded-proto': 'https', host: `${name}:8443` });
  });

  it('for which there is no rule gets 404, where nobody is ready 503, where nobody listens 502', async () => {
    expect(await ask('nowhere.example.com')).toMatchObject({ status: 404 });
    const name = await host('nobody');
    expect(await ask(name)).toMatchObject({ status: 503, body: expect.stringContaining('none of its pods is ready') });
    await bench.apply(ingress('missing', { rules: [rule('missing.example.com', ['/', 'missing'])] }));
    await eventually('missing.example.com', '/', { status: 503, body: 'The Service missing.shop can’t answer: it is not there.\n' });
    const refusing = await bench.serve((_req, res) => res.end());
    const dead = await host('dead', refusing);
    bench.clear();
    expect(await ask(dead)).toMatchObject({ status: 502 });
  });

  it('finds another pod where one takes no connection, whatever it sends', async () => {
    const gone = await bench.serve((_req, res) => res.end());
    bench.clear();
    const port = await bench.serve((req, res) => req.pipe(res));
    const name = await host('spare', gone, port);
    for (let turn = 0; turn < 20; turn++)
      expect(await ask(name, '/', { method: 'POST', body: `turn ${turn}` })).toMatchObject({ status: 200, body: `turn ${turn}` });
  });

  it('goes by the number of a port, and to a name outside', async () => {
    const port = await bench.serve((_req, res) => res.end('seen'));
    await bench.service('numbered', port);
    const external = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'outside', namespace: NAMESPACE },
      spec: { type: 'ExternalName', externalName: 'localhost' },
    };
    await bench.apply(
      external,
      ingress('numbers', {
        rules: [
          {
            host: 'numbers.example.com',
            http: {
              paths: [
                { path: '/in', pathType: 'Prefix', backend: backend('numbered', 80) },
                { path: '/out', pathType: 'Prefix', backend: backend('outside', port) },
                { path: '/no', pathType: 'Prefix', backend: backend('numbered', 81) },
              ],
            },
          },
        ],
      }),
    );
    await eventually('numbers.example.com', '/in', { body: 'seen' });
    await eventually('numbers.example.com', '/out', { body: 'seen' });
    await eventually('numbers.example.com', '/no', { status: 503, body: 'The Service numbered.shop can’t answer: it has no port 81.\n' });
  });

  it('comes several times over one connection, and the pod’s is kept as well', async () => {
    const port = await bench.serve((req, res) => res.writeHead(200, { 'content-length': 6 }).end(`${req.socket.remotePort};`.padStart(6)));
    const name = await host('kept', port);
    const socket = connect(bench.running.ports.http, '127.0.0.1');
    let text = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    for (let turn = 1; turn <= 3; turn++) {
      socket.write(`GET / HTTP/1.1\r\nHost: ${name}\r\n\r\n`);
      await soon(() => text.match(/\d+;/g)?.length).toBe(turn);
    }
    socket.destroy();
    expect(new Set(text.match(/\d+;/g)).size).toBe(1);
  });

  it('by HTTP/1.0, and with a whole address, finds its rule', async () => {
    const port = await bench.serve((req, res) => res.end(`${req.headers.host} ${req.url}`));
    const name = await host('old', port);
    const said = async (head: string): Promise<string> => {
      const socket = connect(bench.running.ports.http, '127.0.0.1');
      socket.setEncoding('utf8');
      let text = '';
      socket.on('data', (chunk: string) => (text += chunk));
      socket.write(head);
      await once(socket, 'end');
      return text.split('\r\n\r\n')[1] ?? '';
    };
    expect(await said(`GET /a HTTP/1.0\r\nHost: ${name}\r\n\r\n`)).toContain(`${name} /a`);
    expect(await said(`GET http://${name}/b?c HTTP/1.1\r\nHost: other.example.com\r\nConnection: close\r\n\r\n`)).toContain(`${name} /b?c`);
  });
});

describe('rules', () => {
  it('count from the moment that they are there, and a request that is under way goes on with those of before', async () => {
    const release = Promise.withResolvers<void>();
    const old = await bench.serve((_req, res) => {
      res.write('old ');
      void release.promise.then(() => res.end('to the end'));
    });
    const next = await bench.serve((_req, res) => res.end('new'));
    const name = await host('ready', next);
    await bench.service('changing', old);
    await bench.service('changed', next);
    await known('changing', old);
    await known('changed', next);
    await bench.apply(ingress('changing', { rules: [rule('changing.example.com', ['/', 'changing'])] }));
    const slow = await new Promise<Answer | undefined>((resolve) => {
      const attempt = (): void => {
        const running = ask('changing.example.com');
        void running.then((answer) => {
          if (answer.status === 404) attempt();
          else resolve(answer);
        });
      };
      attempt();
      void (async () => {
        await soon(async () => (await ask(name)).body).toBe('new');
        await bench.apply(ingress('changing', { rules: [rule('changing.example.com', ['/new', 'changed'])] }));
        await eventually('changing.example.com', '/new', { body: 'new' });
        await eventually('changing.example.com', '/', { status: 404 });
        release.resolve();
      })();
    });
    expect(slow).toMatchObject({ status: 200, body: 'old to the end' });
    await api.delete(`/apis/networking.k8s.io/v1/namespaces/${NAMESPACE}/ingresses/changing`);
    await eventually('changing.example.com', '/new', { status: 404 });
  });

  it('of another class are left to others, until the class is ours', async () => {
    await bench.apply(ingress('other', { ingressClassName: 'mine', defaultBackend: backend('none'), rules: [rule('other.example.com', ['/', 'none'])] }));
    expect(await ask('other.example.com')).toMatchObject({ status: 404 });
    const mine = {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'IngressClass',
      metadata: { name: 'mine' },
      spec: { controller: 'telepresence.io/sandbox-ingress' },
    };
    await bench.apply(mine);
    await eventually('other.example.com', '/', { status: 503 });
    await api.delete('/apis/networking.k8s.io/v1/ingressclasses/mine');
    await eventually('other.example.com', '/', { status: 404 });
  });

  it('tell where they are served', async () => {
    await bench.apply({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'door', namespace: NAMESPACE },
      spec: { clusterIP: '10.96.7.7', ports: [{ port: 80 }] },
    });
    await bench.apply(ingress('addressed', { rules: [rule('addressed.example.com', ['/', 'none'])] }));
    const path = `/apis/networking.k8s.io/v1/namespaces/${NAMESPACE}/ingresses/addressed`;
    const address = async (name = 'addressed') => {
      const { status } = await api.get<{ status: { loadBalancer?: { ingress?: { ip?: string }[] } } }>(path.replace('addressed', name));
      return status.loadBalancer?.ingress?.map(({ ip }) => ip);
    };
    await soon(() => address()).toEqual(['10.96.7.7']);
    // another controller has another opinion: they do not write in turn for ever
    await api.patch(`${path}/status`, 'merge', { status: { loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } } });
    await bench.apply(ingress('addressed-later', { rules: [rule('later.example.com', ['/', 'none'])] }));
    await soon(() => address('addressed-later')).toEqual(['10.96.7.7']);
    expect(await address()).toEqual(['192.0.2.1']);
  });
});

describe('TLS', () => {
  it('shows the certificate of the name that is asked for, else one of its own', async () => {
    const authority = await createTestAuthority();
    const secret = async (name: string, names: string[]): Promise<void> => {
      const { cert, key } = await authority.issue({ subject: `CN=${name}`, names });
      const data = { 'tls.crt': Buffer.from(cert).toString('base64'), 'tls.key': Buffer.from(key).toString('base64') };
      await bench.apply({ apiVersion: 'v1', kind: 'Secret', type: 'kubernetes.io/tls', metadata: { name, namespace: NAMESPACE }, data });
    };
    await secret('one', []);
    await secret('star', []);
    await secret('by-name', ['named.example.org']);
    await bench.apply({
      apiVersion: 'v1',
      kind: 'Secret',
      type: 'kubernetes.io/tls',
      metadata: { name: 'broken', namespace: NAMESPACE },
      data: { 'tls.crt': 'eA==', 'tls.key': 'eA==' },
    });
    await bench.apply(
      ingress('secured', {
        tls: [
          { hosts: ['one.example.org'], secretName: 'one' },
          { hosts: ['*.example.org'], secretName: 'star' },
          { secretName: 'by-name' },
          { hosts: ['broken.net'], secretName: 'broken' },
        ],
        rules: [rule('one.example.org', ['/', 'none'])],
      }),
    );
    await soon(() => commonName('one.example.org')).toBe('one');
    expect(await commonName('two.example.org')).toBe('star');
    expect(await commonName('named.example.org')).toBe('by-name');
    for (const other of ['broken.net', 'a.two.example.org']) expect(await commonName(other)).toBe('Sandbox default ingress certificate');
    // a new certificate in the same Secret
    const { cert, key } = await authority.issue({ subject: 'CN=renewed' });
    const data = { 'tls.crt': Buffer.from(cert).toString('base64'), 'tls.key': Buffer.from(key).toString('base64') };
    await bench.apply({ apiVersion: 'v1', kind: 'Secret', type: 'kubernetes.io/tls', metadata: { name: 'one', namespace: NAMESPACE }, data });
    await soon(() => commonName('one.example.org')).toBe('renewed');
  });
});

it('bytes beyond ASCII in headers arrive as they are, in a path they get 400', async () => {
  const port = await bench.serve((req, res) => res.end(Buffer.from(`${req.url} ${req.headers['x-name']}`, 'latin1')));
  const name = await host('bytes', port);
  const said = async (path: string): Promise<string> => {
    const socket = connect(bench.running.ports.http, '127.0.0.1');
    let text = '';
    socket.setEncoding('latin1').on('data', (chunk: string) => (text += chunk));
    socket.write(Buffer.from(`GET ${path} HTTP/1.1\r\nHost: ${name}\r\nX-Name: \xc3\xbc\r\nConnection: close\r\n\r\n`, 'latin1'));
    await once(socket, 'end');
    return text;
  };
  expect(await said('/plain')).toContain('/plain \xc3\xbc');
  expect(await said('/caf\xe9')).toMatch(/^HTTP\/1\.1 400 /);
});

it('a client that speaks something else gets 400, and the next is served', async () => {
  const socket = connect(bench.running.ports.http, '127.0.0.1');
  socket.end('SSH-2.0-nonsense\r\n\r\n');
  expect(String((await once(socket, 'data'))[0])).toMatch(/^HTTP\/1\.1 400 /);
  expect(await ask('nowhere.example.com')).toMatchObject({ status: 404 });
});
