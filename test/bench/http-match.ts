/**
 * What looking into requests costs: CPU time per request of the agent's HTTP side, for requests that no intercept takes, beside nginx as
 * a plain reverse proxy (`nginx` in the path, or NGINX_BINARY names it) and a proxy of node:http. Each proxy is a process of its own; its CPU
 * comes from /proc, so that load generator and server, on the same cores, do not count. Rounds alternate between them, and ratios are of one round.
 *
 * node test/bench/http-match.ts [seconds per round] [rounds]
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { Agent, createServer as createHttpServer, request } from 'node:http';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { AppTarget } from '../../src/agent/app-target.ts';
import { HttpTaker } from '../../src/agent/http-taker.ts';
import { TcpPort } from '../../src/agent/tcp-port.ts';
import { silentLog } from '../../src/base/log.ts';

const CONNECTIONS = 32;
const WARM_UP_MS = 3_000;
const TICKS_PER_SECOND = 100;
const RESPONSE = Buffer.from(
  `HTTP/1.1 200 OK\r\nServer: bench\r\nDate: Mon, 23 Nov 2026 19:00:00 GMT\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: 100\r\nConnection: keep-alive\r\n\r\n${'x'.repeat(100)}`,
);
const REQUEST = Buffer.from(
  [
    'GET /api/v1/orders/4711?expand=items HTTP/1.1',
    'Host: shop.example:8080',
    'User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Safari/537.36',
    'Accept: application/json, text/plain, */*',
    'Accept-Language: en-GB,en;q=0.9,de;q=0.8',
    'Accept-Encoding: gzip, deflate, br',
    'Authorization: Bearer eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJib2IifQ.c2lnbmF0dXJl',
    'Cookie: session=3f9a7c2d8e1b; theme=dark',
    'traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
    'x-forwarded-for: 10.0.0.7',
    'x-telepresence-intercept-id: 123e4567-e89b-12d3-a456-426614174000:someone-else',
    '',
    '',
  ].join('\r\n'),
);

async function backend(): Promise<number> {
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => {});
    socket.on('data', () => socket.write(RESPONSE));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

async function proxyOurs(target: number): Promise<number> {
  const app = new AppTarget(target, '127.0.0.1');
  const port = await TcpPort.listen(0, app, silentLog);
  const taker = new HttpTaker(app, { holds: () => true, open: () => undefined, taken: () => undefined });
  const mark = { headers: [{ name: 'x-telepresence-intercept-id', value: { regex: '[0-9a-f-]{36}:mine' } }], paths: [] };
  taker.routes.set([
    {
      uid: 'u',
      name: 'mine',
      session: 's',
      containerPort: target,
      protocol: 'TCP',
      mechanism: 'http',
      http: mark,
      fallback: false,
      proofHeader: true,
      plaintext: false,
    },
  ]);
  port.taker = taker;
  return port.port;
}

/** The same without looking: the floor. */
async function proxySplice(target: number): Promise<number> {
  return (await TcpPort.listen(0, new AppTarget(target, '127.0.0.1'), silentLog)).port;
}

async function proxyNode(target: number): Promise<number> {
  const agent = new Agent({ keepAlive: true });
  const server = createHttpServer((incoming, outgoing) => {
    const sent = request({ host: '127.0.0.1', port: target, agent, method: incoming.method, path: incoming.url, headers: incoming.headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    sent.on('error', () => outgoing.destroy());
    incoming.pipe(sent);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

interface Proxy {
  name: string;
  port: number;
  pid: number;
  child: ChildProcess;
}

const NODES = { backend, ours: proxyOurs, splice: proxySplice, node: proxyNode } as const;

async function startNode(name: keyof typeof NODES, target: number): Promise<Proxy> {
  const child = spawn(process.execPath, [import.meta.filename, '--serve', name, String(target)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const port = await new Promise<number>((resolve) => child.stdout.once('data', (line) => resolve(Number(line))));
  return { name, port, pid: child.pid as number, child };
}

async function startNginx(target: number): Promise<Proxy | undefined> {
  const binary = process.env['NGINX_BINARY'] ?? 'nginx';
  if (spawnSync(binary, ['-v']).error !== undefined) return undefined;
  const folder = mkdtempSync(path.join(tmpdir(), 'bench-nginx-'));
  const port = 20_000 + Math.floor(Math.random() * 10_000);
  const temps = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => `${kind}_temp_path ${folder}/${kind};`).join(' ');
  writeFileSync(
    path.join(folder, 'nginx.conf'),
    `daemon off; master_process off; worker_processes 1; pid ${folder}/pid; error_log ${folder}/error.log;
events { worker_connections 1024; }
http { access_log off; keepalive_requests 100000000; ${temps}
  upstream app { server 127.0.0.1:${target}; keepalive 64; keepalive_requests 100000000; }
  server { listen 127.0.0.1:${port}; location / { proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $http_host; } } }`,
  );
  const child = spawn(binary, ['-c', path.join(folder, 'nginx.conf'), '-e', path.join(folder, 'error.log')], { stdio: ['ignore', 'inherit', 'inherit'] });
  for (let tries = 0; tries < 100; tries++) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1');
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
      socket.once('connect', () => socket.destroy());
    });
    if (open) return { name: 'nginx', port, pid: child.pid as number, child };
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('nginx did not start');
}

/** CPU seconds of a process. */
function cpuOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** Asks over kept connections, one request at a time on each. Returns how many were answered, and their times in µs. */
function load(port: number, forMs: number): Promise<{ requests: number; times: number[] }> {
  const until = performance.now() + forMs;
  const times: number[] = [];
  let requests = 0;
  const one = () =>
    new Promise<void>((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true });
      let got = 0;
      let begun = 0;
      // Proxies add or change headers: the end is told by the body.
      const ask = () => {
        got = 0;
        begun = performance.now();
        socket.write(REQUEST);
      };
      socket.on('connect', ask);
      socket.on('error', reject);
      socket.on('data', (chunk) => {
        got += chunk.length;
        if (chunk.at(-1) !== 120 || got < RESPONSE.length / 2) return;
        requests++;
        times.push((performance.now() - begun) * 1_000);
        if (performance.now() < until) ask();
        else socket.destroy();
      });
      socket.on('close', () => resolve());
    });
  return Promise.all(Array.from({ length: CONNECTIONS }, one)).then(() => ({ requests, times }));
}

const median = (values: number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] as number;
const percentile = (values: number[], p: number) => values.toSorted((a, b) => a - b)[Math.floor(values.length * p)] as number;

async function bench(forMs: number, rounds: number): Promise<void> {
  const app = await startNode('backend', 0);
  const proxies = [
    await startNode('ours', app.port),
    await startNginx(app.port),
    await startNode('splice', app.port),
    await startNode('node', app.port),
  ].filter((proxy) => proxy !== undefined);
  const rows = new Map(proxies.map(({ name }) => [name, { cpu: [] as number[], rate: [] as number[], p99: [] as number[] }]));
  try {
    for (const { port } of proxies) await load(port, WARM_UP_MS);
    for (let round = 0; round < rounds; round++) {
      for (const { name, port, pid } of proxies) {
        const before = cpuOf(pid);
        const { requests, times } = await load(port, forMs);
        const row = rows.get(name);
        row?.cpu.push(((cpuOf(pid) - before) * 1e6) / requests);
        row?.rate.push(requests / (forMs / 1_000));
        row?.p99.push(percentile(times, 0.99));
      }
    }
  } finally {
    for (const { child } of [...proxies, app]) child.kill('SIGKILL');
  }
  const ours = rows.get('ours')?.cpu ?? [];
  const result = [...rows].map(([name, { cpu, rate, p99 }]) => ({
    name,
    'CPU µs/request': Math.round(median(cpu) * 10) / 10,
    'times ours': Math.round(median(cpu.map((one, round) => one / (ours[round] as number))) * 100) / 100,
    'of each round': cpu.map((one, round) => Math.round((one / (ours[round] as number)) * 100) / 100).join(' '),
    'requests/s': Math.round(median(rate)),
    'p99 µs': Math.round(median(p99)),
  }));
  process.stdout.write(`${JSON.stringify(result, undefined, 1)}\n`);
}

const [mode, name, target] = process.argv.slice(2);
const ROUNDS = 5;
if (mode === '--serve') process.stdout.write(`${await NODES[name as keyof typeof NODES](Number(target))}\n`);
else await bench(Number(mode ?? 5) * 1_000, Number(name ?? ROUNDS));
