/** The real netd and the real capture in network namespaces; the cluster is an echo. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { within } from '../../helpers/measured.ts';
import { unprivileged } from './privileged.ts';
import { addNamespace, sh, startWorkstation, type Workstation } from './workstation.ts';

const SUBNETS = ['10.96.0.0/16', 'fd10:96::/112'];
const UNDO_WITHIN_MS = 2_000;
const UNDO_GIVEN_UP_MS = 15_000;

const ask = (host: string, port: number, said = 'hello') =>
  `import socket
s=socket.create_connection(('${host}',${port}),3); s.sendall(b'${said}'); s.shutdown(1); d=b''
while True:
  x=s.recv(65536)
  if not x: break
  d+=x
print(d.decode())`;

const refused = (host: string, port: number) =>
  `import socket
s=socket.socket(); s.settimeout(1)
try: s.connect(('${host}',${port})); s.sendall(b'x'); print('got', s.recv(10))
except Exception as e: print(type(e).__name__)`;

async function linkNamespaces(a: string, nameA: string, addressA: string, b: string, nameB: string, addressB: string): Promise<void> {
  await sh('ip', 'link', 'add', nameA, 'netns', a, 'type', 'veth', 'peer', 'name', nameB, 'netns', b);
  for (const [namespace, name, address] of [
    [a, nameA, addressA],
    [b, nameB, addressB],
  ] as const) {
    if (address !== '') await sh('ip', '-n', namespace, 'address', 'add', address, 'dev', name);
    await sh('ip', '-n', namespace, 'link', 'set', name, 'up');
  }
}

/** The process ids below `pid`, itself included. */
function descendants(pid: number): number[] {
  let children: string;
  try {
    children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
  } catch {
    return [];
  }
  return [
    pid,
    ...children
      .split(' ')
      .filter((text) => text.trim() !== '')
      .flatMap((text) => descendants(Number(text))),
  ];
}

const nameOf = (pid: number) => readFileSync(`/proc/${pid}/comm`, 'utf8').trim();

async function untilSame(workstation: Workstation, before: string): Promise<number> {
  const start = performance.now();
  for (;;) {
    const now = await workstation.network();
    const took = performance.now() - start;
    if (now === before) return took;
    if (took > UNDO_GIVEN_UP_MS) expect(now).toBe(before);
  }
}

describe.skipIf(unprivileged)('netd in a network namespace (needs root, or user namespaces)', () => {
  it('captures TCP to the subnets with its original destination, IPv4 and IPv6, and changes them in place', async () => {
    await using w = await startWorkstation([...SUBNETS, '10.244.0.0/16']);
    expect(await w.daemon.call('set', { subnets: SUBNETS })).toEqual({ device: 'tel0' });
    expect(await w.python(ask('10.96.1.2', 80))).toBe('10.96.1.2 80\nhello\n');
    expect(await w.python(ask('fd10:96::5', 443))).toBe('fd10:96::5 443\nhello\n');
    expect(await w.python(refused('10.96.1.2', 1))).toBe('ConnectionResetError\n');
    expect(await w.python(refused('10.244.0.9', 80))).toBe('OSError\n');
    await w.daemon.call('set', { subnets: ['10.244.0.0/16', '10.96.0.0/16'], exclude: ['10.96.7.0/24'] });
    expect(await w.python(ask('10.244.0.9', 80))).toBe('10.244.0.9 80\nhello\n');
    expect(await w.python(refused('10.96.7.1', 80))).toBe('OSError\n');
    expect(await w.run('ip', '-6', 'route', 'show', 'fd10:96::/112')).toBe('');
  });

  it('carries a 60 kB datagram both ways, and refuses what nobody takes at once', async () => {
    await using w = await startWorkstation(SUBNETS);
    await w.daemon.call('set', { subnets: SUBNETS });
    const echo = (host: string, size: number) =>
      w.python(`import socket,os
s=socket.socket(socket.AF_INET6 if ':' in '${host}' else socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(3); s.connect(('${host}',9)); d=os.urandom(${size}); s.send(d); print(s.recv(65535)==d)`);
    expect(await echo('10.96.0.7', 60_000)).toBe('True\n');
    expect(await echo('10.96.0.7', 65_507)).toBe('True\n');
    expect(await echo('10.96.0.7', 0)).toBe('True\n');
    expect(await echo('fd10:96::7', 60_001)).toBe('True\n');
    const udpRefused = `import socket
s=socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(3); s.connect(('10.96.0.7',1)); s.send(b'x')
try: print(s.recv(9))
except Exception as e: print(type(e).__name__)`;
    expect(await w.python(udpRefused)).toBe('ConnectionRefusedError\n');
  });

  it.each(['netd', 'nft', 'daemon', 'all'])('leaves the workstation as it was within 2 s of kill -9 of %s', async (victim) => {
    await using w = await startWorkstation(SUBNETS);
    const before = await w.network();
    await w.daemon.call('set', {
      subnets: SUBNETS,
      dns: { mode: 'redirect', servers: [{ server: '127.0.0.1', port: 5353 }], exemptPorts: { first: 40_000, last: 40_010 } },
    });
    expect(await w.network()).not.toBe(before);
    const pids = [...descendants(w.netd.pid ?? 0), ...descendants(w.daemon.child.pid ?? 0)];
    const nft = pids.filter((pid) => nameOf(pid) === 'nft');
    expect(nft).toHaveLength(1);
    const victims =
      { netd: descendants(w.netd.pid ?? 0).filter((pid) => !nft.includes(pid)), nft, daemon: descendants(w.daemon.child.pid ?? 0), all: pids }[victim] ?? [];
    for (const pid of victims) process.kill(pid, 'SIGKILL');
    expect(await untilSame(w, before)).toBeLessThan(within(UNDO_WITHIN_MS));
    if (victim === 'netd') await w.daemon.event(({ event }) => event === 'closed');
    if (victim === 'nft') {
      await w.daemon.event(({ event }) => event === 'failed');
      expect(await w.daemon.call('set', { subnets: SUBNETS })).toEqual({ device: 'tel0' });
      expect(await w.python(ask('10.96.1.2', 80))).toBe('10.96.1.2 80\nhello\n');
    }
  });

  it('undoes everything, and only then says so, when the daemon closes the link', async () => {
    await using w = await startWorkstation(SUBNETS);
    const before = await w.network();
    await w.daemon.call('set', { subnets: SUBNETS });
    await w.daemon.call('close');
    expect(await w.network()).toBe(before);
  });

  it('undoes what was built when a part is refused, and can begin anew', async () => {
    await using w = await startWorkstation(SUBNETS);
    const before = await w.network();
    await expect(w.daemon.call('set', { subnets: SUBNETS, dns: { mode: 'resolved', server: '246.246.246.1', domains: ['~x'] } })).rejects.toThrow(/resolvectl/);
    expect(await w.network()).toBe(before);
    await w.daemon.call('set', { subnets: SUBNETS });
    expect(await w.python(ask('10.96.1.2', 80))).toBe('10.96.1.2 80\nhello\n');
  });

  it('captures from a bridge of local containers, but not from a source in neverFrom', async () => {
    await using container = await addNamespace();
    await using node = await addNamespace();
    await using w = await startWorkstation(SUBNETS, async (name) => {
      await sh('ip', '-n', name, 'link', 'add', 'br-c', 'type', 'bridge');
      await sh('ip', '-n', name, 'address', 'add', '172.30.0.1/24', 'dev', 'br-c');
      await sh('ip', '-n', name, 'link', 'set', 'br-c', 'up');
      await sh('ip', 'netns', 'exec', name, 'sysctl', '-qw', 'net.ipv4.ip_forward=1');
    });
    for (const [index, { name }] of [container, node].entries()) {
      await linkNamespaces(w.name, `port${index}`, '', name, 'eth0', `172.30.0.${index + 2}/24`);
      await sh('ip', '-n', w.name, 'link', 'set', `port${index}`, 'master', 'br-c');
      await sh('ip', '-n', name, 'route', 'add', 'default', 'via', '172.30.0.1');
    }
    await w.daemon.call('set', { subnets: SUBNETS, neverFrom: ['172.30.0.3/32'] });
    const from = (name: string, script: string) => sh('ip', 'netns', 'exec', name, 'python3', '-c', script);
    expect(await from(container.name, ask('10.96.1.2', 80))).toBe('10.96.1.2 80\nhello\n');
    expect(await from(node.name, refused('10.96.1.2', 80))).toBe('TimeoutError\n');
    const udp = `import socket
s=socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(1); s.sendto(b'x'*1000, ('10.96.0.7',9))
try: print(len(s.recv(65535)))
except Exception as e: print(type(e).__name__)`;
    expect(await from(container.name, udp)).toBe('1000\n');
    expect(await from(node.name, udp)).toBe('TimeoutError\n');
  });

  it('gives nothing to a LAN host: neither by routing through the workstation nor at the capture port, also when its link becomes the LAN later', async () => {
    await using lan = await addNamespace();
    await using w = await startWorkstation(SUBNETS, (name) => sh('ip', 'netns', 'exec', name, 'sysctl', '-qw', 'net.ipv4.ip_forward=1').then(() => {}));
    await linkNamespaces(w.name, 'eth0', '192.0.2.2/24', lan.name, 'eth0', '192.0.2.1/24');
    await sh('ip', '-n', lan.name, 'route', 'add', '10.96.0.0/16', 'via', '192.0.2.2');
    await sh('ip', '-n', lan.name, 'route', 'add', '246.246.246.1', 'via', '192.0.2.2');
    await w.daemon.call('set', { subnets: SUBNETS });
    const from = (script: string) => sh('ip', 'netns', 'exec', lan.name, 'python3', '-c', script);
    // A veth without a default route is taken for a container's …
    expect(await from(ask('10.96.1.2', 80))).toBe('10.96.1.2 80\nhello\n');
    // … until the default route goes over it.
    await sh('ip', '-n', w.name, 'route', 'add', 'default', 'via', '192.0.2.1');
    while (!(await w.run('nft', 'list', 'ruleset')).includes('elements = { "eth0" }'));
    expect(await from(refused('10.96.1.2', 80))).toBe('TimeoutError\n');
    const { capturePort } = await w.daemon.event(({ event }) => event === 'listening');
    expect(await from(refused('192.0.2.2', Number(capturePort)))).toBe('TimeoutError\n');
    expect(await from(refused('246.246.246.1', Number(capturePort)))).toBe('TimeoutError\n');
    const udp = `import socket
s=socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(0.5); s.sendto(b'x', ('10.96.0.7',9))
try: print(len(s.recv(65535)))
except Exception as e: print(type(e).__name__)`;
    expect(await from(udp)).toBe('TimeoutError\n');
  });

  it('names local routes that overlap, and outdoes them without touching them when told to', async () => {
    await using w = await startWorkstation(SUBNETS, async (name) => {
      await sh('ip', '-n', name, 'link', 'add', 'vpn0', 'type', 'bridge');
      // its own address would come up while the test compares
      await sh('ip', '-n', name, 'link', 'set', 'vpn0', 'addrgenmode', 'none');
      await sh('ip', '-n', name, 'link', 'set', 'vpn0', 'up');
      await sh('ip', '-n', name, 'route', 'add', '10.96.4.0/24', 'dev', 'vpn0');
      await sh('ip', '-n', name, 'route', 'add', '10.96.0.0/16', 'dev', 'vpn0');
    });
    const before = await w.network();
    expect(await w.daemon.call('check', SUBNETS)).toEqual({ conflicts: [{ subnet: '10.96.0.0/16', route: '10.96.0.0/16', device: 'vpn0' }] });
    await w.daemon.call('set', { subnets: SUBNETS });
    for (const host of ['10.96.0.1', '10.96.255.1', '10.96.4.1', '10.96.4.200']) expect(await w.run('ip', 'route', 'get', host)).toContain('dev tel0');
    await w.daemon.call('close');
    expect(await w.network()).toBe(before);
  });

  it('redirects DNS towards the named servers, except from the exempt ports', async () => {
    await using w = await startWorkstation(SUBNETS, async (name) => {
      await sh('ip', '-n', name, 'address', 'add', '198.51.100.53/32', 'dev', 'lo');
    });
    const dns = { mode: 'redirect', servers: [{ server: '198.51.100.53', port: 5300 }], exemptPorts: { first: 40_000, last: 40_000 }, exemptUids: [] };
    await w.daemon.call('set', { subnets: SUBNETS, dns });
    const script = `import socket
def listen(port, a):
  s=socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind((a,port)); s.settimeout(1); return s
servers={'redirected': listen(5300,'127.0.0.1'), 'server': listen(53,'198.51.100.53')}
def query(sport):
  c=socket.socket(socket.AF_INET, socket.SOCK_DGRAM); c.bind(('',sport)); c.sendto(b'q',('198.51.100.53',53))
  for name,s in servers.items():
    try: s.recvfrom(10); return name
    except TimeoutError: pass
print(query(0), query(40000))`;
    expect(await w.python(script)).toBe('redirected server\n');
  });
});

it('netd refuses to run when not root', async () => {
  const { main } = await import('../../../src/netd/main.ts');
  const { silentLog } = await import('../../../src/base/log.ts');
  const started = main({ socket: '/nowhere', log: silentLog, uid: 1_000, pid: 1, workerUrl: new URL('file:///none'), signal: new AbortController().signal });
  await expect(started).rejects.toMatchObject({ code: 'TP-ROOT-NEEDED' });
});
