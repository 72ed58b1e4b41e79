/** Intercepted connections that come straight from the agent: with whom they do, and what they are worth when no manager runs. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { echoApp } from './apps/echo.ts';
import { SHARE } from './apps/load.ts';
import { clusterAvailable, startCluster, type TestCluster, testNamespace } from './harness/cluster.ts';
import { answered, answeredBy, bad, loadFromCluster, passed } from './harness/load.ts';
import { eventually } from './harness/run.ts';
import type { Workstation } from './harness/workstation.ts';

const NAMESPACE = 'direct';
const SERVE = `require('http').createServer((q, r) => r.end('local \\n')).listen(8080, '127.0.0.1')`;

describe.skipIf(!clusterAvailable)('direct connections (needs root and the test cluster)', () => {
  let cluster: TestCluster;
  const stack = new AsyncDisposableStack();

  beforeAll(async () => {
    cluster = await startCluster();
    stack.use(await testNamespace(cluster, NAMESPACE));
    await cluster.apply(echoApp({ name: 'web', namespace: NAMESPACE, container: SHARE }));
    await cluster.kubectl(['-n', NAMESPACE, 'rollout', 'status', 'deployment/web', '--timeout=60s']);
  });
  afterAll(() => stack.disposeAsync());

  const directPods = async (workstation: Workstation): Promise<number> => {
    const status = JSON.parse(await workstation.ok(['status', '--output', 'json'])) as { traffic_manager: { direct_pods: number } };
    return status.traffic_manager.direct_pods;
  };

  it('keep an intercept on while no traffic-manager runs', async () => {
    await using workstation = await cluster.workstation('direct');
    await using _service = workstation.background('node', ['-e', SERVE]);
    await workstation.ok(['connect', '-n', NAMESPACE], { timeoutMs: 120_000 });
    const replicas = await cluster.kubectl(['-n', 'ambassador', 'get', 'deployment/traffic-manager', '-o', 'jsonpath={.spec.replicas}']);
    await workstation.ok(['intercept', 'web', '--port', '8080']);
    await using load = await loadFromCluster(cluster, 'load', NAMESPACE, { url: 'http://web/', rate: 20, limitMs: 5_000 });
    await eventually('the process on the workstation answers', async () => (await load.samples()).at(-1)?.who === 'local');
    await eventually('the agent is directly connected', async () => (await directPods(workstation)) === 1);

    const since = Date.now();
    await cluster.kubectl(['-n', 'ambassador', 'scale', 'deployment/traffic-manager', '--replicas=0']);
    try {
      await eventually(
        'no manager is left',
        async () => (await cluster.kubectl(['-n', 'ambassador', 'get', 'pods', '-l', 'app=traffic-manager', '-o', 'name'])).trim() === '',
        60_000,
      );
      await passed(4_000);
    } finally {
      await cluster.kubectl(['-n', 'ambassador', 'scale', 'deployment/traffic-manager', `--replicas=${replicas}`]);
    }
    await cluster.kubectl(['-n', 'ambassador', 'rollout', 'status', 'deployment/traffic-manager', '--timeout=90s'], { timeoutMs: 100_000 });
    const until = Date.now();
    const samples = await load.samples();
    expect(bad(samples, since, until, answered)).toEqual([]);
    expect(bad(samples, since, until, answeredBy('local'))).toEqual([]);
    await eventually('the workstation is connected again', async () => /"connected": true/.test(await workstation.ok(['status', '--output', 'json'])), 30_000);
    await workstation.ok(['leave', 'web']);
    await eventually('the app answers', async () => (await load.samples()).at(-1)?.who === 'web');
    expect(bad(await load.samples(), since, Date.now(), answered)).toEqual([]);
    await workstation.ok(['quit', '-s']);
  }, 180_000);

  it('are not used where the user does not want them', async () => {
    await using workstation = await cluster.workstation('direct2');
    const folder = path.join(workstation.home, '.config/telepresence');
    await mkdir(folder, { recursive: true });
    await writeFile(path.join(folder, 'config.yml'), 'intercept:\n  direct: false\n');
    await using _service = workstation.background('node', ['-e', SERVE]);
    await workstation.ok(['connect', '-n', NAMESPACE]);
    await workstation.ok(['intercept', 'web', '--port', '8080']);
    await using load = await loadFromCluster(cluster, 'load2', NAMESPACE, { url: 'http://web/', rate: 20, limitMs: 5_000 });
    await eventually('the process on the workstation answers', async () => (await load.samples()).at(-1)?.who === 'local');
    await passed(2_000);
    expect(await directPods(workstation)).toBe(0);
    await workstation.ok(['quit', '-s']);
  }, 120_000);
});
