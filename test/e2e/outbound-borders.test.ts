/**
 * Who gets into the cluster through a workstation and where to: its own containers do; hosts of its LAN, the pods of a cluster on the
 * same host, and a client that asks the tunnel for what is not the cluster's do not.
 */
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { silentLog } from '../../src/base/log.ts';
import { createSession, deleteSession } from '../../src/daemon/session.ts';
import { TransportChooser } from '../../src/daemon/tunnel/transport.ts';
import { createKubeClient, loadKubeconfig } from '../../src/kube/index.ts';
import type { Mux, MuxStream } from '../../src/mux/index.ts';
import { createDatagramStream, encodeStreamHeader, startTunnel } from '../../src/tunnel/index.ts';
import { trafficApp } from './apps/traffic.ts';
import { hostBehind, lanHost } from './harness/behind.ts';
import { clusterAvailable, startCluster, type TestCluster, testNamespace } from './harness/cluster.ts';
import { eventually } from './harness/run.ts';
import type { Workstation } from './harness/workstation.ts';

const NAMESPACE = 'borders';
const client = path.join(import.meta.dirname, 'apps/traffic-client.ts');
const PATIENCE = ['-s', '--max-time', '4'];

describe.skipIf(!clusterAvailable)('the borders of outbound (needs root and the test cluster)', () => {
  let cluster: TestCluster;
  let workstation: Workstation;
  let namespace: Awaited<ReturnType<typeof testNamespace>>;
  let service: string;
  let pod: string;

  beforeAll(async () => {
    cluster = await startCluster();
    namespace = await testNamespace(cluster, NAMESPACE);
    await cluster.apply(await trafficApp({ name: 'traffic', namespace: NAMESPACE }));
    await cluster.kubectl(['-n', NAMESPACE, 'rollout', 'status', 'statefulset/traffic', '--timeout=60s']);
    service = await cluster.kubectl(['-n', NAMESPACE, 'get', 'service', 'traffic', '-o', 'jsonpath={.spec.clusterIP}']);
    pod = await cluster.kubectl(['-n', NAMESPACE, 'get', 'pod', 'traffic-0', '-o', 'jsonpath={.status.podIP}']);
    workstation = await cluster.workstation('borders');
    await workstation.ok(['connect', '-n', NAMESPACE]);
  });

  afterAll(async () => {
    await workstation?.[Symbol.asyncDispose]();
    await namespace?.[Symbol.asyncDispose]();
  });

  it('a container behind the workstation reaches services and pods by name and address, with TCP and UDP', async () => {
    await using container = await hostBehind(workstation, { address: '172.30.2.2', gateway: '172.30.2.1', bridge: 'br-in' });
    const curl = async (host: string): Promise<string> => (await container.run('curl', [...PATIENCE, `http://${host}:8080/`])).stdout;
    expect(await curl(service)).toBe('traffic traffic-0\n');
    expect(await curl(pod)).toBe('traffic traffic-0\n');
    await eventually('the service by its name', async () => (await curl('traffic')) === 'traffic traffic-0\n');
    const { stdout, stderr } = await container.run(process.execPath, [client, 'udp', service, '60000']);
    expect(stdout, stderr).toContain('"same":true');
  });

  it('a host of the LAN that routes the cluster’s ranges through the workstation gets nothing', async () => {
    const gateway = '192.0.2.1';
    await using neighbour = await lanHost(workstation, { address: '192.0.2.2', gateway, device: 'lan0' });
    await eventually('the new device is known as one to the outside', async () => (await workstation.shell('nft list ruleset')).stdout.includes('"lan0"'));
    const reached = async (host: string): Promise<boolean> => (await neighbour.run('curl', [...PATIENCE, `http://${host}:8080/`])).stdout !== '';
    expect(await Promise.all([service, pod].map(reached))).toEqual([false, false]);
    expect((await neighbour.run(process.execPath, [client, 'udp', service, '100'])).code).not.toBe(0);
    // nor do the daemon's own ports answer, or its resolver
    const ports = (await workstation.shell(`nft list ruleset | grep -oE 'redirect to :[0-9]+' | grep -oE '[0-9]+' | sort -u`)).stdout.trim().split('\n');
    expect(ports.length).toBeGreaterThanOrEqual(2);
    for (const port of ports) expect((await neighbour.run('curl', [...PATIENCE, `http://${gateway}:${port}/`])).code, port).not.toBe(0);
    const { stdout } = await neighbour.run('busybox', ['timeout', '4', 'busybox', 'nslookup', `traffic.${NAMESPACE}`, `${gateway}:53`]);
    expect(stdout).not.toContain(service);
  });

  it('traffic of pods of a cluster on this host is left alone', async () => {
    // a bridge with a pod's address, as kind and minikube have one
    await using local = await hostBehind(workstation, { address: '10.244.0.200', gateway: '10.244.0.201', bridge: 'br-pods' });
    expect((await local.run('curl', [...PATIENCE, `http://${service}:8080/`])).stdout).toBe('');
    expect((await local.run(process.execPath, [client, 'udp', service, '100'])).code).not.toBe(0);
  });

  describe('the tunnel, asked by a client of its own making,', () => {
    let mux: Mux;
    let close: () => Promise<void>;

    beforeAll(async () => {
      const env = { KUBECONFIG: cluster.kubeconfig };
      const kubeconfig = await loadKubeconfig({ flags: {}, env, cwd: process.cwd() });
      const kube = createKubeClient(kubeconfig.connection, { log: silentLog });
      const { username: user } = await kube.whoAmI();
      const signal = AbortSignal.timeout(60_000);
      const session = await createSession({
        kube,
        log: silentLog,
        user,
        managerNamespace: 'ambassador',
        namespace: NAMESPACE,
        mappedNamespaces: [],
        installId: 'borders-test',
        signal,
      });
      const { socket, nonce } = await new TransportChooser(silentLog).open({
        kube,
        managerNamespace: 'ambassador',
        session: session.name,
        signal,
        timeoutMs: 10_000,
      });
      mux = startTunnel(socket, {
        nonce,
        session,
        kind: 'data',
        sign: session.sign,
        version: '0.1.0',
        log: silentLog,
        onStream: (stream) => stream.reset('refused'),
      });
      close = async () => {
        mux.abort(new Error('over'));
        await deleteSession(kube, 'ambassador', session.name);
        kube.close();
      };
    });
    afterAll(() => close?.());

    const reasonOf = (stream: MuxStream): Promise<string> =>
      new Promise((resolve) => {
        stream.on('error', () => undefined);
        stream.once('data', (chunk: Buffer) => resolve(`data: ${chunk.toString().slice(0, 30)}`));
        stream.once('close', () => resolve(stream.resetReason ?? 'closed'));
      });

    const forbidden = [
      ['loopback', '127.0.0.1'],
      ['loopback by another spelling', '127.9.9.9'],
      ['IPv6 loopback', '::1'],
      ['IPv4-mapped loopback', '::ffff:127.0.0.1'],
      ['the unspecified address', '0.0.0.0'],
      ['link-local: a metadata service', '169.254.169.254'],
      ['IPv6 link-local', 'fe80::1'],
      ['a zone', 'fe80::1%eth0'],
      ['multicast', '224.0.0.1'],
      ['the node', '198.18.0.1'],
      ['this machine', '198.18.0.2'],
      ['an address outside', '192.0.2.1'],
      ['an address just behind the service range', '10.97.0.1'],
      ['a name', 'kubernetes.default.svc'],
    ] as const;

    it.each(forbidden)('refuses %s', async (_what, host) => {
      const tcp = mux.open(encodeStreamHeader({ t: 'tcp', host, port: 8080 }, Buffer.from('GET / HTTP/1.0\r\n\r\n')));
      expect(await reasonOf(tcp)).toBe('forbidden');
      const udp = mux.open(encodeStreamHeader({ t: 'udp', host, port: 53 }));
      createDatagramStream(udp).send(Buffer.from('x'));
      expect(await reasonOf(udp)).toBe('forbidden');
    });

    it('refuses the manager’s own pods', async () => {
      const pods = (await cluster.kubectl(['-n', 'ambassador', 'get', 'pods', '-l', 'app=traffic-manager', '-o', 'jsonpath={.items[*].status.podIP}']))
        .split(' ')
        .filter((ip) => ip !== '');
      expect(pods.length).toBeGreaterThan(0);
      for (const host of pods) expect(await reasonOf(mux.open(encodeStreamHeader({ t: 'tcp', host, port: 8443 })))).toBe('forbidden');
    });

    it('resets a stream whose header is none, and goes on', async () => {
      expect(await reasonOf(mux.open(Buffer.from([0, 2, 0x7b, 0x7b])))).toBe('protocol');
      expect(await reasonOf(mux.open(Buffer.from('\xff\xffgarbage', 'latin1')))).toBe('protocol');
      expect(await reasonOf(mux.open(encodeStreamHeader({ t: 'agent-control' })))).toBe('protocol');
      expect(await reasonOf(mux.open(encodeStreamHeader({ t: 'tcp', host: service, port: 8080 }, Buffer.from('GET / HTTP/1.0\r\n\r\n'))))).toMatch(
        /^data: HTTP\/1.1 200/,
      );
    });

    it('is refused with another’s signature', async () => {
      const kubeconfig = await loadKubeconfig({ flags: {}, env: { KUBECONFIG: cluster.kubeconfig }, cwd: process.cwd() });
      const kube = createKubeClient(kubeconfig.connection, { log: silentLog });
      const [name = '', uid = ''] = (
        await cluster.kubectl(['-n', 'ambassador', 'get', 'sessions.telepresence.io', '-o', 'jsonpath={.items[0].metadata.name} {.items[0].metadata.uid}'])
      ).split(' ');
      const { socket, nonce } = await new TransportChooser(silentLog).open({
        kube,
        managerNamespace: 'ambassador',
        session: name,
        signal: AbortSignal.timeout(10_000),
        timeoutMs: 10_000,
      });
      const forged = startTunnel(socket, {
        nonce,
        session: { name, uid },
        kind: 'data',
        sign: () => Buffer.alloc(64).toString('base64'),
        version: '0.1.0',
        log: silentLog,
        onStream: () => undefined,
      });
      const stream = forged.open(encodeStreamHeader({ t: 'tcp', host: service, port: 8080 }, Buffer.from('GET / HTTP/1.0\r\n\r\n')));
      expect(await reasonOf(stream)).not.toContain('data');
      await forged.closed;
      expect(forged.goneAway).toBeDefined();
      kube.close();
    });
  });
});
