/**
 * Parts of the cluster that fail or are replaced while an intercept is on and requests come: replicas of the manager, the API server,
 * the workload's own pods. What is not intercepted loses nothing; what is comes back by itself.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { within } from '../helpers/measured.ts';
import { echoApp } from './apps/echo.ts';
import { SHARE } from './apps/load.ts';
import { clusterAvailable, startCluster, type TestCluster, testNamespace } from './harness/cluster.ts';
import { answered, answeredBy, bad, type Load, loadFromCluster, loadFromWorkstation, passed, settledAfter } from './harness/load.ts';
import { managerPid, managerPods } from './harness/manager.ts';
import { clientOfVersion } from './harness/other-version.ts';
import { eventually } from './harness/run.ts';
import type { Workstation } from './harness/workstation.ts';

const RATE = 50;
/** Starts of containers differ by so much from one to the next on a busy machine. */
const NOISE_SECONDS = 1.5;
const SERVE = `require('http').createServer((q, r) => r.end('local \\n')).listen(8080, '127.0.0.1')`;

describe.skipIf(!clusterAvailable)('with an intercept on and 50 requests a second (needs root and the test cluster)', () => {
  let cluster: TestCluster;
  let workstation: Workstation;
  const stack = new AsyncDisposableStack();
  /** To the intercepted service; to one with agents and no intercept; to that one through the tunnel. */
  let intercepted: Load;
  let idle: Load;
  let outward: Load;
  const times: string[] = [];

  beforeAll(async () => {
    cluster = await startCluster();
    stack.use(await testNamespace(cluster, 'faults-manager'));
    for (const name of ['web', 'plain'])
      await cluster.apply(echoApp({ name, namespace: 'faults-manager', replicas: name === 'plain' ? 2 : 1, container: SHARE }));
    for (const name of ['web', 'plain']) await cluster.kubectl(['-n', 'faults-manager', 'rollout', 'status', `deployment/${name}`, '--timeout=60s']);
    workstation = stack.use(await cluster.workstation('faultsm'));
    stack.use(workstation.background('node', ['-e', SERVE]));
    await workstation.ok(['connect', '-n', 'faults-manager']);
    await workstation.ok(['intercept', 'plain', '--port', '8080']);
    await workstation.ok(['leave', 'plain']);
    await workstation.ok(['intercept', 'web', '--port', '8080']);
    intercepted = stack.use(await loadFromCluster(cluster, 'load', 'faults-manager', { url: 'http://web/', rate: RATE, limitMs: 5_000 }));
    idle = stack.use(await loadFromCluster(cluster, 'load-idle', 'faults-manager', { url: 'http://plain/', rate: RATE, limitMs: 5_000 }));
    outward = stack.use(await loadFromWorkstation(workstation, { url: 'http://plain/', rate: RATE, limitMs: 12_000 }));
    await eventually('the process on the workstation answers', async () => (await intercepted.samples()).at(-1)?.who === 'local');
    await passed(2_000);
  });

  afterAll(async () => {
    await stack.disposeAsync();
    process.stdout.write(`${times.join('\n')}\n`);
  });

  const managers = (): Promise<string[]> => managerPods(cluster);
  const rolledOut = (namespace: string, name: string): Promise<string> =>
    cluster.kubectl(['-n', namespace, 'rollout', 'status', `deployment/${name}`, '--timeout=90s'], { timeoutMs: 100_000 });

  /** What became of the requests since then. */
  async function outcome(what: string, since: number) {
    const [web, plain, out] = await Promise.all([intercepted.samples(), idle.samples(), outward.samples()]);
    const until = Date.now();
    const found = {
      back: settledAfter(web, since, answeredBy('local')),
      lost: bad(web, since, until, answered).length,
      byApp: bad(web, since, until, answeredBy('local')).length - bad(web, since, until, answered).length,
      idleLost: bad(plain, since, until, answered).length,
      outBack: settledAfter(out, since, answered),
      outLost: bad(out, since, until, answered).length,
      asked: web.filter(({ start }) => start >= since).length,
    };
    times.push(
      `${what}: intercepted again after ${Math.round(found.back)} ms, ${found.lost} of ${found.asked} lost, ${found.byApp} answered by the app meanwhile; not intercepted: ${found.idleLost} lost; outbound: settled after ${Math.round(found.outBack)} ms, ${found.outLost} lost`,
    );
    return found;
  }

  it.each([
    ['gracefully', []],
    ['at once', ['--grace-period=0', '--force']],
  ])('a manager pod that is deleted %s takes nothing with it but its own streams', async (how, flags) => {
    const [victim] = await managers();
    const since = Date.now();
    await cluster.kubectl(['-n', 'ambassador', 'delete', `pod/${victim}`, '--wait=false', ...flags]);
    await passed(8_000);
    const found = await outcome(`manager pod deleted ${how}`, since);
    await rolledOut('ambassador', 'traffic-manager');
    expect(found.back).toBeLessThanOrEqual(within(3_000));
    expect(found.lost + found.byApp).toBeLessThanOrEqual(RATE);
    expect(found.idleLost).toBe(0);
    expect(found.outLost).toBeLessThanOrEqual(how === 'gracefully' ? 0 : RATE / 5);
  });

  it.each([
    ['frozen', 'SIGSTOP'],
    ['killed', 'SIGKILL'],
  ] as const)('a manager that is %s takes nothing with it but its own streams', async (how, signal) => {
    const [victim = ''] = await managers();
    const pid = await managerPid(victim);
    const since = Date.now();
    process.kill(pid, signal);
    await passed(8_000);
    const found = await outcome(`manager ${how}`, since);
    if (signal === 'SIGSTOP') process.kill(pid, 'SIGCONT');
    await rolledOut('ambassador', 'traffic-manager');
    expect(found.idleLost).toBe(0);
    expect(found.back).toBeLessThanOrEqual(within(how === 'killed' ? 3_000 : 7_000));
    if (how === 'killed') expect(found.lost + found.byApp).toBeLessThanOrEqual(RATE);
  });

  it.each([
    ['deleted', 3_000],
    ['killed', 5_000],
  ] as const)('the only manager that is %s is missed for a moment', async (how, limit) => {
    await cluster.kubectl(['-n', 'ambassador', 'scale', 'deployment/traffic-manager', '--replicas=1']);
    await eventually('one is left', async () => (await managers()).length === 1, 60_000);
    await passed(3_000);
    const [victim = ''] = await managers();
    const since = Date.now();
    try {
      if (how === 'deleted') await cluster.kubectl(['-n', 'ambassador', 'delete', `pod/${victim}`, '--wait=false']);
      else process.kill(await managerPid(victim), 'SIGKILL');
      await passed(10_000);
      const found = await outcome(`the only manager ${how}`, since);
      expect(found.back).toBeLessThanOrEqual(within(limit));
      expect(found.lost).toBeLessThanOrEqual(RATE);
      expect(found.idleLost).toBe(0);
    } finally {
      await cluster.kubectl(['-n', 'ambassador', 'scale', 'deployment/traffic-manager', '--replicas=2']);
      await rolledOut('ambassador', 'traffic-manager');
    }
  });

  it('a rolling upgrade of the manager fails no request', async () => {
    await passed(3_000);
    const since = Date.now();
    await cluster.kubectl(['-n', 'ambassador', 'rollout', 'restart', 'deployment/traffic-manager']);
    await rolledOut('ambassador', 'traffic-manager');
    await passed(6_000);
    const found = await outcome('rolling upgrade of the manager', since);
    expect(found).toMatchObject({ lost: 0, idleLost: 0, outLost: 0 });
    expect(found.byApp).toBeLessThanOrEqual(RATE);
  });

  it('a rolling upgrade of the agents fails no request', async () => {
    const since = Date.now();
    for (const name of ['web', 'plain']) await cluster.kubectl(['-n', 'faults-manager', 'rollout', 'restart', `deployment/${name}`]);
    for (const name of ['web', 'plain']) await rolledOut('faults-manager', name);
    await passed(6_000);
    const found = await outcome('rolling upgrade of the agents', since);
    expect(found).toMatchObject({ lost: 0, idleLost: 0, outLost: 0 });
  });

  it('a workstation of another version keeps working across a rolling upgrade', async () => {
    await using other = await clientOfVersion('0.0.9');
    await using old = await cluster.workstation('faultsv', { binary: other.binary });
    expect(await old.ok(['version'])).toContain('0.0.9');
    await cluster.apply(echoApp({ name: 'older', namespace: 'faults-manager', container: SHARE }));
    await rolledOut('faults-manager', 'older');
    await using _service = old.background('node', ['-e', SERVE]);
    await old.ok(['connect', '-n', 'faults-manager']);
    await old.ok(['intercept', 'older', '--port', '8080']);
    await using load = await loadFromCluster(cluster, 'load-older', 'faults-manager', { url: 'http://older/', rate: RATE, limitMs: 5_000 });
    await using out = await loadFromWorkstation(old, { url: 'http://plain/', rate: RATE, limitMs: 12_000 });
    await eventually('the older workstation answers', async () => (await load.samples()).at(-1)?.who === 'local');
    await passed(2_000);
    const since = Date.now();
    await cluster.kubectl(['-n', 'ambassador', 'rollout', 'restart', 'deployment/traffic-manager']);
    await rolledOut('ambassador', 'traffic-manager');
    await passed(6_000);
    const [inwards, outwards] = await Promise.all([load.samples(), out.samples()]);
    const until = Date.now();
    const lost = bad(inwards, since, until, answered);
    const outLost = bad(outwards, since, until, answered);
    times.push(`rolling upgrade, workstation of another version: ${lost.length} lost, outbound ${outLost.length} lost`);
    expect({ lost, outLost }).toEqual({ lost: [], outLost: [] });
    expect(inwards.at(-1)?.who).toBe('local');
    expect(await old.ok(['list'])).toMatch(/older: intercepted/);
    await old.ok(['leave', 'older']);
    await old.ok(['intercept', 'older', '--port', '8080']);
    await old.ok(['quit', '-s']);
  }, 180_000);

  it('scaled 1→3→1→0→2, all pods’ requests come, and no more are lost than without an intercept', async () => {
    await cluster.apply(echoApp({ name: 'bare', namespace: 'faults-manager', container: SHARE }));
    await rolledOut('faults-manager', 'bare');
    await using bare = await loadFromCluster(cluster, 'load-bare', 'faults-manager', { url: 'http://bare/', rate: RATE, limitMs: 5_000 });
    const both = ['web', 'bare'];
    const scale = async (replicas: number): Promise<void> => {
      await cluster.kubectl(['-n', 'faults-manager', 'scale', ...both.map((name) => `deployment/${name}`), `--replicas=${replicas}`]);
      if (replicas > 0) for (const name of both) await rolledOut('faults-manager', name);
    };
    const lostOfBare = async (from: number): Promise<number> => bad(await bare.samples(), from, Date.now(), answered).length;
    const since = Date.now();
    for (const replicas of [3, 1]) {
      await scale(replicas);
      await passed(3_000);
    }
    const steady = await outcome('scaled 1→3→1', since);
    const steadyBare = await lostOfBare(since);
    expect(steady.lost).toBeLessThanOrEqual(steadyBare);
    const down = Date.now();
    await scale(0);
    await eventually(
      'no pod is left',
      async () => (await cluster.kubectl(['-n', 'faults-manager', 'get', 'pods', '-l', 'app in (web, bare)', '-o', 'name'])).trim() === '',
      60_000,
    );
    await scale(2);
    const ready = Date.now();
    await passed(6_000);
    const found = await outcome('scaled to 2 from 0, after the rollout', ready);
    const whole = await outcome('scaled 1→0→2, in all', down);
    const bareLost = await lostOfBare(down);
    times.push(`without an intercept: scaled 1→3→1 ${steadyBare} lost, 1→0→2 ${bareLost} lost`);
    expect(found.back).toBeLessThanOrEqual(within(3_000));
    expect(whole.lost).toBeLessThanOrEqual(bareLost + NOISE_SECONDS * RATE);
    await eventually('both pods are intercepted', async () => {
      const { stdout } = await workstation.telepresence(['status', '--output', 'json']);
      return stdout.includes('"ACTIVE"');
    });
  }, 180_000);

  it('is back within 5 s of the return of the API server', async () => {
    await cluster.fault('kill', 'kube-apiserver');
    await passed(300);
    await eventually('the API server is back', async () => (await cluster.kubectl(['get', '--raw', '/readyz'])) === 'ok', 60_000);
    const since = Date.now();
    await passed(9_000);
    const found = await outcome('API server killed', since);
    expect(found.back).toBeLessThanOrEqual(within(5_000));
    expect(found.outBack).toBeLessThanOrEqual(within(5_000));
    expect(found.idleLost).toBe(0);
  });
});
