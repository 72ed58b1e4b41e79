import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { duplexPair } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import { silentLog } from '../../base/log.ts';
import {
  addressRecord,
  CLASS,
  createFrameReader,
  type DnsMessage,
  type DnsRecord,
  decodeMessage,
  encodeMessage,
  frameMessage,
  RCODE,
  TYPE,
} from '../../dns/index.ts';
import { createSlots } from '../outbound/quota.ts';
import { createDnsForwarder, DNS_STREAM_QUERIES, resolverFrom, type ServeDnsOptions, serveDnsStream } from './index.ts';

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0).reverse()) cleanup();
});
const query = (id: number, name: string): DnsMessage => ({
  id,
  response: false,
  opcode: 0,
  authoritative: false,
  truncated: false,
  recursionDesired: true,
  recursionAvailable: false,
  authenticData: false,
  checkingDisabled: false,
  rcode: 0,
  questions: [{ name, type: TYPE.A, class: CLASS.IN }],
  answers: [],
  authorities: [],
  additionals: [],
});

async function fakeDns() {
  const tcp = createServer().listen(0, '127.0.0.1');
  await once(tcp, 'listening');
  const udp = createSocket('udp4').bind((tcp.address() as AddressInfo).port, '127.0.0.1');
  await once(udp, 'listening');
  const seen = new Map<string, number>();
  udp.on('message', (bytes, from) => {
    const message = decodeMessage(bytes);
    const name = message.questions[0]?.name ?? '';
    seen.set(name, (seen.get(name) ?? 0) + 1);
    if (name === 'silent.x' || (name === 'lost.x' && seen.get(name) === 1)) return;
    const answers = name === 'big.x' ? [] : [addressRecord(name, '10.0.0.1', 5) as DnsRecord];
    udp.send(encodeMessage({ ...message, response: true, truncated: name === 'big.x', answers }), from.port, from.address);
  });
  tcp.on('connection', (socket) => {
    const frames = createFrameReader();
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      for (const bytes of frames.push(chunk)) {
        const message = decodeMessage(bytes);
        const name = message.questions[0]?.name ?? '';
        socket.write(
          frameMessage(
            encodeMessage({
              ...message,
              response: true,
              answers: Array.from({ length: 300 }, (_, i) => addressRecord(name, `10.1.${i >> 8}.${i & 255}`, 5) as DnsRecord),
            }),
          ),
        );
      }
    });
  });
  cleanups.push(() => {
    udp.close();
    tcp.close();
  });
  return { address: '127.0.0.1', port: udp.address().port, seen };
}

async function serve({ timeoutMs = 5000, ...options }: Partial<ServeDnsOptions> & { timeoutMs?: number } = {}) {
  const dns = await fakeDns();
  const [ours, theirs] = duplexPair();
  serveDnsStream(theirs, { log: silentLog, resolver: createDnsForwarder({ log: silentLog, ...dns, timeoutMs, retryMs: 40 }), ...options });
  cleanups.push(() => theirs.destroy());
  const frames = createFrameReader();
  const waiting = new Map<number, (message: DnsMessage) => void>();
  ours.on('data', (chunk: Buffer) => {
    for (const bytes of frames.push(chunk)) {
      const message = decodeMessage(bytes);
      waiting.get(message.id)?.(message);
    }
  });
  const ask = (message: DnsMessage) =>
    new Promise<DnsMessage>((resolve) => {
      waiting.set(message.id, resolve);
      ours.write(frameMessage(encodeMessage(message)));
    });
  return { ask, ours, theirs, dns };
}

describe('the dns stream', () => {
  it('answers with the id of the query, many at once', async () => {
    const { ask } = await serve();
    const ids = Array.from({ length: DNS_STREAM_QUERIES * 3 }, (_, i) => i);
    const answers = await Promise.all(ids.map((id) => ask(query(id, `n${id}.x`))));
    expect(answers.every((answer, i) => answer.answers[0]?.name === `n${i}.x`)).toBe(true);
  });

  it('has no more in work than its user may have, on all of his streams together', async () => {
    const asked: (() => void)[] = [];
    const resolver = { query: (message: Buffer) => new Promise<Buffer>((resolve) => asked.push(() => resolve(message))), close: () => {} };
    const work = createSlots(3);
    const answers: Buffer[] = [];
    for (const id of [1, 2]) {
      const [near, far] = duplexPair();
      cleanups.push(() => far.destroy());
      serveDnsStream(near, { log: silentLog, resolver, work });
      const frames = createFrameReader();
      far.on('data', (chunk: Buffer) => answers.push(...frames.push(chunk)));
      for (let count = 0; count < 4; count++) far.write(frameMessage(encodeMessage(query(10 * id + count, 'web.x'))));
    }
    const turns = async () => {
      for (let count = 0; count < 10; count++) await new Promise((resolve) => setImmediate(resolve));
    };
    await turns();
    expect(asked.length).toBe(3);
    while (answers.length < 8) {
      asked.shift()?.();
      await turns();
      expect(asked.length).toBeLessThanOrEqual(3);
    }
  });

  it('asks over TCP what does not fit', async () => {
    const { ask } = await serve();
    const answer = await ask(query(1, 'big.x'));
    expect(answer).toMatchObject({ truncated: false });
    expect(answer.answers).toHaveLength(300);
  });

  it('asks again when a datagram was lost, and says SERVFAIL when nothing answers', async () => {
    const { ask, dns } = await serve({ timeoutMs: 200 });
    expect((await ask(query(1, 'lost.x'))).answers).toHaveLength(1);
    expect((await ask(query(2, 'silent.x'))).rcode).toBe(RCODE.SERVFAIL);
    expect(dns.seen.get('silent.x')).toBeGreaterThan(1);
  });

  it('refuses names that are not allowed, and what is no ordinary query', async () => {
    const { ask, dns } = await serve({ allow: (name) => name.endsWith('.x') });
    expect((await ask(query(1, 'secret.y'))).rcode).toBe(RCODE.REFUSED);
    expect((await ask({ ...query(2, 'a.x'), opcode: 5 })).rcode).toBe(RCODE.FORMERR);
    expect(dns.seen.size).toBe(0);
  });

  it('ends when something else than queries comes', async () => {
    const { ours, theirs } = await serve();
    const closed = new Promise((resolve) => theirs.on('close', resolve));
    ours.write(Buffer.from([0, 1, 255]));
    await closed;
  });

  it('answers what is in work before it ends', async () => {
    const { ask, ours } = await serve();
    const answer = ask(query(1, 'lost.x'));
    ours.end();
    expect((await answer).answers).toHaveLength(1);
  });

  it('takes the first nameserver of the pod', () => {
    expect(resolverFrom('search a.svc.cluster.local\nnameserver 10.96.0.10\nnameserver 10.96.0.11\n')).toEqual({ address: '10.96.0.10', port: 53 });
  });
});
