/**
 * For five minutes (a sandbox: seconds), out of a workstation and into it at once: streams that talk ten times a second while bulk flows
 * come and go beside them. Left out of a run on a real cluster without a pattern: `npm run e2e -- long-streams`.
 */
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { trafficApp, trafficClient } from './apps/traffic.ts';
import { PORT } from './apps/traffic-wire.ts';
import { clusterAvailable, startCluster, type TestCluster, testNamespace } from './harness/cluster.ts';
import { eventually } from './harness/run.ts';
import { VOLUME } from './harness/volume.ts';
import type { Workstation } from './harness/workstation.ts';

const NAMESPACE = 'long-streams';
const { streamSeconds: SECONDS, streamTurns: TURNS } = VOLUME;
const LIMIT_MS = (SECONDS + 120) * 1_000;
const programs = path.join(import.meta.dirname, 'apps');

interface Streams {
  lost?: string;
  turns: number;
}

describe.skipIf(!clusterAvailable)('streams that last (needs root and the test cluster)', () => {
  let cluster: TestCluster;
  let workstation: Workstation;
  let namespace: Awaited<ReturnType<typeof testNamespace>>;
  let local: AsyncDisposable | undefined;

  const outOfIt = async (what: string, host: string): Promise<unknown> => {
    const { code, stdout, stderr } = await workstation.run(process.execPath, [path.join(programs, 'traffic-client.ts'), what, host, String(SECONDS)], {
      timeoutMs: LIMIT_MS,
    });
    if (code !== 0) throw new Error(`${what} ended with ${code}: ${stderr}\n${await workstation.logTail()}`);
    return JSON.parse(stdout);
  };
  const inPod = async (what: string, host: string, seconds: number): Promise<unknown> =>
    JSON.parse(
      await cluster.kubectl(['-n', NAMESPACE, 'exec', 'client', '--', '/app/node', '/srv/client.cjs', what, host, String(seconds)], { timeoutMs: LIMIT_MS }),
    );

  beforeAll(async () => {
    cluster = await startCluster();
    namespace = await testNamespace(cluster, NAMESPACE);
    await cluster.apply(await trafficApp({ name: 'traffic', namespace: NAMESPACE }));
    await cluster.apply(await trafficApp({ name: 'taken', namespace: NAMESPACE }));
    await cluster.apply(await trafficClient({ name: 'client', namespace: NAMESPACE }));
    for (const name of ['traffic', 'taken']) await cluster.kubectl(['-n', NAMESPACE, 'rollout', 'status', `statefulset/${name}`, '--timeout=60s']);
    await cluster.kubectl(['-n', NAMESPACE, 'wait', 'pod/client', '--for=condition=Ready', '--timeout=60s']);
    workstation = await cluster.workstation('long');
    await workstation.ok(['connect', '-n', NAMESPACE]);
    local = workstation.background(process.execPath, [path.join(programs, 'traffic-server.ts')], { APP_NAME: 'local' });
    await workstation.ok(['intercept', 'taken', '--service', 'taken', '--port', `${PORT.http}:http`, '--mount=false']);
    await workstation.ok(['intercept', 'taken-grpc', '--workload', 'taken', '--service', 'taken', '--port', `${PORT.grpc}:grpc`, '--mount=false']);
  });

  afterAll(async () => {
    await local?.[Symbol.asyncDispose]();
    await workstation?.[Symbol.asyncDispose]();
    await namespace?.[Symbol.asyncDispose]();
  });

  it(
    'keeps WebSockets, gRPC streams and a silent connection open while bulk flows run, out of the workstation and into it',
    async () => {
      await eventually('requests from the pod reach the workstation', async () =>
        ((await inPod('name', 'taken', 0)) as { text: string }).text.startsWith('local'),
      );
      const [out, into, silent] = await Promise.all([outOfIt('streams', 'traffic'), inPod('streams', 'taken', SECONDS), outOfIt('idle', 'traffic')]);
      for (const { lost, turns } of [out, into] as Streams[]) {
        expect(lost).toBeUndefined();
        expect(turns).toBeGreaterThan(TURNS);
      }
      expect(silent).toEqual({ text: 'still there' });
      expect(((await inPod('name', 'taken', 0)) as { text: string }).text).toMatch(/^local/);
    },
    LIMIT_MS,
  );
});
