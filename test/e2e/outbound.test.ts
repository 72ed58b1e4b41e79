/** From the workstation into the cluster: any program, any way a connection can behave, many at once, and beside a bulk flow. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MEASURED } from '../helpers/measured.ts';
import { trafficApp } from './apps/traffic.ts';
import { clusterAvailable, startCluster, type TestCluster, testNamespace } from './harness/cluster.ts';
import { ok, run } from './harness/run.ts';
import type { Workstation } from './harness/workstation.ts';

const NAMESPACE = 'outbound';
/** The server of the flow beside which small requests are measured. */
const FLOWS = 'flows';

interface Waits {
  p50: number;
  p99: number;
  requests: number;
}

const client = path.join(import.meta.dirname, 'apps/traffic-client.ts');

const NOBODY = 65_534;

/** Whether the user namespace that we are in has it: that of an ordinary user has none but himself (user_namespaces(7), uid_map). */
function hasUser(uid: number): boolean {
  return readFileSync('/proc/self/uid_map', 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .some(([first = 0, , count = 0]) => uid >= first && uid < first + count);
}

describe.skipIf(!clusterAvailable)('outbound (needs root and the test cluster)', () => {
  let cluster: TestCluster;
  let workstation: Workstation;
  let namespace: Awaited<ReturnType<typeof testNamespace>>;

  /** Runs the client program on the workstation. */
  const traffic = async (what: string, ...args: (string | number)[]): Promise<Record<string, unknown>> => {
    const { code, stdout, stderr } = await workstation.run(process.execPath, [client, what, 'traffic', ...args.map(String)], { timeoutMs: 420_000 });
    if (code !== 0) throw new Error(`${what} ended with ${code}: ${stderr}\n${await workstation.logTail()}`);
    return JSON.parse(stdout) as Record<string, unknown>;
  };

  beforeAll(async () => {
    cluster = await startCluster();
    namespace = await testNamespace(cluster, NAMESPACE);
    await cluster.apply(await trafficApp({ name: 'traffic', namespace: NAMESPACE }));
    if (MEASURED) await cluster.apply(await trafficApp({ name: FLOWS, namespace: NAMESPACE }));
    for (const name of MEASURED ? ['traffic', FLOWS] : ['traffic']) {
      await cluster.kubectl(['-n', NAMESPACE, 'rollout', 'status', `statefulset/${name}`, '--timeout=60s']);
    }
    workstation = await cluster.workstation('outbound');
    await workstation.ok(['connect', '-n', NAMESPACE]);
  });

  afterAll(async () => {
    await workstation?.[Symbol.asyncDispose]();
    await namespace?.[Symbol.asyncDispose]();
  });

  describe('a connection', () => {
    it('hears a server that speaks first', async () => {
      expect(await traffic('speaks-first')).toMatchObject({ text: '220 server speaks first\r\nHELO\r\n' });
    });

    it('gets the answer after the client has ended its side', async () => {
      const { text, expected, error } = await traffic('client-ends');
      expect([text, error]).toEqual([expected, undefined]);
    });

    it('carries what the client says after the server has ended its side', async () => {
      const { text, seen, expected } = await traffic('server-ends');
      expect([text, seen]).toEqual(['bye\n', expected]);
    });

    it('is reset when the server resets it', async () => {
      expect(await traffic('server-resets')).toMatchObject({ error: 'ECONNRESET' });
    });

    it('is reset at the server when the client resets it', async () => {
      expect(await traffic('client-resets')).toMatchObject({ '8086 error': 'ECONNRESET' });
    });

    it('is reset at once where nothing listens', async () => {
      const { error, ms } = await traffic('refused');
      expect(error).toBe('ECONNRESET');
      expect(ms).toBeLessThan(1_000);
    });

    it('may be silent for long', async () => {
      expect(await traffic('idle', 10)).toEqual({ text: 'still there' });
    });
  });

  describe('UDP', () => {
    it.each([1, 1_400, 60_000, 65_507])('echoes a datagram of %i bytes', async (bytes) => {
      expect(await traffic('udp', bytes)).toMatchObject({ same: true });
    });

    it('tells a connected socket that nothing listens', async () => {
      expect(await traffic('udp-refused')).toMatchObject({ error: 'ECONNREFUSED' });
    });
  });

  it('moves 64 uploads and 64 downloads of 16 MiB at once, byte for byte', async () => {
    expect(await traffic('bulk', 64, 16 * 2 ** 20)).toMatchObject({ wrong: 0 });
  }, 420_000);

  it('refuses none of 10,000 short connections', async () => {
    expect(await traffic('short', 10_000, 64)).toMatchObject({ failed: {} });
  }, 420_000);

  it('refuses none of 1,000 connections made in one burst', async () => {
    expect(await traffic('short', 1_000, 1_000)).toMatchObject({ failed: {} });
  });

  it('keeps a WebSocket and a gRPC stream open while bulk flows run', async () => {
    const { lost, turns } = await traffic('streams', 20);
    expect(lost).toBeUndefined();
    expect(turns).toBeGreaterThan(40);
  });

  it('answers small requests while a bulk flow runs', async () => {
    const { beside, bulkMiBs } = (await traffic('beside', 3)) as { beside: Waits; bulkMiBs: number };
    expect(bulkMiBs).toBeGreaterThan(1);
    expect(beside.requests).toBeGreaterThan(5);
  });

  it.skipIf(!MEASURED).for(['down', 'up'])(
    'answers small requests beside a bulk flow %s within 50 ms at the 99th percentile (measured: npm run e2e -- all)',
    async (direction, { skip }) => {
      const { alone, beside, bulkMiBs } = (await traffic('beside', 8, FLOWS, direction)) as { alone: Waits; beside: Waits; bulkMiBs: number };
      process.stdout.write(
        `a small request beside ${Math.round(bulkMiBs)} MiB/s ${direction}: ${[beside.p50, beside.p99].map((ms) => ms.toFixed(1)).join(', ')} ms at the median and the 99th percentile; alone ${[alone.p50, alone.p99].map((ms) => ms.toFixed(1)).join(', ')} ms\n`,
      );
      skip(alone.p99 > 15, `a small request alone takes ${Math.round(alone.p99)} ms: this machine is too busy to tell what a flow costs it`);
      expect(bulkMiBs).toBeGreaterThan(5);
      expect(beside.requests).toBeGreaterThan(50);
      expect(beside.p99).toBeLessThan(50);
    },
  );

  describe('any program:', () => {
    it('one of pure Go, which asks and dials by itself', async () => {
      const { stdout, stderr } = await workstation.run('kubectl', [
        '--server=https://kubernetes.default',
        '--insecure-skip-tls-verify',
        'get',
        '--raw',
        '/version',
      ]);
      expect(stdout, stderr).toContain('gitVersion');
    });

    it('a static one of BusyBox', async () => {
      const { stdout, stderr } = await workstation.run('busybox', ['wget', '-qO-', 'http://traffic:8080/']);
      expect(stdout, stderr).toBe('traffic traffic-0\n');
    });

    it('one that uses a raw pod address', async () => {
      const address = await cluster.kubectl(['-n', NAMESPACE, 'get', 'pod', 'traffic-0', '-o', 'jsonpath={.status.podIP}']);
      expect((await workstation.run('curl', ['-s', '--max-time', '5', `http://${address}:8080/`])).stdout).toBe('traffic traffic-0\n');
    });

    it('the shell’s own sockets', async () => {
      const { stdout } = await workstation.shell('exec 3<>/dev/tcp/traffic/8082; head -1 <&3');
      expect(stdout).toBe('220 server speaks first\r\n');
    });

    it('a root-less one', async ({ skip }) => {
      skip(!hasUser(NOBODY), 'this user namespace has no other user');
      const { stdout, stderr } = await run('ip', [
        'netns',
        'exec',
        `lab-${workstation.name}`,
        'setpriv',
        `--reuid=${NOBODY}`,
        `--regid=${NOBODY}`,
        '--clear-groups',
        'curl',
        '-s',
        '--max-time',
        '5',
        'http://traffic:8080/',
      ]);
      expect(stdout, stderr).toBe('traffic traffic-0\n');
    });
  });

  it('fails within 15 s for an address inside the service range that is nobody’s', async () => {
    const started = performance.now();
    const { code } = await workstation.run('curl', ['-s', '--max-time', '20', 'http://10.96.255.254:81/']);
    expect(code).not.toBe(0);
    expect(performance.now() - started).toBeLessThan(15_000);
  });

  it('leaves the API server’s own address alone', async () => {
    const { stdout } = await workstation.shell(
      `curl -sk --max-time 5 ${cluster.server}/version; ip route get $(echo ${cluster.server} | grep -oE '[0-9.]+' | head -1)`,
    );
    expect(stdout).toMatch(/Unauthorized|gitVersion/);
    expect(stdout).toContain('dev eth0');
  });

  it('goes on while the workstation’s own network changes', async () => {
    const outer = `lab-${workstation.name}`;
    await ok('ip', ['-n', outer, 'link', 'add', 'other0', 'type', 'bridge']);
    await ok('ip', ['-n', outer, 'addr', 'add', '192.0.2.1/24', 'dev', 'other0']);
    await ok('ip', ['-n', outer, 'link', 'set', 'other0', 'up']);
    expect(await traffic('speaks-first')).toMatchObject({ text: '220 server speaks first\r\nHELO\r\n' });
    await ok('ip', ['-n', outer, 'link', 'del', 'other0']);
    expect(await traffic('udp', 100)).toMatchObject({ same: true });
  });
});
