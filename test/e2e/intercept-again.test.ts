/** The same intercept again and again, as a script does it: each is there when the command says so, with the environment, and nothing of the one before. */
import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { echoApp } from './apps/echo.ts';
import { clusterAvailable, startCluster, testNamespace } from './harness/cluster.ts';
import { eventually } from './harness/run.ts';
import type { Workstation } from './harness/workstation.ts';

const NAMESPACE = 'again';
const ROUNDS = 20;
const LOCAL = `require('http').createServer((req, res) => res.end('workstation ' + req.url)).listen(8080, '127.0.0.1')`;

describe.skipIf(!clusterAvailable)('an intercept, left and made again (needs root and the test cluster)', () => {
  const cleanUp = new AsyncDisposableStack();
  let workstation: Workstation;

  beforeAll(async () => {
    const cluster = await startCluster();
    workstation = await cluster.workstation('again');
    cleanUp.use(workstation);
    cleanUp.use(await testNamespace(cluster, NAMESPACE));
    await cluster.apply(echoApp({ name: 'web', namespace: NAMESPACE, env: [{ name: 'GREETING', value: 'good day' }] }));
    await cluster.kubectl(['-n', NAMESPACE, 'rollout', 'status', 'deployment/web', '--timeout=60s']);
    await workstation.ok(['connect', '--namespace', NAMESPACE], { timeoutMs: 120_000 });
    cleanUp.use(workstation.background(process.execPath, ['-e', LOCAL]));
    await eventually('the local service answers', async () => (await workstation.shell('curl -s http://127.0.0.1:8080/')).stdout !== '');
  }, 300_000);

  afterAll(async () => {
    await cleanUp.disposeAsync();
  }, 120_000);

  it(`is active, with the pod's environment, ${ROUNDS} times`, async () => {
    const envFile = path.join(workstation.home, 'web.env');
    for (let round = 1; round <= ROUNDS; round++) {
      const made = await workstation.ok(['intercept', 'web', '--port', '8080', '--env-file', envFile, '--mount=false']);
      expect(made).toMatch(/State *: ACTIVE/);
      expect((await readFile(envFile, 'utf8')).split('\n')).toContain('GREETING=good day');
      await rm(envFile);
      expect((await workstation.shell(`curl -s --max-time 10 http://web.${NAMESPACE}/${round}`)).stdout).toBe(`workstation /${round}`);
      await workstation.ok(['leave', 'web']);
    }
    expect(await workstation.ok(['list'])).toContain('web: ready to intercept (traffic-agent already installed)');
    await eventually('the app answers', async () => (await workstation.shell(`curl -s --max-time 10 http://web.${NAMESPACE}/`)).stdout.startsWith('web '));
  }, 240_000);
});
