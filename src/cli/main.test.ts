import { describe, expect, it } from 'vitest';
import { cliWorld } from '../../test/helpers/run-cli.ts';
import { CodedError } from '../base/errors.ts';

describe('the command line', () => {
  it('says what commands there are', async () => {
    await using world = cliWorld();
    const { code, stdout, stderr } = await world.run([]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^ {2}intercept +Intercept a service$/m);
    expect(stdout).not.toContain('userd');
    expect(await world.run(['--help'])).toEqual(await world.run(['help']));
  });

  it('shows the commands of a group, and the help of one', async () => {
    await using world = cliWorld();
    expect((await world.run(['helm'])).stdout).toContain('  helm install     Install the traffic-manager\n');
    const help = await world.run(['help', 'helm', 'install']);
    expect(help.stdout).toContain('Usage: telepresence helm install');
    expect(help).toEqual(await world.run(['helm', 'install', '-h']));
  });

  it.each([
    [['lst'], 'telepresence: error: There is no command "lst".\nTP-USAGE: '],
    [['--nonsense'], 'telepresence: error: There is no flag --nonsense.\nTP-USAGE: '],
    [['list', '--nonsense'], "telepresence list: error: Unknown option '--nonsense'.\nTP-USAGE: "],
    [['list', '--agent'], "telepresence list: error: Unknown option '--agent'; did you mean --agents?\nTP-USAGE: "],
    [['leave'], "telepresence leave: error: Missing required argument 'name'.\nTP-USAGE: "],
    [['list', '--format', 'xml'], 'telepresence list: error: --format is "xml"; it takes default, json, yaml, json-stream.\nTP-USAGE: '],
    [['list', '--format', 'json', '--output', 'json'], 'telepresence list: error: --format and --output exclude each other.\nTP-USAGE: '],
    [['list', '--agents=maybe'], 'telepresence list: error: --agents is "maybe"; it takes true or false.\nTP-USAGE: '],
    [['status', '--', 'ls'], 'telepresence status: error: telepresence status takes no command behind --.\nTP-USAGE: '],
    [['ingest', 'x'], 'telepresence ingest: error: telepresence ingest is planned, but not built yet.\nTP-UNSUPPORTED: '],
    [
      ['genyaml', 'config', '-i', '-', '--what'],
      'telepresence genyaml config: error: telepresence genyaml config is refused: it will not be built.\nTP-UNSUPPORTED: ',
    ],
    [['compose', 'up', '-d'], 'telepresence compose up: error: telepresence compose up is planned, but not built yet.\nTP-UNSUPPORTED: '],
    [['replace', 'x', '--', '-it', 'image'], 'telepresence replace: error: telepresence replace is planned, but not built yet.\nTP-UNSUPPORTED: '],
    [['connect', '--docker'], 'telepresence connect: error: --docker is planned, but not built yet.\nTP-UNSUPPORTED: '],
    [['list', '--use', '('], 'telepresence list: error: The telepresence daemon is not running.\nTP-DAEMON-NOT-RUNNING: '],
  ])('refuses %j with a sentence and a code', async (args, start) => {
    await using world = cliWorld();
    const { code, stdout, stderr } = await world.run(args);
    expect(code).toBe(1);
    expect(stdout).toBe('');
    expect(stderr.slice(0, start.length)).toBe(start);
  });

  it('takes the common flags before, between and behind the words', async () => {
    await using world = cliWorld();
    const wanted = '{"version":"v0.1.0","helm":null}\n';
    for (const args of [
      ['--format', 'json-stream', 'helm', 'version'],
      ['helm', '--format=json-stream', 'version'],
      ['helm', 'version', '--output', 'json-stream'],
    ]) {
      expect((await world.run(args)).stdout).toBe(wanted);
    }
  });

  it('puts the error of --format on stdout and that of --output into the envelope', async () => {
    await using world = cliWorld();
    const plain = await world.run(['leave', 'x', '--format', 'json']);
    expect(plain).toMatchObject({ code: 1, stderr: '' });
    expect(JSON.parse(plain.stdout)).toEqual({
      error: 'The telepresence daemon is not running.',
      code: 'TP-DAEMON-NOT-RUNNING',
      help: 'Run `telepresence connect` first.',
    });
    const enveloped = await world.run(['leave', 'x', '--output', 'yaml']);
    expect(enveloped.code).toBe(1);
    expect(enveloped.stdout).toContain('cmd: leave\nstdout: ""\nstderr: ""\nerr: The telepresence daemon is not running.\ncode: TP-DAEMON-NOT-RUNNING\n');
  });

  it('wraps the text of a command without an object of its own under --output', async () => {
    await using world = cliWorld();
    expect(JSON.parse((await world.run(['quit', '--output', 'json'])).stdout)).toEqual({ cmd: 'quit', stdout: 'Not connected\n', stderr: '' });
    expect(JSON.parse((await world.run(['quit', '--format', 'json'])).stdout)).toEqual({ status: 'Not connected' });
  });

  it('refuses a connection that --use does not name', async () => {
    await using world = cliWorld();
    const status = {
      daemon: {
        running: true as const,
        version: '0',
        pid: 1,
        executable: '',
        installId: '',
        state: 'connected' as const,
        context: 'default',
        namespace: 'shop',
      },
      netd: { running: false },
      manager: { connected: true },
    };
    await world.serve({ status: () => status, leave: () => ({}) });
    expect((await world.run(['leave', 'x', '--use', '^other'])).stderr).toContain(
      'No connection matches --use ^other; the one there is is called default-shop.',
    );
    expect(await world.run(['leave', 'x', '--use', 'shop$'])).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  it('prints a signal as a cancellation and exits as a shell expects', async () => {
    await using world = cliWorld();
    const controller = new AbortController();
    await world.serve({
      list: (_, { signal }) => {
        controller.abort('SIGTERM');
        return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new CodedError('TP-CANCELLED', 'gone'))));
      },
    });
    const run = await world.run(['list'], { interrupts: { signal: controller.signal, redirect: () => () => {} } });
    expect(run).toEqual({
      code: 143,
      stdout: '',
      stderr: 'telepresence list: error: Ended by SIGTERM.\nTP-CANCELLED: Nothing was left half done; run the command again.\n',
    });
  });
});
