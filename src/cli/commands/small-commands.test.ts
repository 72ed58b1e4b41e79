import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cliWorld } from '../../../test/helpers/run-cli.ts';

describe('quit', () => {
  it('disconnects, and with -s ends the daemon', async () => {
    await using world = cliWorld();
    await world.serve({ disconnect: () => ({ wasConnected: true }), quit: () => ({}) });
    expect((await world.run(['quit'])).stdout).toBe('Disconnected\n');
    expect((await world.run(['quit', '-s'])).stdout).toBe('Quit\n');
    expect(world.calls.map(({ method }) => method)).toEqual(['disconnect', 'quit']);
  });

  it('says that there was no connection', async () => {
    await using world = cliWorld();
    expect(await world.run(['quit'])).toEqual({ code: 0, stdout: 'Not connected\n', stderr: '' });
  });
});

describe('leave', () => {
  it.each(['leave', 'detach'])('is silent, as %s', async (name) => {
    await using world = cliWorld();
    await world.serve({ leave: () => ({}) });
    expect(await world.run([name, 'web', '-n', 'shop'])).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(world.calls).toEqual([{ method: 'leave', params: { name: 'web', namespace: 'shop' } }]);
  });
});

describe('uninstall', () => {
  it('takes names, with or without --agent', async () => {
    await using world = cliWorld();
    await world.serve({ uninstall: () => ({ done: ['agent of web removed'] }) });
    expect((await world.run(['uninstall', '--agent', 'web', 'db', '-n', 'shop'])).stdout).toBe('agent of web removed\n');
    await world.run(['uninstall', 'web']);
    await world.run(['uninstall', '--all-agents']);
    expect(world.calls.map(({ params }) => params)).toEqual([
      { agents: ['web', 'db'], allAgents: false, everything: false, namespace: 'shop' },
      { agents: ['web'], allAgents: false, everything: false },
      { agents: [], allAgents: true, everything: false },
    ]);
  });

  it('ends the daemon after --everything', async () => {
    await using world = cliWorld();
    await world.serve({ uninstall: () => ({ done: [] }), quit: () => ({}) });
    expect(await world.run(['uninstall', '--everything', '--context', 'c'])).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(world.calls.map(({ method }) => method)).toEqual(['version', 'uninstall', 'quit']);
    expect(world.calls[1]?.params).toMatchObject({ everything: true, cluster: { kubeFlags: { context: 'c' } } });
  });

  it.each([[[]], [['--agent']], [['web', '--everything']], [['--all-agents', '--everything']]])('does not guess at %j', async (args) => {
    await using world = cliWorld();
    expect((await world.run(['uninstall', ...args])).stderr).toContain('\nTP-USAGE: ');
  });
});

describe('loglevel', () => {
  it('passes level and duration on', async () => {
    await using world = cliWorld();
    await world.serve({ loglevel: () => ({}) });
    expect((await world.run(['loglevel', 'DEBUG'])).code).toBe(0);
    await world.run(['loglevel', 'trace', '-d', '0s', '--remote-only']);
    expect(world.calls.map(({ params }) => params)).toEqual([
      { level: 'debug', durationMs: 1_800_000, localOnly: false, remoteOnly: false },
      { level: 'trace', durationMs: 0, localOnly: false, remoteOnly: true },
    ]);
  });

  it.each([[['loud']], [['info', '-d', 'long']], [['info', '-l', '-r']], [[]]])('refuses %j', async (args) => {
    await using world = cliWorld();
    expect((await world.run(['loglevel', ...args])).stderr).toContain('\nTP-USAGE: ');
  });
});

describe('gather-logs', () => {
  it('says where the file is', async () => {
    await using world = cliWorld();
    await world.serve({ gatherLogs: () => ({ file: '/tmp/x.zip', entries: ['daemon.log'] }) });
    expect((await world.run(['gather-logs', '-o', 'x.zip', '--traffic-manager=false', '-a', '--daemons', 'root'])).stdout).toBe(
      'Logs have been exported to /tmp/x.zip\n',
    );
    expect(world.calls.at(-1)?.params).toEqual({
      daemons: 'root',
      trafficAgents: 'all',
      trafficManager: false,
      podYaml: false,
      anonymize: true,
      outputFile: join(world.home, 'x.zip'),
    });
  });
});

describe('list-contexts and list-namespaces', () => {
  it('print one a line', async () => {
    await using world = cliWorld();
    const context = { name: 'one', cluster: 'c', user: 'u', current: true };
    await world.serve({
      listContexts: () => ({ contexts: [context, { ...context, name: 'two', current: false }] }),
      listNamespaces: () => ({ namespaces: ['default', 'shop'] }),
    });
    expect((await world.run(['list-contexts'])).stdout).toBe('one\ntwo\n');
    expect((await world.run(['list-namespaces', '--context', 'two'])).stdout).toBe('default\nshop\n');
    expect((await world.run(['list-namespaces', '--format', 'json-stream'])).stdout).toBe('["default","shop"]\n');
  });
});

describe('helm', () => {
  it('merges values and passes them on', async () => {
    await using world = cliWorld();
    await world.serve({ helmInstall: () => ({ message: 'installed' }), helmUpgrade: () => ({ message: 'upgraded' }) });
    writeFileSync(join(world.home, 'v.yaml'), 'image: {tag: a}\nreplicas: 1\n');
    expect(
      (await world.run(['helm', 'install', '-f', 'v.yaml', '--set', 'replicas=2,image.name=x', '--create-namespace=false', '--manager-namespace', 'tp']))
        .stdout,
    ).toBe('installed\n');
    expect(world.calls.at(-1)?.params).toMatchObject({
      values: { image: { tag: 'a', name: 'x' }, replicas: 2 },
      createNamespace: false,
      reuseValues: false,
      resetValues: false,
      cluster: { managerNamespace: 'tp' },
    });
    await world.run(['helm', 'upgrade', '--reuse-values']);
    expect(world.calls.at(-1)?.params).toMatchObject({ values: {}, createNamespace: true, reuseValues: true });
  });

  it.each([
    [['upgrade', '--reuse-values', '--reset-values'], 'TP-USAGE'],
    [['install', '--no-hooks'], 'TP-UNSUPPORTED'],
    [['install', '--set', 'a'], 'TP-USAGE'],
    [['install', '-f', 'https://example.com/v.yaml'], 'TP-UNSUPPORTED'],
    [['install', '-f', 'missing.yaml'], 'TP-USAGE'],
  ])('refuses %j', async (args, code) => {
    await using world = cliWorld();
    expect((await world.run(['helm', ...args])).stderr).toContain(`\n${code}: `);
  });
});

describe('config view', () => {
  it('shows the file alone, or merged over the defaults', async () => {
    await using world = cliWorld();
    mkdirSync(dirname(world.paths.configFile), { recursive: true });
    writeFileSync(world.paths.configFile, 'timeouts: {intercept: 90s}\n');
    expect((await world.run(['config', 'view', '-c'])).stdout).toBe('timeouts:\n  intercept: 90s\n');
    const { stdout } = await world.run(['config', 'view', '--format', 'json']);
    expect(JSON.parse(stdout)).toMatchObject({
      timeouts: { intercept: '1m30s', helm: '30s' },
      cluster: { defaultManagerNamespace: 'ambassador' },
      configFile: world.paths.configFile,
      logDir: world.paths.logDir,
    });
  });

  it('lists every mistake with its line', async () => {
    await using world = cliWorld();
    writeFileSync(join(world.home, 'c.yml'), 'timeouts:\n  intercept: soon\ntimeout: {}\n');
    const { stderr, code } = await world.run(['config', 'view', '--config', 'c.yml']);
    expect(code).toBe(1);
    expect(stderr).toContain(
      'c.yml has 2 mistakes:\n  line 2: timeouts.intercept: "soon" is not a duration such as 30s or 1m30s\n  line 3: timeout: there is no such key\nTP-CONFIG-INVALID: ',
    );
  });

  it('asks the daemon, which knows the kubeconfig, when it runs', async () => {
    await using world = cliWorld();
    await world.serve({ configView: () => ({ config: { a: 1 }, file: '/f', logDir: '/l' }) });
    expect((await world.run(['config', 'view'])).stdout).toBe('a: 1\nconfigFile: /f\nlogDir: /l\n');
  });
});

describe('package', () => {
  it('has the command it promises', () => {
    const root = join(import.meta.dirname, '../../..');
    const { bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    expect(readFileSync(join(root, bin.telepresence), 'utf8').startsWith('#!/bin/sh\n')).toBe(true);
  });
});
