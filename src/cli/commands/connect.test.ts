import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type CliWorld, cliWorld } from '../../../test/helpers/run-cli.ts';
import { CodedError } from '../../base/errors.ts';
import type { ConnectResult } from '../../protocol/daemon-api.ts';

const RESULT: ConnectResult = { state: 'connected', context: 'default', server: 'https://198.18.0.1:6443', namespace: 'default' };
const NO_NETD = { needed: false, socket: '', logFile: '' };

/** A daemon program for the CLI to start: it answers `connect`, and ends on `quit`. */
function daemonProgram(world: CliWorld, body: string): void {
  const rpc = JSON.stringify(join(import.meta.dirname, '../../rpc/unix-http.ts'));
  const log = JSON.stringify(join(import.meta.dirname, '../../base/log.ts'));
  world.programs.daemon = join(world.home, 'fake-daemon.mts');
  writeFileSync(
    world.programs.daemon,
    `import { serveApi } from ${rpc}; import { silentLog } from ${log}; import { appendFileSync } from 'node:fs';
const called = (name) => appendFileSync(${JSON.stringify(join(world.home, 'called'))}, name + '\\n');
const result = ${JSON.stringify(RESULT)};
${body}`,
  );
}

const GOOD_DAEMON = (paths: { daemonSocket: string }, connect: string) => `await serveApi(${JSON.stringify(paths.daemonSocket)}, {
  version: () => ({ daemon: '0.1.0' }),
  netdNeeded: () => (${JSON.stringify(NO_NETD)}),
  connect: ${connect},
  disconnect: () => { called('disconnect'); return { wasConnected: true }; },
  quit: () => { called('quit'); setImmediate(() => process.exit(0)); return {}; },
}, { log: silentLog });
setTimeout(() => process.exit(0), 15000);`;

function called(world: CliWorld): string {
  const file = join(world.home, 'called');
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}

describe('connect', () => {
  it('starts the daemon and prints what the 2.0 guide prints', async () => {
    await using world = cliWorld();
    daemonProgram(world, GOOD_DAEMON(world.paths, '() => result'));
    const run = await world.run(['connect']);
    expect(run).toEqual({ code: 0, stdout: 'Launching Telepresence Daemon\n...\nConnected to context default (https://198.18.0.1:6443)\n', stderr: '' });
    expect(await world.run(['quit', '-s'])).toMatchObject({ code: 0, stdout: 'Quit\n' });
  });

  it('says when it is connected already', async () => {
    await using world = cliWorld();
    await world.serve({ netdNeeded: () => NO_NETD, connect: () => ({ ...RESULT, state: 'already' }) });
    expect((await world.run(['connect'])).stdout).toBe('Already connected to context default (https://198.18.0.1:6443)\n');
    expect(JSON.parse((await world.run(['connect', '--format', 'json'])).stdout)).toEqual({ ...RESULT, state: 'already' });
  });

  it('passes flags, environment and folder on', async () => {
    await using world = cliWorld();
    await world.serve({ netdNeeded: () => NO_NETD, connect: () => RESULT });
    const args = [
      '--context',
      'c',
      '--kubeconfig',
      'k.yml',
      '--as-group=a',
      '--as-group',
      'b',
      '--insecure-skip-tls-verify',
      '-s',
      'https://x',
      '-n',
      'shop',
      '--manager-namespace',
      'm',
    ];
    await world.run([
      'connect',
      ...args,
      '--mapped-namespaces',
      'a,b',
      '--mapped-namespaces',
      'c',
      '--also-proxy',
      '10.0.0.0/8',
      '--never-proxy=10.1.0.0/16',
      '--allow-conflicting-subnets',
      '10.2.0.0/16',
      '--name',
      'one',
      '--config',
      'c.yml',
    ]);
    expect(world.calls.at(-1)).toEqual({
      method: 'connect',
      params: {
        kubeFlags: { context: 'c', kubeconfig: join(world.home, 'k.yml'), 'as-group': ['a', 'b'], 'insecure-skip-tls-verify': 'true', server: 'https://x' },
        env: world.env,
        cwd: world.home,
        namespace: 'shop',
        managerNamespace: 'm',
        mappedNamespaces: ['a', 'b', 'c'],
        alsoProxy: ['10.0.0.0/8'],
        neverProxy: ['10.1.0.0/16'],
        allowConflictingSubnets: ['10.2.0.0/16'],
        name: 'one',
        configFile: join(world.home, 'c.yml'),
      },
    });
  });

  it('ends the daemon it started when the connection fails', async () => {
    await using world = cliWorld();
    daemonProgram(world, GOOD_DAEMON(world.paths, `() => { throw Object.assign(new Error('no'), { code: 'X' }); }`));
    const run = await world.run(['connect']);
    expect(run.code).toBe(1);
    expect(run.stderr).toContain('TP-INTERNAL: ');
    expect(called(world)).toBe('quit\n');
  });

  it('leaves a daemon that was there before alone when the connection fails', async () => {
    await using world = cliWorld();
    await world.serve({
      netdNeeded: () => NO_NETD,
      connect: () => {
        throw new CodedError('TP-KUBE-NO-CONTEXT', 'There is no context "x".');
      },
    });
    const run = await world.run(['connect', '--context', 'x']);
    expect(run.stderr).toBe(
      'telepresence connect: error: There is no context "x".\nTP-KUBE-NO-CONTEXT: `telepresence list-contexts` shows the contexts that the kubeconfig has.\n',
    );
    expect(world.calls.map(({ method }) => method)).not.toContain('quit');
  });

  it('ends the daemon it started when it is interrupted', async () => {
    await using world = cliWorld();
    const controller = new AbortController();
    daemonProgram(world, GOOD_DAEMON(world.paths, '(_, { progress }) => { progress("on the way"); return new Promise(() => {}); }'));
    const stderr = {
      text: '',
      write(text: string) {
        this.text += text;
        if (text.includes('on the way')) controller.abort('SIGINT');
      },
    };
    const run = await world.run(['connect', '--progress', 'plain'], { stderr, interrupts: { signal: controller.signal, redirect: () => () => {} } });
    expect(run.code).toBe(130);
    expect(stderr.text).toContain('TP-CANCELLED: ');
    expect(called(world)).toBe('quit\n');
  });

  it('shows the end of the log of a daemon that dies', async () => {
    await using world = cliWorld();
    daemonProgram(world, `console.error('cannot do this'); process.exit(3);`);
    const run = await world.run(['connect']);
    expect(run.code).toBe(1);
    expect(run.stderr).toMatch(
      /^telepresence connect: error: The daemon did not start: it ended with exit code 3\. The end of .*daemon\.log:\n {2}cannot do this\nTP-DAEMON-START: /,
    );
  });

  it('runs a command connected, then disconnects with its exit code', async () => {
    await using world = cliWorld();
    await world.serve({ netdNeeded: () => NO_NETD, connect: () => RESULT, disconnect: () => ({ wasConnected: true }) });
    const run = await world.run(['connect', '--', 'sh', '-c', 'exit 9']);
    expect(run.code).toBe(9);
    expect(world.calls.map(({ method }) => method)).toEqual(['version', 'netdNeeded', 'connect', 'disconnect']);
  });

  it('leaves a connection that was there before when its command ends', async () => {
    await using world = cliWorld();
    await world.serve({ netdNeeded: () => NO_NETD, connect: () => ({ ...RESULT, state: 'already' }), disconnect: () => ({ wasConnected: true }) });
    expect((await world.run(['connect', '--', 'true'])).code).toBe(0);
    expect(world.calls.map(({ method }) => method)).not.toContain('disconnect');
  });

  it.skipIf(process.getuid?.() !== 0)('starts netd itself as root, and says why it died (needs root)', async () => {
    await using world = cliWorld();
    const logFile = join(world.home, 'netd.log');
    world.programs.netd = join(world.home, 'netd.mjs');
    writeFileSync(world.programs.netd, `console.error('no tun', process.argv.slice(2).join(' ')); process.exit(1);`);
    await world.serve({
      netdNeeded: () => ({ needed: true, socket: '/run/netd.sock', logFile }),
      connect: () => new Promise(() => {}),
      disconnect: () => ({ wasConnected: false }),
    });
    const run = await world.run(['connect']);
    expect(run.stdout).toBe('Launching Telepresence Daemon\n...\n');
    expect(run.stderr).toMatch(/error: netd did not start: it ended with exit code 1\..*\n {2}no tun --socket \/run\/netd\.sock\nTP-NETD-FAILED: /);
    expect(world.calls.at(-1)?.method).toBe('disconnect');
  });

  it.skipIf(process.getuid?.() !== 0)('answers with what the daemon says when the daemon let netd go first (needs root)', async () => {
    await using world = cliWorld();
    const gone = join(world.home, 'gone');
    world.programs.netd = join(world.home, 'netd.mjs');
    writeFileSync(world.programs.netd, `import { writeFileSync } from 'node:fs'; process.on('exit', () => writeFileSync(${JSON.stringify(gone)}, ''));`);
    await world.serve({
      netdNeeded: () => ({ needed: true, socket: '/run/netd.sock', logFile: join(world.home, 'netd.log') }),
      connect: async () => {
        await expect.poll(() => existsSync(gone), { timeout: 5_000 }).toBe(true);
        await new Promise((resolve) => setTimeout(resolve, 100));
        throw new CodedError('TP-SUBNET-CONFLICT', 'They overlap.');
      },
      disconnect: () => ({ wasConnected: false }),
    });
    expect((await world.run(['connect'])).stderr).toMatch(/error: They overlap\.\nTP-SUBNET-CONFLICT: /);
  });

  it('asks for root by sudo, and says so when it can not', async () => {
    await using world = cliWorld();
    await world.serve({
      netdNeeded: () => ({ needed: true, socket: '/run/netd.sock', logFile: join(world.home, 'netd.log') }),
      disconnect: () => ({ wasConnected: false }),
    });
    const fake = (script: string) => writeFileSync(join(world.home, 'sudo'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    const env = { ...world.env, PATH: world.home };
    expect((await world.run(['connect'], { uid: 1000, env })).stderr).toContain('there is no sudo.\nTP-ROOT-NEEDED: ');
    fake('exit 1');
    expect((await world.run(['connect'], { uid: 1000, env })).stderr).toContain('sudo has no terminal to ask for a password in.\nTP-ROOT-NEEDED: ');
    const asked = await world.run(['connect'], { uid: 1000, env, stdin: { isTTY: true } });
    expect(asked.stderr).toMatch(/^Telepresence needs root once, .*\n.*sudo refused to start netd \(exit code 1\)\.\nTP-ROOT-NEEDED: /);
  });
});
