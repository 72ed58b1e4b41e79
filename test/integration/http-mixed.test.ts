/** Much traffic of all kinds through one agent: every answer must come from where its request belongs. */
import { createServer, Agent as HttpAgentPool, request, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import type { AgentIntercept } from '../../src/protocol/tunnel.ts';
import { byHeader, type HttpAgent, startHttpAgent } from '../helpers/http-agent.ts';

const REQUESTS = 5_000;
const PIPELINED = 20;
let agent: HttpAgent;
const servers: Server[] = [];

/** Answers with its name and what it got, in one of several framings. */
async function server(name: string): Promise<number> {
  const made = createServer((got, response) => {
    const chunks: Buffer[] = [];
    got.on('data', (chunk: Buffer) => chunks.push(chunk));
    got.on('end', () => {
      const text = `<${name} ${got.method} ${got.url} ${Buffer.concat(chunks).length}>`;
      const kind = Number(got.url?.slice(-1));
      if (kind < 5) response.setHeader('content-length', text.length);
      if (kind === 9) setTimeout(() => response.end(text), 3);
      else response.end(text);
    });
  });
  const sockets = new WebSocketServer({ server: made });
  sockets.on('connection', (socket) => socket.on('message', (message) => socket.send(`${name} ${String(message)}`)));
  servers.push(made);
  await new Promise<void>((resolve) => made.listen(0, '127.0.0.1', resolve));
  return (made.address() as AddressInfo).port;
}

const PLACES = ['app', 'alice', 'bob', 'docs'] as const;
const pick = (i: number) => PLACES[Math.imul(i, 7919) % 4] as string;
const headersOf = (place: string): Record<string, string> =>
  place === 'alice' || place === 'bob' ? { 'x-telepresence-intercept-id': `00000000-0000-4000-8000-000000000000:${place}` } : {};
const pathOf = (place: string, i: number) => `${place === 'docs' ? '/docs' : '/shop'}/${i}`;

beforeAll(async () => {
  agent = await startHttpAgent(await server('app'));
  const id = (name: string): AgentIntercept['http'] => ({
    headers: [{ name: 'x-telepresence-intercept-id', value: { regex: `[0-9a-f-]{36}:${name}` } }],
    paths: [],
  });
  agent.set([
    { uid: 'd', name: 'docs', port: await server('docs'), http: { headers: [], paths: [{ prefix: '/docs/' }] } },
    { uid: 'a', name: 'alice', port: await server('alice'), http: id('alice') },
    { uid: 'b', name: 'bob', port: await server('bob'), http: id('bob') },
    { uid: 'n', name: 'nobody', port: 1, http: byHeader('x-nobody', 'x') },
  ]);
});
afterAll(() => {
  agent.close();
  for (const one of servers) {
    one.closeAllConnections();
    one.close();
  }
});

it(`${REQUESTS} requests over kept connections, none misrouted`, async () => {
  const pool = new HttpAgentPool({ keepAlive: true, maxSockets: 16 });
  const ask = (i: number) =>
    new Promise<void>((resolve, reject) => {
      const place = pick(i);
      const body = i % 3 === 0 ? 'x'.repeat((i * 37) % 5_000) : '';
      const sent = request(
        {
          port: agent.port,
          host: '127.0.0.1',
          agent: pool,
          path: pathOf(place, i),
          method: body === '' ? 'GET' : 'POST',
          headers: {
            ...headersOf(place),
            ...(body !== '' && i % 2 === 0 ? { 'transfer-encoding': 'chunked' } : body === '' ? {} : { 'content-length': body.length }),
          },
        },
        (response) => {
          let text = '';
          response.on('data', (chunk) => {
            text += chunk;
          });
          response.on('end', () => {
            const proof = response.headers['x-telepresence-intercepted-by'];
            const right =
              text === `<${place} ${body === '' ? 'GET' : 'POST'} ${pathOf(place, i)} ${body.length}>` && proof === (place === 'app' ? undefined : place);
            if (right) resolve();
            else reject(new Error(`request ${i} of ${place}: ${text} ${String(proof)}`));
          });
        },
      );
      sent.on('error', reject);
      sent.end(body);
    });
  let next = 0;
  const worker = async () => {
    while (next < REQUESTS) await ask(next++);
  };
  await Promise.all(Array.from({ length: 16 }, worker));
  pool.destroy();
}, 120_000);

it(`${REQUESTS} pipelined requests, each connection's answers in order`, async () => {
  const connection = (from: number) =>
    new Promise<void>((resolve, reject) => {
      const socket = connect({ port: agent.port, host: '127.0.0.1' });
      let text = '';
      let bytes = '';
      const expected: string[] = [];
      for (let i = from; i < from + PIPELINED; i++) {
        const place = pick(i);
        const path = pathOf(place, i);
        const mark = Object.entries(headersOf(place))
          .map(([name, value]) => `${name}: ${value}\r\n`)
          .join('');
        const last = i === from + PIPELINED - 1 ? 'Connection: close\r\n' : '';
        const size = i % 4 === 1 ? i % 300 : 0;
        bytes +=
          i % 4 === 1
            ? `POST ${path} HTTP/1.1\r\nHost: a\r\n${mark}${last}Content-Length: ${size}\r\n\r\n${'y'.repeat(size)}`
            : `GET ${path} HTTP/1.1\r\nHost: a\r\n${mark}${last}\r\n`;
        expected.push(`<${place} ${i % 4 === 1 ? 'POST' : 'GET'} ${path} ${size}>`);
      }
      socket.on('error', reject);
      socket.on('data', (chunk) => {
        text += chunk;
      });
      socket.on('end', () => {
        const got = text.match(/<(?:app|alice|bob|docs) [^>]*>/g) ?? [];
        if (got.join() === expected.join()) resolve();
        else reject(new Error(`${got.join()} instead of ${expected.join()}`));
      });
      socket.write(bytes);
    });
  let next = 0;
  const worker = async () => {
    while (next < REQUESTS) {
      const from = next;
      next += PIPELINED;
      await connection(from);
    }
  };
  await Promise.all(Array.from({ length: 8 }, worker));
}, 120_000);

it('WebSockets of all places at once, with messages small and large', async () => {
  await Promise.all(
    Array.from({ length: 40 }, async (_, i) => {
      const place = pick(i);
      const socket = new WebSocket(`ws://127.0.0.1:${agent.port}${pathOf(place, i)}`, { headers: headersOf(place) });
      await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
      for (const size of [1, 100, 70_000, 1_000_000]) {
        const answer = new Promise<string>((resolve) => socket.once('message', (message) => resolve(String(message))));
        socket.send('z'.repeat(size));
        expect((await answer).length).toBe(place.length + 1 + size);
      }
      const closed = new Promise<number>((resolve) => socket.once('close', resolve));
      socket.close(4_321);
      expect(await closed).toBe(4_321);
    }),
  );
});
