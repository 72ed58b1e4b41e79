/** Bad input: each with its coded error, a sentence that says what to do, an exit code that is not 0, and nothing changed. */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { echoApp } from './apps/echo.ts';
import { clusterAvailable, startCluster, type TestCluster, testNamespace } from './harness/cluster.ts';
import { type Finished, ok } from './harness/run.ts';
import type { Workstation } from './harness/workstation.ts';

describe.skipIf(!clusterAvailable)('bad input (needs root and the test cluster)', () => {
  let cluster: TestCluster;
  let workstation: Workstation;
  let namespace: Awaited<ReturnType<typeof testNamespace>>;
  let before: string;

  beforeAll(async () => {
    cluster = await startCluster();
    namespace = await testNamespace(cluster, 'bad-input');
    await cluster.apply(echoApp({ name: 'web', namespace: 'bad-input' }));
    await cluster.apply(
      echoApp({
        name: 'several',
        namespace: 'bad-input',
        service: {
          ports: [
            { name: 'http', port: 80, targetPort: 'http' },
            { name: 'admin', port: 81, targetPort: 'http' },
          ],
        },
      }),
    );
    await cluster.kubectl(['-n', 'bad-input', 'rollout', 'status', 'deployment/web', '--timeout=60s']);
    workstation = await cluster.workstation('bad');
    before = await workstation.networkState();
  });

  afterAll(async () => {
    await workstation?.[Symbol.asyncDispose]();
    await namespace?.[Symbol.asyncDispose]();
  });

  const expectError = async (finished: Finished, code: string, ...words: RegExp[]): Promise<void> => {
    expect(finished.stderr).toContain(code);
    for (const word of words) expect(finished.stderr).toMatch(word);
    expect(finished.code).toBe(1);
    expect(finished.stderr).not.toContain('    at ');
  };

  describe('of connect', () => {
    const refused = async (args: string[], code: string, ...words: RegExp[]): Promise<void> => {
      await expectError(await workstation.telepresence(['connect', ...args]), code, ...words);
      expect(await workstation.networkState()).toBe(before);
    };

    it('no kubeconfig', () => refused(['--kubeconfig', '/nowhere/config'], 'TP-KUBE-NO-CONFIG', /\/nowhere\/config/));

    it('a kubeconfig that is not one', async () => {
      const file = path.join(workstation.home, 'broken.conf');
      await writeFile(file, 'clusters: [{');
      await refused(['--kubeconfig', file], 'TP-KUBE-BAD-CONFIG', /broken\.conf/);
    });

    it('an unknown context, with the ones there are', () => refused(['--context', 'nope'], 'TP-KUBE-NO-CONTEXT', /nope/, /default/));

    it('an API server that refuses connections', () => refused(['--server', 'https://198.18.0.1:9'], 'TP-KUBE-UNREACHABLE', /198\.18\.0\.1:9/));

    it('an API server that does not answer, within its time limit', async () => {
      const started = performance.now();
      await refused(['--server', 'https://198.18.0.254:6443', '--request-timeout', '3s'], 'TP-KUBE', /198\.18\.0\.254/);
      expect(performance.now() - started).toBeLessThan(20_000);
    });

    it('an expired client certificate', async () => {
      const dir = workstation.home;
      await ok('openssl', [
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:prime256v1',
        '-nodes',
        '-subj',
        '/CN=late',
        '-keyout',
        `${dir}/late.key`,
        '-out',
        `${dir}/late.crt`,
        '-days',
        '1',
        '-not_before',
        '20200101000000Z',
        '-not_after',
        '20200102000000Z',
      ]).catch(() =>
        // openssl before 3.4 can't date a certificate by hand
        ok('openssl', [
          'req',
          '-new',
          '-newkey',
          'ec',
          '-pkeyopt',
          'ec_paramgen_curve:prime256v1',
          '-nodes',
          '-subj',
          '/CN=late',
          '-keyout',
          `${dir}/late.key`,
          '-out',
          `${dir}/late.csr`,
        ]).then(() => ok('openssl', ['x509', '-req', '-in', `${dir}/late.csr`, '-signkey', `${dir}/late.key`, '-out', `${dir}/late.crt`, '-days', '-1'])),
      );
      await refused(['--client-certificate', `${dir}/late.crt`, '--client-key', `${dir}/late.key`], 'TP-KUBE-CERTIFICATE', /expired/);
    });

    it('a user without the right to use the tunnel: which right, for whom', async () => {
      const carol = await cluster.user('carol');
      await refused(['--kubeconfig', carol], 'TP-', /carol/, /cannot|may not|missing/);
    });

    it('a namespace that is not there', () => refused(['-n', 'no-such-namespace'], 'TP-NAMESPACE-NOT-FOUND', /no-such-namespace/));

    it('a CIDR that is none', () => refused(['--also-proxy', '10.1.2.3/8'], 'TP-USAGE', /10\.1\.2\.3\/8/));

    it('local routes that overlap the cluster’s, before anything is set', async () => {
      // without link-local addresses, which would come a while later, by themselves
      await workstation.shell(
        `ip link add conflict type veth peer name conflict2 && ip addr add 10.96.7.1/24 dev conflict
for link in conflict conflict2; do ip link set $link addrgenmode none && ip link set $link up || exit 1; done`,
      );
      try {
        const now = await workstation.networkState();
        await expectError(await workstation.telepresence(['connect']), 'TP-SUBNET-CONFLICT', /10\.96\.7\.0\/24/, /conflict/);
        expect(await workstation.networkState()).toBe(now);
        await workstation.ok(['connect', '--allow-conflicting-subnets', '10.96.7.0/24']);
        await workstation.ok(['quit']);
      } finally {
        await workstation.shell('ip link del conflict');
      }
    });
  });

  describe('of intercept', () => {
    beforeAll(async () => {
      await workstation.ok(['connect', '-n', 'bad-input']);
    });
    afterAll(async () => {
      await workstation.telepresence(['quit']);
    });

    const refused = async (args: string[], code: string, ...words: RegExp[]): Promise<void> => {
      await expectError(await workstation.telepresence(['intercept', ...args]), code, ...words);
      expect(JSON.parse(await cluster.kubectl(['-n', 'bad-input', 'get', 'intercepts', '-o', 'json']))).toMatchObject({ items: [] });
    };

    it('no such workload or service, with those there are', () => refused(['nothing', '--port', '8080'], 'TP-WORKLOAD-NOT-FOUND', /nothing/, /several, web/));
    it('an unknown port, with those there are', () => refused(['web', '--port', '8080:https'], 'TP-PORT-UNKNOWN', /https/, /http = 80/));
    it('an ambiguous port, with the choices', () => refused(['several', '--port', '8080'], 'TP-PORT-AMBIGUOUS', /http = 80/, /admin = 81/));
    it('an unknown container, with those there are', () => refused(['web', '--port', '8080', '--container', 'x'], 'TP-CONTAINER-UNKNOWN', /app/));
    it('an unknown service', () => refused(['web', '--port', '8080', '--service', 'x'], 'TP-SERVICE-NOT-FOUND', /web/));
    it('a port that is no number', () => refused(['web', '--port', 'abc'], 'TP-USAGE', /abc/));

    it('a local port that another own intercept has', async () => {
      await workstation.ok(['intercept', 'web', '--port', '8080']);
      try {
        await expectError(await workstation.telepresence(['intercept', 'several', '--port', '8080:http']), 'TP-PORT-IN-USE', /8080/);
        await expectError(await workstation.telepresence(['intercept', 'web', '--port', '8081']), 'TP-INTERCEPT-EXISTS', /web/);
      } finally {
        await workstation.ok(['leave', 'web']);
      }
    });

    it('a full disk for --env-file: an error, the old file kept, the intercept left again', async () => {
      const dir = path.join(workstation.home, 'full');
      await ok('mkdir', ['-p', dir]);
      await ok('mount', ['-t', 'tmpfs', '-o', 'size=8k,nr_inodes=10', 'full', dir]);
      try {
        await writeFile(path.join(dir, 'env'), 'OLD=1\n');
        await ok('bash', ['-c', `head -c 8192 /dev/zero > ${dir}/filler || true`]);
        await refused(['web', '--port', '8080', '--env-file', `${dir}/env`], 'TP-ENV-FILE', /full\/env/);
        expect(await readFile(path.join(dir, 'env'), 'utf8')).toBe('OLD=1\n');
      } finally {
        await ok('umount', [dir]);
      }
    });

    it('leave of a name that is not intercepted', async () => {
      await expectError(await workstation.telepresence(['leave', 'x']), 'TP-INTERCEPT-NOT-FOUND', /"x"/);
    });
  });

  it('commands that need a session say so', async () => {
    await workstation.telepresence(['quit', '-s']);
    await expectError(await workstation.telepresence(['list']), 'TP-', /telepresence connect/);
  });
});
