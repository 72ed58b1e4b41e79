import { describe, expect, it } from 'vitest';
import { cliWorld, INTERCEPT } from '../../../test/helpers/run-cli.ts';
import { VERSION } from '../../base/version.ts';
import type { StatusResult } from '../../protocol/daemon-api.ts';

const STATUS: StatusResult = {
  daemon: {
    running: true,
    version: '0.1.0',
    pid: 12,
    executable: '/opt/tp/bin/daemon.ts',
    installId: 'b3c1',
    state: 'connected',
    server: 'https://198.18.0.1:6443',
    context: 'default',
    namespace: 'shop',
    managerNamespace: 'ambassador',
    mappedNamespaces: ['a', 'b'],
    session: 's-1',
    intercepts: [INTERCEPT],
  },
  netd: {
    running: true,
    version: '0.1.0',
    device: 'tel0',
    dns: { mode: 'redirect', address: '127.0.0.1:4053', excludeSuffixes: ['.com', '.io'], includeSuffixes: [], timeoutMs: 4000 },
    subnets: ['10.96.0.0/16', '10.244.0.0/16'],
    alsoProxy: ['10.1.0.0/16'],
    neverProxy: [],
  },
  manager: {
    connected: true,
    version: '0.1.0',
    replica: 'traffic-manager-0',
    agentImage: 'telepresence.local/telepresence:0.1.0',
    transport: 'service proxy',
    rtt: { p50: 0.42, p99: 12.3 },
  },
};

describe('status', () => {
  it('shows the daemon, netd and the manager', async () => {
    await using world = cliWorld();
    await world.serve({ status: () => STATUS });
    expect((await world.run(['status'])).stdout).toBe(`OSS User Daemon [default-shop]: Running
  Version           : v0.1.0
  Executable        : /opt/tp/bin/daemon.ts
  Install ID        : b3c1
  Status            : Connected
  Kubernetes server : https://198.18.0.1:6443
  Kubernetes context: default
  Namespace         : shop
  Manager namespace : ambassador
  Mapped namespaces : [a b]
  Session           : s-1
  Intercepts        : 1 total
    example-service: alice@laptop
OSS Root Daemon: Running
  Version: v0.1.0
  Device : tel0
  DNS:
    Mode            : redirect
    Local address   : 127.0.0.1:4053
    Exclude suffixes: [.com .io]
    Include suffixes: []
    Timeout         : 4s
  Subnets: (2 subnets)
    - 10.96.0.0/16
    - 10.244.0.0/16
  Also Proxy: (1 subnet)
    - 10.1.0.0/16
OSS Traffic Manager: Connected
  Version         : v0.1.0
  Traffic Agent   : telepresence.local/telepresence:0.1.0
  Replica         : traffic-manager-0
  Tunnel transport: service proxy
  Round trip      : p50 0.4 ms, p99 12 ms
`);
  });

  it('says what it waits for while it reconnects', async () => {
    await using world = cliWorld();
    await world.serve({
      status: () => ({ ...STATUS, daemon: { ...STATUS.daemon, state: 'reconnecting', since: '2026-01-02T03:04:05Z', detail: 'no answer for 15 s' } }),
    });
    expect((await world.run(['status'])).stdout).toContain('  Status            : Reconnecting since 2026-01-02T03:04:05Z: no answer for 15 s\n');
  });

  it('has the keys of the original in JSON', async () => {
    await using world = cliWorld();
    await world.serve({ status: () => STATUS });
    const object = JSON.parse((await world.run(['status', '--format', 'json'])).stdout);
    expect(object).toMatchObject({
      user_daemon: {
        running: true,
        name: 'default-shop',
        status: 'Connected',
        kubernetes_context: 'default',
        intercepts: [{ name: 'example-service', client: 'alice@laptop' }],
      },
      root_daemon: { running: true, dns: { exclude_suffixes: ['.com', '.io'], lookup_timeout: '4s' }, subnets: ['10.96.0.0/16', '10.244.0.0/16'] },
      traffic_manager: { connected: true, traffic_agent: 'telepresence.local/telepresence:0.1.0' },
    });
    expect(JSON.parse((await world.run(['status', '--output', 'json', '--multi-daemon'])).stdout)).toEqual({ connections: [object] });
  });

  it('is no error when nothing runs', async () => {
    await using world = cliWorld();
    expect(await world.run(['status'])).toEqual({
      code: 0,
      stdout: 'OSS User Daemon: Not running\nOSS Root Daemon: Not running\nOSS Traffic Manager: Not connected\n',
      stderr: '',
    });
  });
});

describe('version', () => {
  it('shows the client alone when nothing runs', async () => {
    await using world = cliWorld();
    expect((await world.run(['version'])).stdout).toBe(`OSS Client : v${VERSION}\nRoot Daemon: not running\nUser Daemon: not running\n`);
  });

  it('shows everything that is connected', async () => {
    await using world = cliWorld();
    await world.serve({ version: () => ({ daemon: '0.1.0', netd: '0.1.0', manager: '0.2.0', agentImage: 'x/y:1' }) });
    expect((await world.run(['version'])).stdout).toBe(`OSS Client         : v${VERSION}
OSS Root Daemon    : v0.1.0
OSS User Daemon    : v0.1.0
OSS Traffic Manager: v0.2.0
Traffic Agent      : x/y:1
`);
    expect(JSON.parse((await world.run(['version', '--format', 'json'])).stdout)).toEqual({
      client: `v${VERSION}`,
      root_daemon: 'v0.1.0',
      user_daemon: 'v0.1.0',
      traffic_manager: 'v0.2.0',
      traffic_agent: 'x/y:1',
    });
  });
});
