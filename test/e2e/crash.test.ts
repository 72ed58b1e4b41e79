/**
 * However the programs on the workstation die, the workstation is as it was before `connect` within 2 s, ordinary DNS works, and the
 * next `connect` and `intercept` work at once, while the cluster's own app answers again.
 */
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { echoApp } from './apps/echo.ts';
import { SHARE } from './apps/load.ts';
import { clusterAvailable, startCluster, type TestCluster, testNamespace } from './harness/cluster.ts';
import { answered, answeredBy, bad, type Load, loadFromCluster, passed, settledAfter } from './harness/load.ts';
import { eventually } from './harness/run.ts';
import type { Workstation } from './harness/workstation.ts';

/** Pids of this workstation's programs: the daemon, netd, and netd's nft child. */
async function pidsOf(workstation: Workstation): Promise<{ daemon: number; netd: number; nft: number }> {
  const { stdout } = await workstation.run('ip', ['netns', 'pids', `lab-${workstation.name}`]);
  const found: { daemon?: number; netd?: number; nft?: number } = {};
  for (const pid of stdout.split('\n').filter((line) => line !== '')) {
    const argv = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0');
    if (argv.some((word) => /daemon\.(ts|mjs)$/.test(word))) found.daemon = Number(pid);
    else if (argv.some((word) => /netd\.(ts|mjs)$/.test(word)) && !argv.includes('sudo')) found.netd = Number(pid);
    else if (argv[0]?.endsWith('nft')) found.nft = Number(pid);
  }
  if (found.daemon === undefined || found.netd === undefined || found.nft === undefined) throw new Error(`not all programs run: ${JSON.stringify(found)}`);
  return { daemon: found.daemon, netd: found.netd, nft: found.nft };
}

const VICTIMS = ['daemon', 'netd', 'nft', 'all'] as const;

describe.skipIf(!clusterAvailable)('kill -9 (needs root and the test cluster)', () => {
  let cluster: TestCluster;
  let workstation: Workstation;
  let namespace: Awaited<ReturnType<typeof testNamespace>>;
  let before: string;
  let load: Load;
  const times: string[] = [];

  beforeAll(async () => {
    cluster = await startCluster();
    namespace = await testNamespace(cluster, 'crash');
    await cluster.apply(echoApp({ name: 'web', namespace: 'crash', container: SHARE }));
    await cluster.kubectl(['-n', 'crash', 'rollout', 'status', 'deployment/web', '--timeout=60s']);
    workstation = await cluster.workstation('crash');
    before = await workstation.networkState();
    load = await loadFromCluster(cluster, 'load', 'crash', { url: 'http://web/', rate: 50, limitMs: 5_000 });
  });

  afterAll(async () => {
    await workstation?.[Symbol.asyncDispose]();
    await load?.[Symbol.asyncDispose]();
    await namespace?.[Symbol.asyncDispose]();
    process.stdout.write(`${times.join('\n')}\n`);
  });

  it.each(VICTIMS)('of %s leaves the workstation and the service as they were', async (victim) => {
    await workstation.ok(['connect', '-n', 'crash']);
    expect(await workstation.networkState()).not.toBe(before);
    await using _service = workstation.background('node', ['-e', `require('http').createServer((q, r) => r.end('local \\n')).listen(8080, '127.0.0.1')`]);
    await workstation.ok(['intercept', 'web', '--port', '8080']);
    const lastAnswer = async (): Promise<string | undefined> => (await load.samples()).at(-1)?.who;
    await eventually('the process on the workstation answers', async () => (await lastAnswer()) === 'local');

    const pids = await pidsOf(workstation);
    for (const pid of victim === 'all' ? Object.values(pids) : [pids[victim]]) process.kill(pid, 'SIGKILL');
    const killed = Date.now();

    await eventually('the network is as before', async () => (await workstation.networkState()) === before, 2_500);
    times.push(`kill -9 of ${victim}: the network is as before after ${Date.now() - killed} ms`);
    expect((await workstation.shell('getent hosts outside.test')).stdout).toContain('198.18.0.1');
    await passed(Math.max(0, killed + 3_000 - Date.now()));
    const samples = (await load.samples()).filter(({ start }) => start >= killed);
    const app = settledAfter(samples, killed, answeredBy('web'));
    times.push(
      `kill -9 of ${victim}: the cluster's app answers after ${app} ms, ${bad(samples, killed, killed + 3_000, answered).length} of ${samples.length} requests lost`,
    );
    expect(app).toBeLessThanOrEqual(2_000);

    const again = Date.now();
    await workstation.ok(['connect', '-n', 'crash']);
    await workstation.ok(['intercept', 'web', '--port', '8080']);
    times.push(`kill -9 of ${victim}: connect and intercept again take ${Date.now() - again} ms`);
    await eventually('the process on the workstation answers again', async () => (await lastAnswer()) === 'local');
    await workstation.ok(['quit', '-s']);
    expect(await workstation.networkState()).toBe(before);
  });
});
