import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { formatDuration, parseDuration } from './duration.ts';
import { configView, extensionLayer, loadClientConfig, parseConfig, resolveConfig } from './index.ts';
import { clientPaths, ensureClientDirs, UNIX_SOCKET_PATH_LIMIT } from './paths.ts';

const folder = mkdtempSync(join(tmpdir(), 'tp-config-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const uid = process.getuid?.() ?? 0;

describe('config.yml', () => {
  it('has the defaults of the original', () => {
    const config = resolveConfig([]);
    expect(config.cluster.defaultManagerNamespace).toBe('ambassador');
    expect(config.dns.excludeSuffixes).toEqual(['.arpa', '.com', '.io', '.net', '.org', '.ru']);
    expect(config.timeouts).toMatchObject({ intercept: 30_000, trafficManagerConnect: 60_000, connectivityCheck: 500 });
    expect(config.logLevels.userDaemon).toBe('info');
    expect(configView(config)['timeouts']).toMatchObject({ intercept: '30s', agentInstall: '2m', connectivityCheck: '500ms', containerShutdown: '0s' });
  });

  it('reads every key', () => {
    const { values, warnings } = parseConfig(
      'logLevels: {userDaemon: DEBUG, rootDaemon: warning}\nrouting:\n  alsoProxySubnets: [10.0.0.0/8]\nimages: {agentImage: x}\n',
      'f',
    );
    expect(resolveConfig([{ source: 'f', values, warnings }])).toMatchObject({
      logLevels: { userDaemon: 'debug', rootDaemon: 'warn' },
      routing: { alsoProxySubnets: ['10.0.0.0/8'] },
    });
    expect(warnings).toEqual([]);
  });

  it('lists all mistakes with their lines', () => {
    const text =
      'dns:\n  excludeSuffix: [.com]\n  lookupTimeout: 4 seconds\n  mappings:\n    - name: a\n      alias: b\nintercept:\n  defaultPort: 99999\nnonsense: 1\n';
    expect(() => parseConfig(text, 'config.yml')).toThrow(
      expect.objectContaining({
        code: 'TP-CONFIG-INVALID',
        message: expect.stringMatching(
          /^config\.yml has 6 mistakes:\n {2}line 2: dns\.excludeSuffix: there is no such key\n {2}line 3: dns\.lookupTimeout: .*\n {2}line 5: dns\.mappings\.0\.aliasFor: .*\n {2}line 6: dns\.mappings\.0\.alias: there is no such key\n {2}line 8: intercept\.defaultPort: .*\n {2}line 9: nonsense: there is no such key$/,
        ),
      }),
    );
  });

  it.each([
    ['a: [', /line \d: /],
    ['- a\n', /the file: /],
    ['just text', /the file: /],
  ])('refuses %j', (text, message) => {
    expect(() => parseConfig(text, 'f')).toThrow(message);
  });

  it('says which keys have no effect', () => {
    expect(parseConfig('grpc: {maxReceiveSize: 10Mi}\ncluster: {forceSPDY: true}\n', 'f').warnings).toEqual([
      'f: cluster.forceSPDY has no effect.',
      'f: grpc has no effect.',
    ]);
  });

  it('takes an empty or missing file for nothing, but not one that was asked for', async () => {
    expect(parseConfig('', 'f').values).toEqual({});
    expect(parseConfig('# only this\n', 'f').values).toEqual({});
    expect((await loadClientConfig(join(folder, 'no.yml'))).config).toEqual(resolveConfig([]));
    await expect(loadClientConfig(join(folder, 'no.yml'), { mustExist: true })).rejects.toMatchObject({ code: 'TP-CONFIG-INVALID' });
  });

  it('lets flags win over the kubeconfig, and that over the file', async () => {
    const file = join(folder, 'c.yml');
    writeFileSync(file, 'cluster: {defaultManagerNamespace: file, mappedNamespaces: [file]}\ndns: {includeSuffixes: [.file]}\n');
    const layers = [
      extensionLayer({ cluster: { defaultManagerNamespace: 'kube', mappedNamespaces: ['kube'] } }),
      { source: 'flags', values: { cluster: { defaultManagerNamespace: 'flag' } }, warnings: [] },
    ];
    const { config, clientFile } = await loadClientConfig(file, { layers });
    expect(config.cluster).toMatchObject({ defaultManagerNamespace: 'flag', mappedNamespaces: ['kube'] });
    expect(config.dns.includeSuffixes).toEqual(['.file']);
    expect(clientFile).toEqual({ cluster: { defaultManagerNamespace: 'file', mappedNamespaces: ['file'] }, dns: { includeSuffixes: ['.file'] } });
  });

  it('understands the kubeconfig extension of older versions', () => {
    expect(
      extensionLayer({
        'also-proxy': ['10.0.0.0/8'],
        'never-proxy': ['10.1.0.0/16'],
        manager: { namespace: 'staging' },
        dns: { 'include-suffixes': ['.corp'], 'lookup-timeout': '3s', 'remote-ip': '1.2.3.4' },
      }).values,
    ).toEqual({
      routing: { alsoProxySubnets: ['10.0.0.0/8'], neverProxySubnets: ['10.1.0.0/16'] },
      cluster: { defaultManagerNamespace: 'staging' },
      dns: { includeSuffixes: ['.corp'], lookupTimeout: '3s' },
    });
    expect(() => extensionLayer({ 'all-proxy': [] })).toThrow(
      'the telepresence.io extension of the kubeconfig has a mistake:\n  all-proxy: there is no such key',
    );
    expect(extensionLayer(undefined).values).toEqual({});
  });
});

describe('durations', () => {
  it.each([
    ['0', 0],
    ['1h30m', 5_400_000],
    ['2m0s', 120_000],
    ['1.5s', 1500],
    ['250ms', 250],
  ])('%s', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it.each(['', '5', 's', '-1s', '1 s', '1d', '1s!'])('%j is none', (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });

  it('come back as they were', () => {
    fc.assert(
      fc.property(fc.nat(100_000_000), (ms) => {
        expect(parseDuration(formatDuration(ms))).toBeCloseTo(ms, 3);
      }),
    );
  });
});

describe('client paths', () => {
  it('follow XDG', () => {
    expect(clientPaths({ HOME: '/home/a' })).toEqual({
      configFile: '/home/a/.config/telepresence/config.yml',
      cacheDir: '/home/a/.cache/telepresence',
      logDir: '/home/a/.cache/telepresence/logs',
      socketDir: '/home/a/.cache/telepresence/run',
      daemonSocket: '/home/a/.cache/telepresence/run/daemon.sock',
      netdSocket: '/home/a/.cache/telepresence/run/netd.sock',
      installIdFile: '/home/a/.cache/telepresence/install-id',
      cloudFile: '/home/a/.cache/telepresence/cloud.json',
      ingressesFile: '/home/a/.cache/telepresence/ingresses.json',
    });
    expect(clientPaths({ HOME: '/home/a', XDG_RUNTIME_DIR: '/run/user/1', XDG_CACHE_HOME: '/c', XDG_CONFIG_HOME: 'relative' })).toMatchObject({
      configFile: '/home/a/.config/telepresence/config.yml',
      cacheDir: '/c/telepresence',
      socketDir: '/run/user/1/telepresence',
    });
  });

  it('keep sockets within what the kernel takes', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-zé]{1,200}$/), (name) => {
        const { daemonSocket, netdSocket } = clientPaths({ HOME: `/home/${name}` });
        for (const path of [daemonSocket, netdSocket]) expect(Buffer.byteLength(path)).toBeLessThanOrEqual(UNIX_SOCKET_PATH_LIMIT);
      }),
    );
    const long = (letter: string) => clientPaths({ HOME: `/home/${letter.repeat(120)}` }).socketDir;
    expect(long('a')).toMatch(/^\/tmp\/telepresence-[0-9a-f]{16}$/);
    expect(long('a')).not.toBe(long('b'));
  });

  it('are made for their owner alone', async () => {
    const paths = clientPaths({ HOME: join(folder, 'home') });
    await ensureClientDirs(paths, uid);
    chmodSync(paths.socketDir, 0o755);
    await ensureClientDirs(paths, uid);
    expect(statSync(paths.socketDir).mode & 0o777).toBe(0o700);
  });

  it('are refused when they belong to somebody else, or are links', async () => {
    const paths = clientPaths({ HOME: join(folder, 'other') });
    await ensureClientDirs(paths, uid);
    await expect(ensureClientDirs(paths, uid + 1)).rejects.toMatchObject({ code: 'TP-DAEMON-START' });
    const linked = clientPaths({ HOME: join(folder, 'linked') });
    mkdirSync(linked.cacheDir, { recursive: true });
    symlinkSync(paths.socketDir, linked.socketDir);
    await expect(ensureClientDirs(linked, uid)).rejects.toMatchObject({ code: 'TP-DAEMON-START' });
  });
});
