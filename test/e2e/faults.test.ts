/**
 * A workstation that loses its link, loudly (`cut`) or silently (`blackhole`): nothing is typed, and all comes back; meanwhile the
 * cluster's own app answers. Times are measured under load, in and out.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { within } from '../helpers/measured.ts';
import { echoApp } from './apps/echo.ts';
import { SHARE } from './apps/load.ts';
import { clusterAvailable, startCluster, type TestCluster, testNamespace } from './harness/cluster.ts';
import { answered, answeredBy, bad, type Load, loadFromCluster, loadFromWorkstation, passed, settledAfter, shown } from './harness/load.ts';
import { eventually } from './harness/run.ts';
import { VOLUME } from './harness/volume.ts';
import type { Workstation } from './harness/workstation.ts';

const SERVE = (who: string, port: number): string => `require('http').createServer((q, r) => r.end('${who} \\n')).listen(${port}, '127.0.0.1')`;
/** One connection on which a request is sent after each answer; prints `answer` for each, `end` when it is over. */
const HOLD = `
const socket = require('net').connect(80, 'plain');
const ask = () => socket.write('GET / HTTP/1.1\\r\\nhost: plain\\r\\n\\r\\n');
socket.on('connect', ask);
socket.on('data', () => { console.log('answer'); setTimeout(ask, 500); });
socket.on('error', (error) => console.log('end ' + error.code));
socket.on('close', () => console.log('end'));
`;

interface Status {
  user_daemon: { status: string; error?: string; session: string; intercepts?: { name: string; state?: string }[] };
}

describe.skipIf(!clusterAvailable)('a workstation without a link (needs root and the test cluster)', () => {
  let cluster: TestCluster;
  let workstation: Workstation;
  const stack = new AsyncDisposableStack();
  let inward: Load;
  let outward: Load;
  const times: string[] = [];
  const note = (what: string, ms: number): number => {
    times.push(`${what}: ${Math.round(ms)} ms`);
    return ms;
  };
  const noteLost = (what: string, lost: number): void => {
    times.push(`${what}: ${lost} requests`);
  };

  beforeAll(async () => {
    cluster = await startCluster();
    stack.use(await testNamespace(cluster, 'faults'));
    await cluster.apply(echoApp({ name: 'web', namespace: 'faults', container: SHARE }));
    await cluster.apply(echoApp({ name: 'plain', namespace: 'faults', container: SHARE }));
    for (const name of ['web', 'plain']) await cluster.kubectl(['-n', 'faults', 'rollout', 'status', `deployment/${name}`, '--timeout=60s']);
    workstation = stack.use(await cluster.workstation('faults'));
    stack.use(workstation.background('node', ['-e', SERVE('local', 8080)]));
    await workstation.ok(['connect', '-n', 'faults']);
    await workstation.ok(['intercept', 'web', '--port', '8080']);
    inward = stack.use(await loadFromCluster(cluster, 'load', 'faults', { url: 'http://web/', rate: VOLUME.requestsPerSecond, limitMs: 5_000 }));
    outward = stack.use(await loadFromWorkstation(workstation, { url: 'http://plain/', rate: VOLUME.requestsPerSecond, limitMs: 12_000 }));
    await eventually('the process on the workstation answers', async () => (await inward.samples()).at(-1)?.who === 'local');
  });

  afterAll(async () => {
    if (workstation !== undefined) await cluster.fault('mend', workstation.name);
    await stack.disposeAsync();
    process.stdout.write(`${times.join('\n')}\n`);
  });

  const status = async (): Promise<Status> => JSON.parse(await workstation.ok(['status', '--output', 'json'])) as Status;

  /** Cuts the link for a while; returns when it was cut and mended, in ms since the epoch. */
  async function without(fault: string, ms: number, meanwhile: () => Promise<void>): Promise<{ cut: number; mending: number; mended: number }> {
    await cluster.fault(fault, workstation.name);
    const cut = Date.now();
    let mending = 0;
    try {
      await Promise.all([passed(ms), meanwhile()]);
    } finally {
      mending = Date.now();
      await cluster.fault('mend', workstation.name);
    }
    return { cut, mending, mended: Date.now() };
  }

  async function tellsTheTruth(): Promise<void> {
    await passed(5_000);
    const { user_daemon: daemon } = await status();
    expect(daemon.status.toLowerCase()).toContain('reconnecting');
    expect(JSON.stringify(daemon.intercepts)).toContain('no connection');
    // the API server is behind the same line: `list` says that it knows nothing, and says it soon
    const listed = await workstation.telepresence(['list'], { timeoutMs: Math.min(60_000, within(8_000)) });
    expect([listed.code, listed.stdout, listed.stderr]).toEqual([1, '', expect.stringMatching(/TP-TUNNEL-LOST|TP-KUBE-UNREACHABLE/)]);
  }

  /** Milliseconds from `since` until it is as before; then it has been so for longer than anything that is still to come. */
  async function backAfter(since: number, load: Load, good: Parameters<typeof settledAfter>[2]): Promise<number> {
    const look = async (): Promise<number | undefined> => {
      const took = settledAfter(await load.samples(), since, good);
      return Date.now() - since > took + 4_000 ? took : undefined;
    };
    return eventually('all is answered as before', look, 60_000);
  }

  async function judge(name: string, { cut, mending, mended }: { cut: number; mending: number; mended: number }): Promise<void> {
    await passed(8_000);
    const back = note(`${name}: intercepted again after mend`, await backAfter(mended, inward, answeredBy('local')));
    const outbound = note(`${name}: outbound again after mend`, await backAfter(mended, outward, answered));
    const [into, out] = await Promise.all([inward.samples(), outward.samples()]);
    const app = note(
      `${name}: the cluster's app answers after the loss`,
      settledAfter(
        into.filter(({ start }) => start < mending - 500),
        cut,
        answeredBy('web'),
      ),
    );
    noteLost(`${name}: lost of those to the intercepted service`, bad(into, cut, mended + 8_000, answered).length);
    const { user_daemon: daemon } = await status();
    expect(daemon.status.toLowerCase()).toContain('connected');
    expect(daemon.status.toLowerCase()).not.toContain('reconnecting');
    expect(await workstation.ok(['list'])).toMatch(/^web: intercepted[\s\S]*State *: ACTIVE/m);
    const late = [...bad(into, cut + 5_000, mending - 500, answeredBy('web')), ...bad(into, mended + 3_000, Date.now(), answeredBy('local'))];
    const trouble = [...late, ...bad(out, mended + 3_000, Date.now(), answered)];
    expect({ app: app <= within(5_000), back: back <= within(3_000), outbound: outbound <= within(3_000) }, shown(trouble, mended)).toEqual({
      app: true,
      back: true,
      outbound: true,
    });
  }

  it.each(['cut', 'blackhole'])('is back within 3 s of the end of a short %s, and its open connections go on', async (fault) => {
    await using held = workstation.background('node', ['-e', HOLD]);
    await eventually('the connection is used', async () => held.output().includes('answer'));
    const times = await without(fault, VOLUME.shortLossMs, tellsTheTruth);
    const before = held.output().length;
    await judge(`${VOLUME.shortLossMs / 1_000} s of ${fault}`, times);
    expect(held.output()).not.toContain('end');
    // TCP tries again after as long as the line was away, and on a busy machine that was longer
    await eventually('the connection goes on', async () => held.output().length > before, Math.min(60_000, within(15_000)));
  });

  it.each(['cut', 'blackhole'])('is back within 3 s of the end of a long %s', async (fault) => {
    await judge(`${VOLUME.longLossMs / 1_000} s of ${fault}`, await without(fault, VOLUME.longLossMs, tellsTheTruth));
  });

  /** As if the workstation had been away for an hour: the manager's own record of the loss says so. */
  async function anHourAway(meanwhile: () => Promise<void>): Promise<number> {
    const { session } = (await status()).user_daemon;
    await cluster.fault('blackhole', workstation.name);
    try {
      await eventually(
        'the loss is known',
        async () => (await cluster.kubectl(['-n', 'ambassador', 'get', 'sessions.telepresence.io', session, '-o', 'jsonpath={.status.lostAt}'])) !== '',
      );
      const lostAt = new Date(Date.now() - 3_600_000).toISOString();
      await cluster.kubectl([
        '--as=system:serviceaccount:ambassador:traffic-manager',
        '-n',
        'ambassador',
        'patch',
        'sessions.telepresence.io',
        session,
        '--subresource=status',
        '--type=merge',
        '-p',
        JSON.stringify({ status: { lostAt } }),
      ]);
      await meanwhile();
    } finally {
      await cluster.fault('mend', workstation.name);
    }
    return Date.now();
  }
  const state = async (): Promise<string> => (await status()).user_daemon.intercepts?.[0]?.state ?? '';

  it('resumes its intercept after an hour if nobody took its place', async () => {
    const mended = await anHourAway(() => passed(2_000));
    expect(note('an hour away: intercepted again after mend', await backAfter(mended, inward, answeredBy('local')))).toBeLessThanOrEqual(within(3_000));
    expect(await state()).toBe('ACTIVE');
  });

  it('is told who took its place after an hour, and gets it back when that one leaves', async () => {
    await using other = await cluster.workstation('faults2');
    await using _service = other.background('node', ['-e', SERVE('other', 8080)]);
    await other.ok(['connect', '-n', 'faults']);
    await anHourAway(async () => {
      await other.ok(['intercept', 'web', '--port', '8080']);
      await eventually('the other workstation answers', async () => (await inward.samples()).at(-1)?.who === 'other');
    });
    await eventually('the first is told', async () => /^ERROR: Port http of Deployment web is intercepted by \S+@\S+/.test(await state()));
    expect((await inward.samples()).at(-1)?.who).toBe('other');
    await other.ok(['leave', 'web']);
    const left = Date.now();
    await eventually('the first has it again', async () => (await state()) === 'ACTIVE');
    expect(note('after the other one left: intercepted again', await backAfter(left, inward, answeredBy('local')))).toBeLessThanOrEqual(within(3_000));
  });
});
