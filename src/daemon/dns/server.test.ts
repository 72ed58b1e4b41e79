import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { silentLog } from '../../base/log.ts';
import {
  addressOf,
  addressRecord,
  CLASS,
  createFrameReader,
  type DnsMessage,
  type DnsRecord,
  decodeMessage,
  encodeMessage,
  frameMessage,
  optRecord,
  RCODE,
  TYPE,
  targetOf,
} from '../../dns/index.ts';
import type { ClusterResolver } from './cluster-resolver.ts';
import { DEFAULT_EXCLUDE_SUFFIXES, type DnsPolicy } from './policy.ts';
import { type DnsServer, type DnsServerOptions, startDnsServer } from './server.ts';

type Answers = (name: string, type: number) => Partial<DnsMessage> | undefined;
const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0).reverse()) cleanup();
});

const policy: DnsPolicy = {
  clusterDomain: 'cluster.local',
  namespace: 'default',
  namespaces: ['default', 'shop', 'dev'],
  includeSuffixes: [],
  excludeSuffixes: DEFAULT_EXCLUDE_SUFFIXES,
  excludes: [],
  mappings: [
    { name: 'fixed.test', aliasFor: '10.1.2.3' },
    { name: 'ext.test', aliasFor: 'go.dev' },
    { name: 'out.test', aliasFor: 'www.example.com' },
  ],
  clusterSubnets: ['10.96.0.0/16'],
  lookupTimeoutMs: 4000,
};
const base = (id: number, name: string, type: number): DnsMessage => ({
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
  questions: [{ name, type, class: CLASS.IN }],
  answers: [],
  authorities: [],
  additionals: [],
});
const a = (name: string, address: string, ttl = 5) => addressRecord(name, address, ttl) as DnsRecord;
const cname = (name: string, target: string): DnsRecord => ({ name, type: TYPE.CNAME, class: CLASS.IN, ttl: 5, data: [target] });

function answerOf(query: Buffer, answers: Answers): Buffer | undefined {
  const message = decodeMessage(query);
  const { name = '', type = 0 } = message.questions[0] ?? {};
  const found = answers(name, type);
  return found && encodeMessage({ ...message, additionals: [], response: true, ...found });
}

async function fakeUpstream(answers: Answers) {
  const asked: { name: string; port: number; tcp: boolean }[] = [];
  const tcp = createServer().listen(0, '127.0.0.1');
  await once(tcp, 'listening');
  const udp = createSocket('udp4').bind((tcp.address() as AddressInfo).port, '127.0.0.1');
  await once(udp, 'listening');
  let connections = 0;
  udp.on('message', (query, from) => {
    asked.push({ name: decodeMessage(query).questions[0]?.name ?? '', port: from.port, tcp: false });
    const answer = answerOf(query, answers);
    if (answer) udp.send(answer, from.port, from.address);
  });
  tcp.on('connection', (socket) => {
    connections++;
    const frames = createFrameReader();
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      for (const query of frames.push(chunk)) {
        asked.push({ name: decodeMessage(query).questions[0]?.name ?? '', port: socket.remotePort ?? 0, tcp: true });
        const answer = answerOf(query, answers);
        if (answer) socket.write(frameMessage(answer));
      }
    });
  });
  cleanups.push(() => {
    udp.close();
    tcp.close();
  });
  return { port: udp.address().port, asked, connections: () => connections };
}

function fakeCluster(answers: Answers, options: { available?: boolean } = {}) {
  const asked: string[] = [];
  const cluster: ClusterResolver & { available: boolean } = {
    available: options.available ?? true,
    async query(message, { signal }) {
      const { name = '', type } = decodeMessage(message).questions[0] ?? {};
      asked.push(`${name} ${type}`);
      const answer = answerOf(message, answers);
      if (answer) return answer;
      return await new Promise((_, reject) => signal?.addEventListener('abort', () => reject(new Error('timed out'))));
    },
  };
  return { cluster, asked };
}

const clusterNames: Answers = (name, type) => {
  if (name === 'web.default.svc.cluster.local' || name === 'go.dev.svc.cluster.local') return { answers: type === TYPE.A ? [a(name, '10.96.7.8')] : [] };
  if (name === 'big.default.svc.cluster.local') return { answers: type === TYPE.A ? Array.from({ length: 200 }, (_, i) => a(name, `10.244.0.${i}`)) : [] };
  if (name === 'ext.shop.svc.cluster.local') return { answers: [cname(name, 'target.shop.svc.cluster.local')] };
  if (name === 'target.shop.svc.cluster.local') return { answers: type === TYPE.A ? [a(name, '10.96.1.1')] : [] };
  if (name === 'odd.shop.svc.cluster.local' && type === TYPE.A) return { answers: [a(name, '10.96.1.2')] };
  if (name === '8.7.96.10.in-addr.arpa') return { answers: [{ name, type: TYPE.PTR, class: CLASS.IN, ttl: 5, data: ['web.default.svc.cluster.local'] }] };
  return { rcode: RCODE.NXDOMAIN };
};
const outside: Answers = (name, type) => {
  if (name === 'silent.example') return undefined;
  return name === 'nowhere.dev' || !name.includes('.')
    ? { rcode: RCODE.NXDOMAIN }
    : { answers: type === TYPE.A ? [a(name, '192.0.2.1', 77)] : [], authoritative: true };
};

async function start(options: Partial<DnsServerOptions> & { answers?: Answers; names?: Answers; available?: boolean } = {}) {
  const upstream = await fakeUpstream(options.answers ?? outside);
  const fake = fakeCluster(options.names ?? clusterNames, options);
  const server: DnsServer = await startDnsServer({
    log: silentLog,
    servers: ['127.0.0.1'],
    mode: 'redirect',
    policy,
    cluster: fake.cluster,
    listenAddress: '127.0.0.1',
    upstreamPort: upstream.port,
    search: ['corp.example'],
    ...options,
  });
  cleanups.push(() => server.close());
  const port = server.listeners[0]?.port as number;
  const client = createSocket('udp4');
  cleanups.push(() => client.close());
  let nextId = 100;
  const send = async (bytes: Buffer) => {
    client.send(bytes, port, '127.0.0.1');
    const [answer] = (await once(client, 'message')) as [Buffer];
    return answer;
  };
  const ask = async (name: string, type: number = TYPE.A, changes: Partial<DnsMessage> = {}) => {
    const id = nextId++;
    const answer = decodeMessage(await send(encodeMessage({ ...base(id, name, type), ...changes })));
    expect(answer.id).toBe(id);
    return answer;
  };
  return { server, upstream, fake, port, ask, send, client };
}
const addresses = (message: DnsMessage) => message.answers.map(addressOf).filter((address) => address !== undefined);

async function askTcp(port: number, queries: DnsMessage[]): Promise<DnsMessage[]> {
  const socket = connect(port, '127.0.0.1');
  cleanups.push(() => socket.destroy());
  const frames = createFrameReader();
  const got: DnsMessage[] = [];
  socket.write(Buffer.concat(queries.map((query) => frameMessage(encodeMessage(query)))));
  for await (const chunk of socket) {
    got.push(...frames.push(chunk as Buffer).map(decodeMessage));
    if (got.length === queries.length) break;
  }
  return got;
}

describe('names of the cluster', () => {
  it('are answered under the name that was asked, in its very case', async () => {
    const { ask, upstream } = await start();
    const answer = await ask('WeB');
    expect(answer).toMatchObject({ response: true, rcode: 0, recursionAvailable: true });
    expect(answer.answers[0]?.name).toBe('WeB');
    expect(addresses(answer)).toEqual(['10.96.7.8']);
    expect(upstream.asked.filter(({ tcp }) => tcp)).toEqual([]);
  });

  it('are asked for A and AAAA together and once', async () => {
    const { ask, fake } = await start();
    await ask('web.default.svc.cluster.local');
    expect(await ask('web.default.svc.cluster.local', TYPE.AAAA)).toMatchObject({ rcode: 0, answers: [] });
    await ask('web.default.svc.cluster.local.corp.example');
    expect(fake.asked.sort()).toEqual(['web.default.svc.cluster.local 1', 'web.default.svc.cluster.local 28']);
  });

  it('have no NXDOMAIN for one family while the other exists', async () => {
    const { ask } = await start();
    expect(await ask('odd.shop', TYPE.AAAA)).toMatchObject({ rcode: RCODE.NOERROR, answers: [] });
    expect(addresses(await ask('odd.shop'))).toEqual(['10.96.1.2']);
  });

  it('follow a CNAME through the cluster', async () => {
    const { ask } = await start();
    const answer = await ask('ext.shop');
    expect(answer.answers.map((record) => record.name)).toEqual(['ext.shop', 'target.shop.svc.cluster.local']);
    expect(addresses(answer)).toEqual(['10.96.1.1']);
  });

  it('have their addresses named', async () => {
    const { ask } = await start();
    expect(targetOf((await ask('8.7.96.10.in-addr.arpa', TYPE.PTR)).answers[0] as DnsRecord)).toBe('web.default.svc.cluster.local');
  });

  it('that do not exist under the cluster domain are NXDOMAIN without asking outside', async () => {
    const { ask, upstream } = await start();
    expect((await ask('nosuch.default.svc.cluster.local')).rcode).toBe(RCODE.NXDOMAIN);
    expect(upstream.asked).toEqual([]);
  });

  it('too big for UDP come with TC and as much as fits, and whole over TCP or with a larger size', async () => {
    const { ask, port } = await start();
    const small = await ask('big');
    expect(small.truncated).toBe(true);
    expect(small.answers.length).toBeGreaterThan(20);
    expect((await ask('big', TYPE.A, { additionals: [{ ...optRecord(), class: 4096 }] })).answers).toHaveLength(200);
    const [whole] = await askTcp(port, [base(1, 'big', TYPE.A)]);
    expect(whole?.answers).toHaveLength(200);
  });

  it('give another address first each time', async () => {
    const { ask } = await start();
    const firsts = new Set<string | undefined>();
    for (let i = 0; i < 3; i++) firsts.add(addresses(await ask('big'))[0]);
    expect(firsts.size).toBe(3);
  });
});

describe('all other names', () => {
  it('go on as raw bytes from the exempt ports, and so do their answers', async () => {
    const { server, send, upstream } = await start();
    const query = encodeMessage({ ...base(4711, 'www.Example.com', TYPE.A), additionals: [optRecord(true)] });
    const answer = await send(query);
    expect(answer).toEqual(answerOf(query, outside));
    expect(upstream.asked[0]?.port).toBeGreaterThanOrEqual(server.exemptPorts.first);
    expect(upstream.asked[0]?.port).toBeLessThanOrEqual(server.exemptPorts.last);
  });

  it("under a namespace are the previous resolver's unless the Service exists", async () => {
    const { ask } = await start();
    expect(addresses(await ask('go.dev'))).toEqual(['10.96.7.8']);
    expect(await ask('rust.dev')).toMatchObject({ authoritative: true, answers: [{ ttl: 77 }] });
    expect((await ask('nowhere.dev')).rcode).toBe(RCODE.NXDOMAIN);
  });

  it('that are not answered there are not answered here, and hold nothing up', async () => {
    const { ask, client, port } = await start();
    client.send(encodeMessage(base(1, 'silent.example', TYPE.A)), port, '127.0.0.1');
    expect((await ask('other.example')).questions[0]?.name).toBe('other.example');
  });

  it('of other opcodes and classes, and what is no DNS question, go on too', async () => {
    const { ask, upstream } = await start();
    await ask('web', TYPE.A, { questions: [{ name: 'web', type: TYPE.TXT, class: 3 }] });
    await ask('web', TYPE.A, { opcode: 2 });
    expect(upstream.asked.map(({ name }) => name)).toEqual(['web', 'web']);
  });

  it('go over one reused TCP connection from the exempt ports', async () => {
    const { server, port, upstream } = await start();
    const queries = ['a', 'b', 'c', 'd'].map((name, id) => base(id, `${name}.example`, TYPE.A));
    const answers = await askTcp(port, queries);
    expect(answers.map(({ id, questions }) => `${id} ${questions[0]?.name}`).sort()).toEqual(['0 a.example', '1 b.example', '2 c.example', '3 d.example']);
    await askTcp(port, queries);
    expect(upstream.connections()).toBe(1);
    expect(upstream.asked.every((one) => one.tcp && one.port >= server.exemptPorts.first && one.port <= server.exemptPorts.last)).toBe(true);
  });

  it("over TCP hang up when the previous resolver can't be reached", async () => {
    const { port } = await start({ upstreamPort: 1 });
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => {});
    socket.write(frameMessage(encodeMessage(base(1, 'x.example', TYPE.A))));
    await once(socket, 'close');
  });
});

describe('names under a search domain', () => {
  it("are the previous resolver's, also when a Service has the short name", async () => {
    const real: Answers = (name, type) =>
      name === 'web.corp.example' ? { answers: type === TYPE.A ? [a(name, '192.0.2.9')] : [] } : { rcode: RCODE.NXDOMAIN };
    const { ask } = await start({ answers: real });
    expect(addresses(await ask('web.corp.example'))).toEqual(['192.0.2.9']);
    expect((await ask('big.corp.example')).rcode).toBe(RCODE.NXDOMAIN);
  });

  it("are the Service's when the search domain answers every name the same", async () => {
    const { ask } = await start({
      answers: (name, type) => ({ answers: type === TYPE.A ? [a(name, name === 'big.corp.example' ? '192.0.2.9' : '192.0.2.1')] : [] }),
    });
    expect(addresses(await ask('web.corp.example'))).toEqual(['10.96.7.8']);
    expect(addresses(await ask('nosuch.corp.example'))).toEqual(['192.0.2.1']);
    expect(addresses(await ask('big.corp.example'))).toEqual(['192.0.2.9']);
  });

  it("are the Service's when the previous resolver is silent", async () => {
    const { ask } = await start({ answers: () => undefined });
    expect(addresses(await ask('web.corp.example'))).toEqual(['10.96.7.8']);
  });
});

describe('without the cluster', () => {
  it('its own names fail at once, all others are as before', async () => {
    const { ask } = await start({ available: false });
    expect((await ask('web.default.svc.cluster.local')).rcode).toBe(RCODE.SERVFAIL);
    expect((await ask('web')).rcode).toBe(RCODE.NXDOMAIN);
    expect(addresses(await ask('go.dev'))).toEqual(['192.0.2.1']);
    expect(addresses(await ask('www.example.com'))).toEqual(['192.0.2.1']);
  });

  it('a silent one delays its own names to the time-out only', async () => {
    const { ask } = await start({ names: () => undefined, policy: { ...policy, lookupTimeoutMs: 50 } });
    expect((await ask('web.default.svc.cluster.local')).rcode).toBe(RCODE.SERVFAIL);
    expect(addresses(await ask('go.dev'))).toEqual(['192.0.2.1']);
  });
});

describe('policy', () => {
  it('mappings answer with an address, a cluster name or an outside name', async () => {
    const { ask } = await start();
    expect(addresses(await ask('fixed.test'))).toEqual(['10.1.2.3']);
    expect(await ask('fixed.test', TYPE.AAAA)).toMatchObject({ rcode: 0, answers: [] });
    expect(addresses(await ask('ext.test'))).toEqual(['10.96.7.8']);
    const out = await ask('out.test');
    expect(out.answers.map((record) => record.name)).toEqual(['out.test', 'www.example.com']);
  });

  it('can be changed while serving', async () => {
    const { ask, server } = await start();
    expect((await ask('go')).rcode).toBe(RCODE.NXDOMAIN);
    server.setPolicy({ ...policy, namespace: 'dev' });
    expect(addresses(await ask('go'))).toEqual(['10.96.7.8']);
  });

  it('names a Service that hides an outside name', async () => {
    const { ask, server } = await start();
    await ask('web');
    await ask('go.dev');
    await expect.poll(() => server.hiddenNames()).toEqual(['go.dev']);
  });
});

describe('for systemd-resolved', () => {
  it('misses go to the next server when one refuses', async () => {
    const { ask } = await start({ mode: 'resolved', servers: ['127.0.0.2', '127.0.0.1'] });
    expect(addresses(await ask('go.dev'))).toEqual(['10.96.7.8']);
    expect(addresses(await ask('rust.dev'))).toEqual(['192.0.2.1']);
  });

  it('misses fail when no other link has a server', async () => {
    const { ask } = await start({ mode: 'resolved', servers: [] });
    expect((await ask('rust.dev')).rcode).toBe(RCODE.SERVFAIL);
  });
});
