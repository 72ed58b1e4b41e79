/**
 * A fuzzer of whole connections: requests are mutated, mixed, pipelined and cut at random, through the agent to two servers that parse
 * with Node's strict parser. Whatever is sent, no server may understand a request that belongs to the other. FUZZ_MINUTES lengthens it,
 * FUZZ_SEED repeats a run.
 */
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { byHeader, type HttpAgent, startHttpAgent } from '../helpers/http-agent.ts';
import { MALFORMED } from '../helpers/malformed-requests.ts';

const MINUTES = Number(process.env['FUZZ_MINUTES'] ?? 0);
const CONNECTIONS = 1_500;
const AT_ONCE = 16;
const seed = Number(process.env['FUZZ_SEED'] ?? Date.now() % 1_000_000_007);

let agent: HttpAgent;
const servers: Server[] = [];
const wrong: string[] = [];
const served = { app: 0, mine: 0 };

async function server(name: 'app' | 'mine'): Promise<number> {
  const made = createServer({ requireHostHeader: false }, (request, response) => {
    served[name]++;
    const marked = request.rawHeaders.some((text, i) => i % 2 === 0 && text.toLowerCase() === 'x-who' && request.rawHeaders[i + 1] === 'me');
    if (marked !== (name === 'mine')) wrong.push(`${name} got ${request.method} ${request.url} ${JSON.stringify(request.rawHeaders)}`);
    request.on('error', () => {});
    request.resume();
    request.on('end', () => response.end(`${name} ${request.url}`));
  });
  made.on('clientError', (_error, socket) => socket.destroy());
  made.on('upgrade', (_request, socket) => void socket.on('error', () => {}).end('HTTP/1.1 400 No\r\nConnection: close\r\nContent-Length: 0\r\n\r\n'));
  made.on('connect', (_request, socket) => void socket.on('error', () => {}).end('HTTP/1.1 400 No\r\nConnection: close\r\nContent-Length: 0\r\n\r\n'));
  servers.push(made);
  await new Promise<void>((resolve) => made.listen(0, '127.0.0.1', resolve));
  return (made.address() as AddressInfo).port;
}

beforeAll(async () => {
  agent = await startHttpAgent(await server('app'));
  agent.set([{ port: await server('mine'), http: byHeader('x-who', 'me') }]);
});
afterAll(() => {
  agent.close();
  for (const one of servers) {
    one.closeAllConnections();
    one.close();
  }
});

/** mulberry32 */
function generator(start: number): () => number {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const MARK = 'x-who: me\r\n';
const DICTIONARY = [
  '\r\n',
  '\n',
  '\r',
  '\r\n\r\n',
  ' ',
  '\t',
  ':',
  '\0',
  '0\r\n\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Content-Length: 5\r\n',
  'Content-Length: 0\r\n',
  MARK,
  'chunked',
  'HTTP/1.1',
  'HTTP/1.0',
  'GET /y HTTP/1.1\r\nHost: a\r\n\r\n',
  `GET /z HTTP/1.1\r\nHost: a\r\n${MARK}\r\n`,
  'Expect: 100-continue\r\n',
  'Connection: close\r\n',
  'Connection: keep-alive\r\n',
  'Host: b\r\n',
  'Upgrade: h2c\r\nConnection: upgrade\r\n',
  ';',
  ',',
  '\x7f',
  '\xff',
  ' \r\n',
];

function connection(random: () => number): string {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const good = () => {
    const mark = random() < 0.5 ? MARK : '';
    const body = 'b'.repeat(Math.floor(random() * 20));
    const minor = random() < 0.1 ? 0 : 1;
    switch (Math.floor(random() * 4)) {
      case 0:
        return `POST /p HTTP/1.${minor}\r\nHost: a\r\n${mark}Content-Length: ${body.length}\r\n\r\n${body}`;
      case 1:
        return `POST /c HTTP/1.1\r\n${mark}Host: a\r\nTransfer-Encoding: chunked\r\n\r\n${body.length > 0 ? `${body.length.toString(16)}\r\n${body}\r\n` : ''}0\r\n${random() < 0.3 ? 'X: y\r\n' : ''}\r\n`;
      case 2:
        return `HEAD /h HTTP/1.${minor}\r\nHost: a\r\n${mark}\r\n`;
      default:
        return `GET /g HTTP/1.${minor}\r\nHost: a\r\n${mark}\r\n`;
    }
  };
  const mutate = (text: string) => {
    let result = text;
    for (let times = Math.floor(random() * 4); times > 0; times--) {
      const at = Math.floor(random() * (result.length + 1));
      const length = Math.floor(random() * 6);
      const insert = random() < 0.7 ? pick(DICTIONARY) : String.fromCharCode(Math.floor(random() * 256));
      result = result.slice(0, at) + (random() < 0.8 ? insert : '') + result.slice(at + (random() < 0.5 ? length : 0));
    }
    return result;
  };
  let text = '';
  for (let requests = 1 + Math.floor(random() * 4); requests > 0; requests--)
    text += random() < 0.15 ? pick(MALFORMED)[1].slice(0, 5_000) : random() < 0.5 ? good() : mutate(good());
  return text;
}

/** Sends a connection's bytes in a few pieces, and ends. Resolves when it is closed, or nothing has come for a while. */
function send(bytes: Buffer, random: () => number): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect({ port: agent.port, host: '127.0.0.1', noDelay: true });
    socket.setTimeout(1_500, () => socket.destroy());
    socket.on('error', () => {});
    socket.on('close', () => resolve());
    socket.resume();
    const cuts = random() < 0.5 ? [] : [Math.floor(random() * bytes.length), Math.floor(random() * bytes.length)].sort((a, b) => a - b);
    let at = 0;
    const next = () => {
      const cut = cuts.shift();
      socket.write(bytes.subarray(at, cut));
      at = cut ?? bytes.length;
      if (cut !== undefined) setImmediate(next);
      else if (random() < 0.8) socket.end();
    };
    socket.once('connect', next);
  });
}

it(
  `no server understands a request of the other's (seed ${seed})`,
  async () => {
    const random = generator(seed);
    const until = performance.now() + MINUTES * 60_000;
    let sent = 0;
    const recent: string[] = [];
    const worker = async () => {
      while (wrong.length === 0 && (sent < CONNECTIONS || performance.now() < until)) {
        sent++;
        const text = connection(random);
        recent.push(JSON.stringify(text));
        if (recent.length > 2 * AT_ONCE) recent.shift();
        await send(Buffer.from(text, 'latin1'), random);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    if (wrong.length > 0) throw new Error(`${wrong[0]}, which was among\n${recent.join('\n')}`);
    expect(Math.min(served.app, served.mine)).toBeGreaterThan(100);
  },
  (MINUTES + 2) * 60_000,
);
