/**
 * Whoever means harm exhausts his own quota and nobody else's: a real manager in a process of its own, over TLS, with workstations and
 * agents that open without end, never read, and say giant things, beside an honest pair whose intercept works all the time.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism, loadavg } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { NODE_FLAGS } from '../../src/base/node-flags.ts';
import { AGENT_LINKS_EACH } from '../../src/manager/agents/index.ts';
import { SESSION_CONNECTION_LIMIT, USER_CONNECTION_LIMIT, USER_STREAM_LIMIT } from '../../src/manager/outbound/quota.ts';
import { OWNER_WAITING_LIMIT, WAITING_LOOK_BYTES } from '../../src/manager/outbound/waiting.ts';
import { UNVERIFIED_EACH } from '../../src/manager/tunnel/server.ts';
import type { Mux, MuxStream } from '../../src/mux/index.ts';
import { RPC_LINE_LIMIT } from '../../src/rpc/limits.ts';
import { encodeStreamHeader } from '../../src/tunnel/index.ts';
import { type FakeCluster, startFakeCluster, tokenOf } from '../helpers/fake-cluster.ts';
import { putBasics, putIntercept, putSession, putWorkload } from '../helpers/fake-cluster-objects.ts';
import { dialTunnel, linkAgent, type ManagerPorts, openTunnel, type PeerAgent, type PeerSession } from '../helpers/manager-peers.ts';
import type { HonestOrder } from '../scale/honest-pair.ts';

const MIB = 1024 * 1024;
/** Thousands of handshakes, and an honest pair whose heartbeats must come in time: what fails where nobody gets a CPU says nothing of the manager. */
const BUSY = (loadavg()[0] ?? 0) > 4 * availableParallelism();
/** What an attack may cost the manager beside the bytes that its bounds allow: objects, buffers of TLS, garbage not yet collected. */
const OVERHEAD = 128 * MIB;
/** The same of a gigabyte that comes at once over an agent's link, where each read is a buffer that a collection frees. */
const POURED_OVERHEAD = 256 * MIB;
const API = '127.0.0.1';
const ATTACKER = '127.0.0.66';

let cluster: FakeCluster;
let manager: ChildProcess;
let ports: ManagerPorts;
let ca: string;
let pair: ChildProcess;
/** How long an intercepted connection of the honest pair, or one of its calls, may take while others do harm. */
const HONEST_MS = 10_000;
const HONEST_TRIES = 5;
async function honestly(what: 'ask' | 'ping'): Promise<void> {
  for (let tries = 1; ; tries++) {
    pair.send(what);
    const [said] = (await once(pair, 'message')) as [{ text: string; ms: number }];
    // On a machine that has no time for it, the pair's own heartbeats may come late, and it is taken for lost for a moment.
    if (said.text !== 'hello' && tries < HONEST_TRIES) {
      await sleep(1_000);
      continue;
    }
    expect(said).toMatchObject({ text: 'hello' });
    expect(said.ms).toBeLessThan(HONEST_MS);
    return;
  }
}
const honest = { ask: () => honestly('ask'), ping: () => honestly('ping') };
const muxes: Mux[] = [];
const own = <T extends { mux: Mux }>(peer: T): T => {
  muxes.push(peer.mux);
  return peer;
};

interface Said {
  memory: NodeJS.MemoryUsage;
  counts: { sessions: number; connections: number; streams: number };
  agents: number;
}
async function askManager(what: 'collect' | 'look'): Promise<Said> {
  manager.send(what);
  const [said] = (await once(manager, 'message')) as [Said];
  return said;
}
/** What is held after a collection: of small objects a process without time leaves more behind than it holds. */
const used = ({ memory }: Said): number => memory.heapUsed + memory.external;
const resident = async () => (await askManager('look')).memory.rss;

async function intercepted(workload: string, session: PeerSession, user: string): Promise<{ agent: PeerAgent; intercept: string }> {
  const { pod, podUid } = putWorkload(cluster, 'shop', workload);
  const intercept = putIntercept(cluster, 'shop', workload, session, user);
  const told = Promise.withResolvers<void>();
  const agent = await linkAgent(
    ports.agents,
    { namespace: 'shop', pod, token: tokenOf('shop', pod, podUid), workload },
    { ca, told: (list) => list.length > 0 && told.resolve() },
  );
  await told.promise;
  return { agent, intercept };
}

const openIntercepted = (agent: PeerAgent, session: PeerSession, intercept: string): MuxStream => {
  const stream = agent.mux.open(encodeStreamHeader({ t: 'intercept', session: session.uid, intercept, protocol: 'TCP', peer: '10.0.0.1:1' }));
  stream.on('error', () => undefined);
  return stream;
};

beforeAll(async () => {
  cluster = await startFakeCluster();
  putBasics(cluster, ['shop']);
  manager = fork(path.join(import.meta.dirname, '../scale/manager.ts'), { execArgv: [...NODE_FLAGS] });
  manager.send(cluster.connection);
  const [said] = (await once(manager, 'message')) as [{ ports: ManagerPorts; ca: string }];
  ({ ports, ca } = said);
  pair = fork(path.join(import.meta.dirname, '../scale/honest-pair.ts'));
  const [{ publicKey }] = (await once(pair, 'message')) as [{ publicKey: string }];
  const session = putSession(cluster, 'honest', 'alice', publicKey);
  const { pod, podUid } = putWorkload(cluster, 'shop', 'honest');
  const intercept = putIntercept(cluster, 'shop', 'honest', session, 'alice');
  const agent = { namespace: 'shop', pod, token: tokenOf('shop', pod, podUid), workload: 'honest' };
  pair.send({ ports, ca, agent, session: { name: session.name, uid: session.uid, publicKey }, intercept } satisfies HonestOrder);
  await once(pair, 'message');
  await honest.ask();
}, 60_000);
afterEach(async () => {
  for (const mux of muxes.splice(0)) mux.abort(new Error('over'));
  // the honest pair is there all the time
  await honest.ask();
  await honest.ping();
});
afterAll(async () => {
  for (const child of [pair, manager]) {
    const exit = once(child, 'exit');
    child.disconnect();
    await exit;
  }
  await cluster[Symbol.asyncDispose]();
});

let sessions = 0;
const malicious = (user: string) => putSession(cluster, `malicious-${sessions++}`, user);

describe.skipIf(BUSY)('a workstation that means harm (needs a machine with time)', { timeout: 300_000 }, () => {
  it('opens streams without end: its user’s quota is what it gets, in all connections and sessions together', async () => {
    const before = await askManager('collect');
    const reasons = { overload: 0, protocol: 0 };
    let opened = 0;
    for (let connection = 0; connection < 2; connection++) {
      const { mux } = own(await openTunnel(ports.tunnel, malicious('mallory'), 'data', { from: API }));
      await mux.ping();
      for (let count = 0; count < 9_000; count++) {
        const stream = mux.open(Buffer.of(0));
        opened++;
        stream.on('error', () => undefined);
        stream.once('close', () => {
          if (stream.resetReason === 'overload' || stream.resetReason === 'protocol') reasons[stream.resetReason]++;
        });
      }
      await mux.ping();
      await honest.ask();
      const now = await askManager('collect');
      expect(now.counts.streams - before.counts.streams).toBeLessThanOrEqual(USER_STREAM_LIMIT);
      expect(used(now) - used(before)).toBeLessThan(OVERHEAD);
    }
    // where opening them takes longer than a stream may keep its header back, the first have made room for the last
    while (reasons.overload + reasons.protocol < opened - USER_STREAM_LIMIT) await honest.ask();
  });

  it('opens many sessions: connections beyond its user’s share are refused, others’ are not', async () => {
    const refusals: string[] = [];
    for (let opened = 0; opened < USER_CONNECTION_LIMIT + 8; ) {
      const session = malicious('many');
      const one = async () => {
        const { mux } = own(await openTunnel(ports.tunnel, session, 'data', { from: API }));
        await mux.ping().catch(() => undefined);
        if (mux.goneAway !== undefined) refusals.push(mux.goneAway);
      };
      await Promise.all(Array.from({ length: SESSION_CONNECTION_LIMIT }, one));
      opened += SESSION_CONNECTION_LIMIT;
    }
    expect(refusals.length).toBeGreaterThan(0);
    expect(refusals[0]).toMatch(/too many connections/);
    const { mux } = own(await openTunnel(ports.tunnel, putSession(cluster, 'late', 'bob'), 'data', { from: API }));
    expect(await mux.ping()).toBeGreaterThan(0);
  });

  it('never reads: what waits for it is bounded, and its fullest streams go', async () => {
    const session = malicious('deaf');
    const streams: MuxStream[] = [];
    const { mux, socket } = own(await openTunnel(ports.tunnel, session, 'data', { from: API, onStream: (stream) => streams.push(stream) }));
    await mux.ping();
    const { agent, intercept } = await intercepted('deaf', session, 'deaf');
    own(agent);
    const before = (await askManager('collect')).memory.rss;
    socket.pause();
    // it lives, and says so: a workstation that says nothing is lost after seconds, and nothing is sent there any more
    const heartbeat = setInterval(() => void mux.ping().catch(() => undefined), 500);
    onTestFinished(() => clearInterval(heartbeat));
    const pouring = Array.from({ length: 1_000 }, () => {
      const stream = openIntercepted(agent, session, intercept);
      stream.write(Buffer.alloc(MIB));
      return stream;
    });
    const bound = OWNER_WAITING_LIMIT + WAITING_LOOK_BYTES + POURED_OVERHEAD;
    const gone = (): number => pouring.filter(({ resetReason }) => resetReason === 'overload').length;
    // as long as it takes to bring so much there, and a while longer
    for (let quiet = 0; quiet < 10; quiet += gone() > 100 ? 1 : 0) {
      expect((await resident()) - before).toBeLessThan(bound);
      await honest.ask();
      await sleep(100);
    }
  });

  it('sends its control message byte by byte, and one that is too long: only its connection ends', async () => {
    const { mux, socket } = own(await openTunnel(ports.tunnel, malicious('giant'), 'control', { from: API }));
    socket.setNoDelay(false);
    const before = (await askManager('collect')).memory.rss;
    const stream = mux.open(encodeStreamHeader({ t: 'control' }));
    stream.on('error', () => undefined);
    stream.resume();
    for (let sent = 0; sent < RPC_LINE_LIMIT / 2; ) {
      for (let count = 0; count < 2_000; count++, sent++) stream.write('x');
      await mux.ping();
    }
    expect((await resident()) - before).toBeLessThan(OVERHEAD / 2);
    const closed = new Promise((resolve) => stream.once('close', resolve));
    stream.write(Buffer.alloc(RPC_LINE_LIMIT, 'x'));
    await closed;
  });

  it('asks and does not read the answers', async () => {
    const { mux, socket } = own(await openTunnel(ports.tunnel, malicious('asks'), 'control', { from: API }));
    const stream = mux.open(encodeStreamHeader({ t: 'control' }));
    stream.on('error', () => undefined);
    await mux.ping();
    const before = (await askManager('collect')).memory.rss;
    socket.pause();
    const call = Buffer.from('{"id":1,"method":"welcome"}\n'.repeat(20_000));
    for (let count = 0; count < 40; count++) {
      stream.write(call);
      await honest.ping();
    }
    expect((await resident()) - before).toBeLessThan(OVERHEAD);
  });

  it('keeps connections that prove nothing: others still link', async () => {
    const idle = await Promise.allSettled(Array.from({ length: UNVERIFIED_EACH + 20 }, () => dialTunnel(ports.tunnel, 'honest', API)));
    const { mux } = own(await openTunnel(ports.tunnel, putSession(cluster, 'prompt', 'bob'), 'data', { from: API }));
    expect(await mux.ping()).toBeGreaterThan(0);
    for (const one of idle) if (one.status === 'fulfilled') one.value.socket.destroy();
  });
});

describe.skipIf(BUSY)('an agent that means harm (needs a machine with time)', { timeout: 120_000 }, () => {
  it('links again and again: its oldest links end', async () => {
    const { pod, podUid } = putWorkload(cluster, 'shop', 'eager');
    const before = (await askManager('look')).agents;
    for (let count = 0; count < 3 * AGENT_LINKS_EACH; count++) {
      own(await linkAgent(ports.agents, { namespace: 'shop', pod, token: tokenOf('shop', pod, podUid), workload: 'eager' }, { ca, from: ATTACKER }));
    }
    await sleep(100);
    expect((await askManager('look')).agents - before).toBe(AGENT_LINKS_EACH);
  });

  it('opens streams without end: those beyond its share are refused', async () => {
    const session = malicious('quiet');
    own(await openTunnel(ports.tunnel, session, 'data', { from: API, onStream: () => undefined }));
    const { agent, intercept } = await intercepted('busy', session, 'quiet');
    own(agent);
    let overload = 0;
    for (let count = 0; count < 10_000; count++) {
      openIntercepted(agent, session, intercept).once('close', function (this: MuxStream) {
        if (this.resetReason === 'overload') overload++;
      });
    }
    while (overload <= 1_000) await honest.ask();
    expect(overload).toBeGreaterThan(1_000);
  });
});
