/**
 * Names on the workstation: those of the cluster as in a pod of the connected namespace, all others exactly as before, for programs
 * with glibc, with musl, with BusyBox's own resolver, and with one of their own.
 */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { trafficApp } from './apps/traffic.ts';
import { hostBehind } from './harness/behind.ts';
import { clusterAvailable, startCluster, type TestCluster, testNamespace } from './harness/cluster.ts';
import { eventually, run } from './harness/run.ts';
import type { Workstation } from './harness/workstation.ts';

const NAMESPACE = 'names';
/** Prints one address a line by musl's getaddrinfo, or musl's reason. */
const MUSL_PROGRAM = `
#include <netdb.h>
#include <stdio.h>
#include <arpa/inet.h>
#include <sys/socket.h>
int main(int argc, char **argv) {
  struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found;
  int error = getaddrinfo(argv[1], 0, &hints, &found);
  if (error) { puts(gai_strerror(error)); return 1; }
  char text[64];
  for (; found; found = found->ai_next) {
    void *at = found->ai_family == AF_INET ? (void *)&((struct sockaddr_in *)found->ai_addr)->sin_addr : (void *)&((struct sockaddr_in6 *)found->ai_addr)->sin6_addr;
    puts(inet_ntop(found->ai_family, at, text, sizeof text));
  }
  return 0;
}
`;
/** Sends raw queries (hex) to a server by UDP, one after the other; prints the answers' hex, or "silent". */
const RAW_QUERIES = `
const [server, ...queries] = process.argv.slice(1);
const { createSocket } = require('dgram');
(async () => {
  for (const query of queries) {
    const socket = createSocket('udp4');
    const answer = await new Promise((resolve) => {
      socket.on('message', (message) => resolve(message.toString('hex')));
      setTimeout(() => resolve('silent'), 3000);
      socket.send(Buffer.from(query, 'hex'), 53, server);
    });
    socket.close();
    console.log(answer);
  }
})();
`;

/** A query as bytes: id 0x1234, recursion desired, optionally with EDNS (do bit set). */
function rawQuery(name: string, type: number, { edns = false } = {}): string {
  const labels = name.split('.').map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label)]));
  const head = Buffer.from([0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, edns ? 1 : 0]);
  const opt = edns ? Buffer.from([0, 0, 41, 16, 0, 0, 0, 0x80, 0, 0, 0]) : Buffer.alloc(0);
  return Buffer.concat([head, ...labels, Buffer.from([0, 0, type, 0, 1]), opt]).toString('hex');
}

const muslCompiler = (await run('sh', ['-c', 'command -v musl-gcc'])).code === 0;
const dnsmasq = (await run('sh', ['-c', 'command -v dnsmasq'])).code === 0;

describe.skipIf(!clusterAvailable)('DNS (needs root and the test cluster)', () => {
  let cluster: TestCluster;
  let workstation: Workstation;
  let namespace: Awaited<ReturnType<typeof testNamespace>>;
  let dev: Awaited<ReturnType<typeof testNamespace>>;
  let service: string;
  let pods: string[];
  let before: string;

  const outside = [
    rawQuery('outside.test', 1),
    rawQuery('outside.test', 28),
    rawQuery('outside.test', 1, { edns: true }),
    rawQuery('nowhere.test', 1),
    rawQuery('outside.test', 255),
    rawQuery('a.b.c.example.com', 16),
    rawQuery('com', 2),
  ];
  const askRaw = async (): Promise<string> => (await workstation.run(process.execPath, ['-e', RAW_QUERIES, '198.18.0.53', ...outside])).stdout;
  const addresses = async (name: string): Promise<string[]> => {
    const { stdout } = await workstation.run('getent', ['ahosts', name]);
    return [...new Set(stdout.split('\n').flatMap((line) => (line === '' ? [] : [line.split(/\s+/)[0] ?? ''])))].sort();
  };
  const node = async (expression: string): Promise<unknown> => {
    const code = `const { promises: dns, Resolver } = require('dns'); (async () => console.log(JSON.stringify(await (${expression}))))().catch((error) => console.log(JSON.stringify(error.code)))`;
    const { stdout, stderr } = await workstation.run(process.execPath, ['-e', code]);
    if (stdout === '') throw new Error(stderr);
    return JSON.parse(stdout);
  };
  const get = (args: string): Promise<string> => cluster.kubectl(['-n', NAMESPACE, 'get', ...args.split(' ')]);

  beforeAll(async () => {
    cluster = await startCluster();
    namespace = await testNamespace(cluster, NAMESPACE);
    dev = await testNamespace(cluster, 'dev');
    await cluster.apply(await trafficApp({ name: 'web', namespace: NAMESPACE, replicas: 2 }));
    await cluster.apply(await trafficApp({ name: 'api', namespace: 'dev' }));
    const named = (name: string, externalName: string): string =>
      JSON.stringify({ apiVersion: 'v1', kind: 'Service', metadata: { name, namespace: NAMESPACE }, spec: { type: 'ExternalName', externalName } });
    await cluster.apply(named('alias', `api.dev.svc.cluster.local`));
    await cluster.apply(named('abroad', 'outside.test'));
    await cluster.kubectl(['-n', NAMESPACE, 'rollout', 'status', 'statefulset/web', '--timeout=60s']);
    service = await get('service web -o jsonpath={.spec.clusterIP}');
    pods = (await get('pods -o jsonpath={.items[*].status.podIP}')).split(' ');
    workstation = await cluster.workstation('dns');
    before = await askRaw();
    expect(before).not.toContain('silent');
    await workstation.ok(['connect', '-n', NAMESPACE]);
  });

  afterAll(async () => {
    await workstation?.[Symbol.asyncDispose]();
    await namespace?.[Symbol.asyncDispose]();
    await dev?.[Symbol.asyncDispose]();
  });

  describe('names of the cluster', () => {
    it.each(['web', `web.${NAMESPACE}`, `web.${NAMESPACE}.svc`, `web.${NAMESPACE}.svc.cluster.local`, `WEB.${NAMESPACE}.SVC.cluster.local.`])(
      'glibc finds %s',
      async (name) => {
        expect(await addresses(name)).toEqual([service]);
      },
    );

    it('finds a Service of another namespace, and none of its own name alone', async () => {
      expect(await addresses('api.dev')).toHaveLength(1);
      expect(await addresses('api')).toEqual([]);
    });

    it('finds all pods of a headless Service, and each by its name', async () => {
      expect(await addresses('web-pods')).toEqual(pods.toSorted());
      expect(await addresses(`web-0.web-pods.${NAMESPACE}`)).toEqual([await get('pod web-0 -o jsonpath={.status.podIP}')]);
      expect(await addresses(`web-1.web-pods.${NAMESPACE}.svc.cluster.local`)).toEqual([await get('pod web-1 -o jsonpath={.status.podIP}')]);
      expect((await workstation.run('curl', ['-s', '--max-time', '5', `http://web-1.web-pods.${NAMESPACE}:8080/`])).stdout).toBe('web web-1\n');
    });

    it('finds a pod by its address’s name', async () => {
      const address = pods[0] ?? '';
      expect(await addresses(`${address.replaceAll('.', '-')}.${NAMESPACE}.pod.cluster.local`)).toEqual([address]);
    });

    it('answers SRV', async () => {
      const found = (await node(`dns.resolveSrv('_http._tcp.web.${NAMESPACE}.svc.cluster.local')`)) as { name: string; port: number }[];
      expect(found).toMatchObject([{ name: `web.${NAMESPACE}.svc.cluster.local`, port: 8080 }]);
      const short = (await node(`dns.resolveSrv('_http._tcp.web-pods.${NAMESPACE}')`)) as { name: string }[];
      expect(short.map(({ name }) => name.split('.')[0]).sort()).toEqual(['web-0', 'web-1']);
    });

    it('answers PTR of a Service and of a pod', async () => {
      expect(await node(`dns.reverse('${service}')`)).toEqual([`web.${NAMESPACE}.svc.cluster.local`]);
      expect((await workstation.run('getent', ['hosts', service])).stdout).toContain(`web.${NAMESPACE}.svc.cluster.local`);
    });

    it('follows an ExternalName inside the cluster and out of it', async () => {
      expect(await addresses('alias')).toEqual(await addresses('api.dev'));
      expect(await addresses('abroad')).toEqual(await addresses('outside.test'));
    });

    it('asks the cluster’s DNS server itself, by UDP and by TCP', async () => {
      const question = `new Promise((resolve) => { const asked = new Resolver(); asked.setServers(['10.96.0.10']); asked.resolve4('web.${NAMESPACE}.svc.cluster.local', (error, found) => resolve(found ?? error.code)); })`;
      expect(await node(question)).toEqual([service]);
      const overTcp = `const s = require('net').connect(53, '10.96.0.10'); const q = Buffer.from('${rawQuery(`web.${NAMESPACE}.svc.cluster.local`, 1)}', 'hex'); s.write(Buffer.concat([Buffer.from([0, q.length]), q])); s.once('data', (d) => { console.log(d.subarray(-4).join('.')); s.destroy(); })`;
      expect((await workstation.run(process.execPath, ['-e', overTcp])).stdout).toBe(`${service}\n`);
    });

    it('is found soon after it was created, also when it was asked for before', async () => {
      expect(await addresses('late')).toEqual([]);
      await cluster.apply(
        JSON.stringify({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'late', namespace: NAMESPACE }, spec: { ports: [{ port: 80 }] } }),
      );
      // the cluster's own DNS remembers for half a minute that there was none, as for its pods
      await eventually('the new name', async () => (await addresses('late')).length === 1, 45_000);
    });

    it('of a namespace made after connect', async () => {
      await using _young = await testNamespace(cluster, 'names-young');
      await cluster.apply(
        JSON.stringify({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'fresh', namespace: 'names-young' }, spec: { ports: [{ port: 80 }] } }),
      );
      await eventually('a name in the new namespace', async () => (await addresses('fresh.names-young')).length === 1, 45_000);
    });

    it.skipIf(!muslCompiler)('musl finds them too (needs musl-gcc)', async () => {
      const source = path.join(workstation.home, 'resolve.c');
      await writeFile(source, MUSL_PROGRAM);
      expect(await run('musl-gcc', ['-static', '-o', `${workstation.home}/resolve`, source])).toMatchObject({ code: 0 });
      const musl = async (name: string): Promise<string> => (await workstation.run(`${workstation.home}/resolve`, [name])).stdout;
      for (const name of ['web', `web.${NAMESPACE}`, `web.${NAMESPACE}.svc.cluster.local`]) expect(await musl(name)).toBe(`${service}\n`);
      expect(await musl(`web-0.web-pods.${NAMESPACE}`)).toBe(`${await get('pod web-0 -o jsonpath={.status.podIP}')}\n`);
      expect(await musl('outside.test')).toBe(`${(await addresses('outside.test'))[0]}\n`);
      expect(await musl('nowhere.test')).toBe('Name does not resolve\n');
      expect(await musl(`none.${NAMESPACE}.svc.cluster.local`)).toBe('Name does not resolve\n');
    });

    it('BusyBox’s nslookup finds them', async () => {
      const { stdout } = await workstation.run('busybox', ['nslookup', `web.${NAMESPACE}`]);
      expect(stdout).toContain(service);
    });
  });

  describe('all other names', () => {
    it('get the very bytes they got before', async () => {
      expect(await askRaw()).toBe(before);
    });

    it('that do not exist fail as before', async () => {
      expect(await node(`dns.resolve4('nowhere.test')`)).toBe('ENOTFOUND');
      expect((await workstation.run('getent', ['hosts', 'nowhere.test'])).code).toBe(2);
    });

    it('an IPv6 literal outside fails at once', async () => {
      const started = performance.now();
      expect((await workstation.run('curl', ['-s', '--max-time', '10', 'http://[2001:db8::1]/'])).code).not.toBe(0);
      expect(performance.now() - started).toBeLessThan(2_000);
    });

    it('resolve from a host behind the workstation as well', async () => {
      await using host = await hostBehind(workstation, { address: '172.30.1.2', gateway: '172.30.1.1', bridge: 'br-dns' });
      const ask = async (name: string): Promise<string> => (await host.run('getent', ['hosts', name])).stdout.split(/\s/)[0] ?? '';
      await eventually('the service by its name', async () => (await ask('web')) === service, 15_000);
      expect(await ask('outside.test')).toBe((await addresses('outside.test'))[0]);
    });
  });

  it('hides nothing of a session: after quit all is as before', async () => {
    await workstation.ok(['quit', '-s']);
    expect(await askRaw()).toBe(before);
    expect(await addresses('web')).toEqual([]);
  });

  describe.skipIf(!dnsmasq)('with a resolver on the workstation itself (needs dnsmasq)', () => {
    it.each([
      ['alone', ['127.0.0.1']],
      ['beside the outer one', ['127.0.0.1', '198.18.0.53']],
    ])('%s: names of the cluster and of outside, a namespace dev beside go.dev', async (_name, nameservers) => {
      await workstation.ok(['quit', '-s']);
      const resolvConf = `/etc/netns/lab-${workstation.name}/resolv.conf`;
      await writeFile(resolvConf, nameservers.map((server) => `nameserver ${server}\n`).join(''));
      // a user of its own, as distributions run it
      await using resolver = workstation.background('dnsmasq', [
        '--keep-in-foreground',
        '--no-hosts',
        '--no-resolv',
        '--server=198.18.0.53',
        '--address=/go.dev/192.0.2.7',
        '--listen-address=127.0.0.1',
        '--bind-interfaces',
        '--user=nobody',
        '--pid-file=',
        '--log-facility=-',
        '--log-queries',
      ]);
      await eventually('dnsmasq answers', async () => (await addresses('go.dev')).includes('192.0.2.7'), 5_000);
      await workstation.ok(['connect', '-n', NAMESPACE]);
      expect(await addresses('web')).toEqual([service]);
      expect(await addresses(`web.${NAMESPACE}`)).toEqual([service]);
      expect(await addresses('api.dev')).toHaveLength(1);
      expect(await addresses('go.dev')).toEqual(['192.0.2.7']);
      expect(await addresses('www.go.dev')).toEqual(['192.0.2.7']);
      expect(await addresses('outside.test')).toEqual(['198.18.0.1']);
      expect((await workstation.run('getent', ['hosts', 'nowhere.test'])).code).toBe(2);
      expect(resolver.output()).not.toContain('cluster.local');
      // neither as a name that exists outside too, nor in the local resolver's memory
      expect(await workstation.ok(['status', '--output', 'json'])).not.toMatch(/"web"/);
      await workstation.ok(['quit', '-s']);
      expect(await addresses('web')).toEqual([]);
      expect(await addresses('go.dev')).toEqual(['192.0.2.7']);
    });

    it('follows when the workstation comes to a network with another resolver, and back', async () => {
      await workstation.ok(['quit', '-s']);
      const resolvConf = `/etc/netns/lab-${workstation.name}/resolv.conf`;
      await writeFile(resolvConf, 'nameserver 198.18.0.53\n');
      await using _other = workstation.background('dnsmasq', [
        '--keep-in-foreground',
        '--no-hosts',
        '--no-resolv',
        '--address=/other.test/192.0.2.8',
        '--listen-address=127.0.0.2',
        '--bind-interfaces',
        '--pid-file=',
      ]);
      await workstation.ok(['connect', '-n', NAMESPACE]);
      const finds = async (wanted: Record<string, string>): Promise<boolean> => {
        const found = await Promise.all(Object.keys(wanted).map(addresses));
        return Object.values(wanted).every((address, at) => found[at]?.includes(address));
      };
      expect(await finds({ web: service, 'outside.test': '198.18.0.1' })).toBe(true);
      await writeFile(resolvConf, 'nameserver 127.0.0.2\n');
      await eventually('the other network', () => finds({ web: service, 'other.test': '192.0.2.8' }), 15_000);
      await writeFile(resolvConf, 'nameserver 198.18.0.53\n');
      await eventually('the first network again', () => finds({ web: service, 'outside.test': '198.18.0.1' }), 15_000);
    });
  });
});
