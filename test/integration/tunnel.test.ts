/** The workstation's end of the tunnel against a manager in the same process, over a line that fails in every way. The clock is the test's. */
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CodedError } from '../../src/base/errors.ts';
import { silentLog } from '../../src/base/log.ts';
import { Tunnel, type TunnelOptions } from '../../src/daemon/tunnel/index.ts';
import {
  BELIEVE_REFUSAL_MS,
  HEARTBEAT_MS,
  REST_AFTER_MS,
  REST_LOOK_MS,
  SILENCE_DEAD_MS,
  SILENCE_SUSPECT_MS,
  SPREAD_AGAIN_MS,
  STREAM_WAIT_MS,
} from '../../src/daemon/tunnel/limits.ts';
import { LinkWatch } from '../../src/daemon/tunnel/link-watch.ts';
import type { MuxStream } from '../../src/mux/index.ts';
import { TUNNEL_HEADER } from '../../src/protocol/tunnel.ts';
import { type FakeReplica, fakeReplica, NONCE } from '../helpers/fake-replica.ts';
import { FlakyLink } from '../helpers/flaky-link.ts';

const tunnels: Tunnel[] = [];
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date', 'performance'] });
});
afterEach(() => {
  for (const tunnel of tunnels.splice(0)) tunnel.abort();
  vi.useRealTimers();
});

interface Rig {
  tunnel: Tunnel;
  link: FlakyLink;
  replicas: FakeReplica[];
  /** What the API server says instead of 101. */
  api: { refuse: CodedError | undefined };
  addresses: string[];
  events: string[];
  pass(ms: number): Promise<void>;
  /** Lets what needs no clock happen. */
  settle(): Promise<void>;
}

async function setup(names: string[] = ['a'], options: Partial<TunnelOptions> = {}): Promise<Rig> {
  const replicas = names.map(fakeReplica);
  for (const replica of replicas) replica.replicas = names;
  const api: Rig['api'] = { refuse: undefined };
  let turn = 0;
  let next: FakeReplica | undefined;
  const link = new FlakyLink((far) => next?.accept(far));
  const addresses = ['192.0.2.7'];
  const upgrade: TunnelOptions['kube']['upgrade'] = async (_path, { signal }) => {
    if (api.refuse !== undefined) throw api.refuse;
    next = replicas[turn++ % replicas.length];
    const replica = next?.name ?? '';
    const socket = Object.assign(await link.connect(signal ?? new AbortController().signal), { localAddress: '192.0.2.7' });
    return { socket, headers: { [TUNNEL_HEADER.nonce]: NONCE, [TUNNEL_HEADER.replica]: replica }, head: Buffer.alloc(0) };
  };
  const tunnel = new Tunnel({
    kube: { upgrade, websocket: () => Promise.reject(new Error('not here')) },
    managerNamespace: 'ambassador',
    session: { name: 's', uid: 'u' },
    sign: (text) => text,
    version: '0.0.0',
    log: silentLog,
    onStream: (stream) => stream.destroy(),
    links: new LinkWatch(() => addresses),
    ...options,
  });
  tunnels.push(tunnel);
  const events: string[] = [];
  tunnel.on('up', () => events.push('up'));
  tunnel.on('down', () => events.push('down'));
  tunnel.on('dns', () => events.push('dns'));
  tunnel.on('refused', (error) => events.push(`refused ${error.code}`));
  const pass = async (ms: number): Promise<void> => {
    await vi.advanceTimersByTimeAsync(ms);
    await settle();
  };
  const settle = async (): Promise<void> => {
    for (let i = 0; i < 30; i++) await new Promise((resolve) => setImmediate(resolve));
  };
  await tunnel.start(new AbortController().signal);
  await settle();
  return { tunnel, link, replicas, api, addresses, events, pass, settle };
}

const open = (tunnel: Tunnel, text: string): MuxStream | Promise<MuxStream> => tunnel.openStream({ t: 'tcp', host: '10.96.0.1', port: 80 }, Buffer.from(text));
async function echoed(stream: MuxStream | Promise<MuxStream>): Promise<string> {
  const [chunk] = (await once(await stream, 'data')) as [Buffer];
  return chunk.toString();
}
const SUSPECT = HEARTBEAT_MS + SILENCE_SUSPECT_MS + 500;

describe('the tunnel', () => {
  it('carries streams, and says that it is up, since when and how far away', async () => {
    const { tunnel, events, pass } = await setup();
    expect(await echoed(open(tunnel, 'hello'))).toBe('hello');
    expect(events).toEqual(['dns', 'up']);
    await pass(3_000);
    expect(tunnel.state).toMatchObject({ up: true, detail: '', transport: 'service proxy', rtt: { p50: expect.any(Number), p99: expect.any(Number) } });
  });

  it('sends about one heartbeat a second on each connection', async () => {
    const { link, pass } = await setup();
    await pass(60_000);
    expect(link.opened).toBe(3);
  });

  it('is opened again when it is reset, with new control and dns streams, while callers wait', async () => {
    const { tunnel, link, events, pass, settle } = await setup();
    link.cut();
    await settle();
    expect(tunnel.state).toMatchObject({ up: false, detail: expect.stringMatching(/ECONNRESET|ENETUNREACH/) });
    const waiting = echoed(open(tunnel, 'patience'));
    await pass(5_000);
    link.mend();
    await pass(1_300);
    expect(await waiting).toBe('patience');
    expect(events).toEqual(['dns', 'up', 'down', 'dns', 'up']);
    expect(tunnel.state.up).toBe(true);
  });

  it('tries no more than about once a second, at random times, while the line is cut', async () => {
    const tries: number[] = [];
    const { link, pass, tunnel } = await setup();
    const connect = link.connect.bind(link);
    link.connect = (signal) => {
      tries.push(performance.now());
      return connect(signal);
    };
    link.cut();
    await pass(30_000);
    const gaps = tries.slice(5).map((time, index) => time - (tries[index + 4] ?? 0));
    expect(tries.length).toBeGreaterThan(25);
    expect(tries.length).toBeLessThan(75);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(1_300);
    expect(new Set(gaps.map(Math.round)).size).toBeGreaterThan(5);
    expect(tunnel.state.up).toBe(false);
  });

  it('takes a silent line for down, and the streams that are open go on when it is mended', async () => {
    const { tunnel, link, pass, settle } = await setup();
    const stream = await open(tunnel, 'one');
    expect(await echoed(stream)).toBe('one');
    link.silence();
    stream.write('two');
    await pass(SUSPECT);
    expect(tunnel.state).toMatchObject({ up: false, detail: expect.stringMatching(/^no answer for [23]/) });
    await pass(10_000 - SUSPECT);
    const two = echoed(stream);
    link.mend();
    await settle();
    expect(await two).toBe('two');
    await pass(1_500);
    expect(tunnel.state.up).toBe(true);
    expect(stream.destroyed).toBe(false);
  });

  it('opens a second connection beside a silent one and uses it at once; the first ends after a while', async () => {
    const { tunnel, link, pass } = await setup();
    const stream = await open(tunnel, 'old');
    expect(await echoed(stream)).toBe('old');
    link.silence();
    await pass(SUSPECT);
    link.mend({ forget: true });
    await pass(1_500);
    expect(tunnel.state.up).toBe(true);
    expect(await echoed(open(tunnel, 'new'))).toBe('new');
    expect(stream.destroyed).toBe(false);
    await pass(2 * SILENCE_DEAD_MS);
    expect(stream.destroyed).toBe(true);
    expect(tunnel.state.up).toBe(true);
  });

  it('ends a connection that stays silent', async () => {
    const { tunnel, link, pass } = await setup();
    const stream = await open(tunnel, 'x');
    stream.on('error', () => undefined);
    link.silence();
    await pass(SILENCE_DEAD_MS + 1_000);
    expect(stream.destroyed).toBe(true);
  });

  it('keeps no connection of before when silences come again and again', async () => {
    const { tunnel, link, replicas, pass } = await setup();
    for (let round = 0; round < 5; round++) {
      link.silence();
      await pass(SUSPECT + 1_000);
      link.mend();
      await pass(4_000);
      expect(tunnel.state.up).toBe(true);
    }
    await pass(10_000);
    expect(replicas[0]?.held).toHaveLength(3);
  });

  it('lets a new stream wait no longer than its time', async () => {
    const { tunnel, link, pass, settle } = await setup();
    link.cut();
    await settle();
    const outcome = Promise.resolve(open(tunnel, 'late')).catch((error: unknown) => error);
    const call = tunnel.call('ping', {}).catch((error: unknown) => error);
    await pass(STREAM_WAIT_MS + 100);
    expect(await outcome).toMatchObject({ code: 'TP-TUNNEL-LOST', message: expect.stringContaining('down') });
    expect(await call).toMatchObject({ code: 'TP-TUNNEL-LOST' });
  });

  it.each(['TP-KUBE-UNAUTHORIZED', 'TP-KUBE-FORBIDDEN', 'TP-KUBE-NOT-FOUND'] as const)('believes %s only after half a minute', async (code) => {
    const { link, api, events, pass, settle } = await setup();
    api.refuse = new CodedError(code, 'no');
    link.reset();
    await settle();
    await pass(BELIEVE_REFUSAL_MS - 2_000);
    expect(events).not.toContain(`refused ${code}`);
    await pass(4_000);
    expect(events).toContain(`refused ${code}`);
  });

  it('believes a manager that knows no such session only after half a minute', async () => {
    const { link, replicas, events, pass, settle } = await setup();
    for (const replica of replicas) replica.refuse = 'There is no session s with this uid.';
    link.reset();
    await settle();
    await pass(BELIEVE_REFUSAL_MS - 2_000);
    expect(events).toEqual(['dns', 'up', 'down']);
    await pass(4_000);
    expect(events).toContain('refused TP-SESSION-REFUSED');
  });

  it('does not hurry when connections come up and end at once', async () => {
    const { link, replicas, pass } = await setup();
    const before = link.opened;
    const timer = setInterval(() => {
      for (const replica of replicas) for (const { mux } of replica.held) mux.abort(new Error('over'));
    }, 5);
    await pass(10_000);
    clearInterval(timer);
    expect(link.opened - before).toBeLessThan(60);
  });

  it('never gives up while no manager is there (503), and comes back', async () => {
    const { tunnel, link, api, events, pass, settle } = await setup();
    api.refuse = new CodedError('TP-KUBE-API', 'no endpoints available for service "traffic-manager"');
    link.reset();
    await settle();
    await pass(120_000);
    expect(tunnel.state).toMatchObject({ up: false, detail: expect.stringContaining('no endpoints') });
    api.refuse = undefined;
    await pass(1_300);
    expect(tunnel.state.up).toBe(true);
    expect(events.filter((event) => event.startsWith('refused'))).toEqual([]);
  });

  it('moves away from a replica that is going away, and uses it until it has moved', async () => {
    const { tunnel, link, replicas, pass, settle } = await setup(['a']);
    const [a] = replicas;
    const stream = await open(tunnel, 'old');
    expect(await echoed(stream)).toBe('old');
    link.silence();
    a?.notify('going-away', { reason: 'stop' });
    link.mend();
    await settle();
    expect(tunnel.state.up).toBe(true);
    expect(await echoed(open(tunnel, 'meanwhile'))).toBe('meanwhile');
    await pass(5_000);
    expect(tunnel.state.up).toBe(true);
    expect(stream.destroyed).toBe(false);
    expect(a?.held.filter(({ mux }) => mux.goneAway !== undefined).length).toBeGreaterThan(0);
    stream.end();
    await pass(1_000);
    expect(a?.held.every(({ mux }) => mux.goneAway === undefined)).toBe(true);
  });

  it('holds its data connections on different replicas, and again when one has been away', async () => {
    const { replicas, pass, tunnel } = await setup(['a', 'b']);
    await pass(1_000);
    const on = (name: string): number =>
      replicas.find((replica) => replica.name === name)?.held.filter(({ hello, mux }) => hello.kind === 'data' && mux.goneAway === undefined).length ?? 0;
    expect([on('a'), on('b')]).toEqual([1, 1]);
    // one ends and comes back under its name
    for (const { mux } of [...(replicas[1]?.held ?? [])]) mux.abort(new Error('killed'));
    await pass(SPREAD_AGAIN_MS + 1_000);
    expect([on('a'), on('b')]).toEqual([1, 1]);
    expect(tunnel.state.up).toBe(true);
  });

  it('lets its data connections rest while nothing needs them; the first stream is served at once, and brings them back', async () => {
    const { tunnel, replicas, pass, events, settle } = await setup(['a'], { keptAtRest: () => 0 });
    const kinds = (): string[] => replicas[0]?.held.map(({ hello }) => hello.kind).sort() ?? [];
    expect(kinds()).toEqual(['control', 'data', 'data']);
    await pass(REST_AFTER_MS + 2 * REST_LOOK_MS);
    expect(kinds()).toEqual(['control']);
    expect(tunnel.state.up).toBe(true);
    const stream = await open(tunnel, 'first');
    expect(await echoed(stream)).toBe('first');
    await settle();
    expect(kinds()).toEqual(['control', 'data', 'data']);
    expect(await echoed(open(tunnel, 'second'))).toBe('second');
    expect(events).toEqual(['dns', 'up']);
  });

  it('comes back from rest as a whole when all was lost meanwhile', async () => {
    const { tunnel, replicas, pass, link } = await setup(['a'], { keptAtRest: () => 0 });
    await pass(REST_AFTER_MS + 2 * REST_LOOK_MS);
    link.cut();
    await pass(1_000);
    expect(tunnel.state.up).toBe(false);
    const stream = open(tunnel, 'meanwhile');
    await pass(1_000);
    link.mend();
    await pass(3_000);
    expect(await echoed(stream)).toBe('meanwhile');
    expect(tunnel.state.up).toBe(true);
    expect(replicas[0]?.held.map(({ hello }) => hello.kind).sort()).toEqual(['control', 'data', 'data']);
  });

  it('lets nothing rest while a stream is open, and keeps one data connection where something is intercepted', async () => {
    let intercepted = true;
    const { tunnel, replicas, pass, settle } = await setup(['a'], { keptAtRest: () => (intercepted ? 1 : 0) });
    const kinds = (): string[] => replicas[0]?.held.map(({ hello }) => hello.kind).sort() ?? [];
    const stream = await open(tunnel, 'open');
    await pass(REST_AFTER_MS + 2 * REST_LOOK_MS);
    expect(kinds()).toEqual(['control', 'data', 'data']);
    stream.destroy();
    await pass(2 * REST_LOOK_MS);
    expect(kinds()).toEqual(['control', 'data']);
    // an intercepted connection comes
    const taken = replicas[0]?.held.find(({ hello }) => hello.kind === 'data')?.mux.open(Buffer.from('x'));
    taken?.on('error', () => {});
    await settle();
    expect(kinds()).toEqual(['control', 'data', 'data']);
    intercepted = false;
    await pass(REST_AFTER_MS + 2 * REST_LOOK_MS);
    expect(kinds()).toEqual(['control']);
  });

  it('knows at once that its network link is down, and tries at once when it is back', async () => {
    const { tunnel, link, addresses, pass } = await setup();
    link.silence();
    addresses.length = 0;
    await pass(600);
    expect(tunnel.state).toMatchObject({ up: false, detail: expect.stringContaining('192.0.2.7 is down') });
    await pass(3_000);
    link.mend();
    addresses.push('192.0.2.7');
    await pass(600);
    expect(tunnel.state.up).toBe(true);
  });

  it('is back at once after a sleep in which the path has forgotten its connections', async () => {
    const { tunnel, link, pass } = await setup();
    await pass(2_000);
    const before = link.opened;
    // The machine's own time stands still while it sleeps; the clock goes on.
    link.silence();
    vi.setSystemTime(Date.now() + 8 * 3_600_000);
    link.mend({ forget: true });
    await pass(1_000);
    expect(await echoed(open(tunnel, 'morning'))).toBe('morning');
    expect(tunnel.state.up).toBe(true);
    await pass(10_000);
    expect(link.opened - before).toBeLessThanOrEqual(6);
  });

  it('is not disturbed by a clock that is moved by an hour', async () => {
    const { tunnel, events, pass, link } = await setup();
    const stream = await open(tunnel, 'x');
    await pass(2_000);
    for (const hours of [1, -1]) {
      vi.setSystemTime(Date.now() + hours * 3_600_000);
      await pass(3_000);
    }
    expect(events).toEqual(['dns', 'up', 'dns']);
    expect(stream.destroyed).toBe(false);
    expect(tunnel.state.up).toBe(true);
    expect(link.opened).toBeLessThanOrEqual(6);
  });
});
