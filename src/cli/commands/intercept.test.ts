import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cliWorld, INTERCEPT as INFO } from '../../../test/helpers/run-cli.ts';
import { CodedError } from '../../base/errors.ts';

const SEED = `Using deployment example-service
intercepted
    Intercept name: example-service
    State         : ACTIVE
    Destination   : 127.0.0.1:8080
    Intercepting  : all TCP connections
`;

describe('intercept', () => {
  it('prints what the 2.0 guide prints', async () => {
    await using world = cliWorld();
    await world.serve({ intercept: () => ({ ...INFO, environment: { A: '1' } }) });
    const run = await world.run(['intercept', 'example-service', '--port', '8080:http', '--env-file', join(world.home, 'example-service-intercept.env')]);
    expect(run).toEqual({ code: 0, stdout: SEED, stderr: '' });
    expect(world.calls).toMatchObject([
      { method: 'intercept', params: { name: 'example-service', localPort: 8080, remotePort: 'http', mechanism: 'tcp', withEnv: true, mount: true } },
    ]);
    expect(readFileSync(join(world.home, 'example-service-intercept.env'), 'utf8')).toBe('A=1\nTELEPRESENCE_INTERCEPT_ID=6f1c\n');
    expect(statSync(join(world.home, 'example-service-intercept.env')).mode & 0o777).toBe(0o600);
  });

  it('aligns by the longest label when the port is shown, and lists what an HTTP intercept matches', async () => {
    await using world = cliWorld();
    await world.serve({
      intercept: () => ({
        ...INFO,
        mechanism: 'http',
        servicePortShown: true,
        http: { headers: [{ name: 'x-telepresence-intercept-id', value: { regex: '6f1c:example-service' } }], paths: [{ prefix: '/api' }] },
      }),
    });
    const run = await world.run(['intercept', 'example-service', '--http-header', 'x-user: me', '--http-header=y=a=b', '--http-path-prefix', '/api']);
    expect(run.stdout).toBe(`Using deployment example-service
intercepted
    Intercept name   : example-service
    State            : ACTIVE
    Destination      : 127.0.0.1:8080
    Service Port Name: http
    Intercepting     : HTTP requests that match all of:
      header("x-telepresence-intercept-id") ~= regexp("6f1c:example-service")
      path() has prefix "/api"
`);
    expect(world.calls).toMatchObject([
      {
        params: {
          mechanism: 'http',
          http: {
            headers: [
              { name: 'x-user', value: { exact: 'me' } },
              { name: 'y', value: { exact: 'a=b' } },
            ],
            paths: [{ prefix: '/api' }],
          },
        },
      },
    ]);
  });

  it('shows warnings of the daemon and volumes that are not mounted', async () => {
    await using world = cliWorld();
    await world.serve({
      intercept: (_, { warning }) => {
        warning('nothing listens on 127.0.0.1:8080');
        return { ...INFO, volumesNotMounted: ['data', 'cache'] };
      },
    });
    const run = await world.run(['intercept', 'example-service', '-p8080']);
    expect(run.stderr).toBe('Warning: nothing listens on 127.0.0.1:8080\nWarning: volumes are not mounted yet: data, cache (--mount=false silences this).\n');
    expect(run.stdout).toBe(SEED);
  });

  it('writes variables that a syntax can hold and names the others', async () => {
    await using world = cliWorld();
    await world.serve({ intercept: () => ({ ...INFO, container: 'app', environment: { KEY: 'a\nb', TEXT: '$x "y"' } }) });
    const run = await world.run(['intercept', 'example-service', '-e', 'out.env', '-j', 'out.json']);
    expect(run.stderr).toBe(
      'Warning: KEY is not in out.env: its value has several lines, which the docker syntax has no way to write. --env-json and other --env-syntax hold it.\n',
    );
    expect(readFileSync(join(world.home, 'out.env'), 'utf8')).toBe('TELEPRESENCE_CONTAINER=app\nTELEPRESENCE_INTERCEPT_ID=6f1c\nTEXT=$x "y"\n');
    expect(JSON.parse(readFileSync(join(world.home, 'out.json'), 'utf8'))).toEqual({
      KEY: 'a\nb',
      TEXT: '$x "y"',
      TELEPRESENCE_CONTAINER: 'app',
      TELEPRESENCE_INTERCEPT_ID: '6f1c',
    });
  });

  it('writes through a link and keeps the link', async () => {
    await using world = cliWorld();
    mkdirSync(join(world.home, 'dir'));
    writeFileSync(join(world.home, 'dir', 'real.env'), 'old');
    symlinkSync('dir/real.env', join(world.home, 'link.env'));
    await world.serve({ intercept: () => ({ ...INFO, environment: {} }) });
    expect((await world.run(['intercept', 'example-service', '-e', 'link.env'])).code).toBe(0);
    expect(readFileSync(join(world.home, 'dir', 'real.env'), 'utf8')).toBe('TELEPRESENCE_INTERCEPT_ID=6f1c\n');
    expect(readdirSync(world.home)).toContain('link.env');
  });

  it('leaves again, and leaves no file, when the file can not be written', async () => {
    await using world = cliWorld();
    await world.serve({ intercept: () => ({ ...INFO, environment: {} }), leave: () => ({}) });
    const run = await world.run(['intercept', 'example-service', '-e', 'missing/out.env']);
    expect(run.code).toBe(1);
    expect(run.stdout).toBe('');
    expect(run.stderr).toMatch(/^telepresence intercept: error: The environment could not be written to .*missing\/out\.env: ENOENT.*\nTP-ENV-FILE: /);
    expect(world.calls.at(-1)).toEqual({ method: 'leave', params: { name: 'example-service', namespace: 'default' } });
  });

  it.skipIf(!existsSync('/dev/full'))('says that the disk is full (needs /dev/full)', async () => {
    await using world = cliWorld();
    await world.serve({ intercept: () => ({ ...INFO, environment: {} }), leave: () => ({}) });
    const run = await world.run(['intercept', 'example-service', '-e', '/dev/full']);
    expect(run.stderr).toMatch(/ENOSPC.*\nTP-ENV-FILE: /);
    expect(world.calls.map(({ method }) => method)).toEqual(['intercept', 'leave']);
  });

  it('runs a command with the environment, then leaves with its exit code', async () => {
    await using world = cliWorld();
    await world.serve({ intercept: () => ({ ...INFO, environment: { GREETING: 'a "b"\n$c' } }), leave: () => ({}) });
    const script = join(world.home, 'app');
    writeFileSync(script, '#!/bin/sh\nprintf "%s|%s" "$GREETING" "$TELEPRESENCE_INTERCEPT_ID" > seen\nexit 7\n');
    chmodSync(script, 0o755);
    expect((await world.run(['intercept', 'example-service', '--', './app'])).code).toBe(7);
    expect(readFileSync(join(world.home, 'seen'), 'utf8')).toBe('a "b"\n$c|6f1c');
    expect(world.calls.map(({ method }) => method)).toEqual(['intercept', 'leave']);
  });

  it('passes a signal on to the command and answers with what it died of', async () => {
    await using world = cliWorld();
    await world.serve({ intercept: () => ({ ...INFO, environment: {} }), leave: () => ({}) });
    const redirect = (handler: (signal: NodeJS.Signals) => void) => {
      setImmediate(() => handler('SIGTERM'));
      return () => {};
    };
    const run = await world.run(['intercept', 'example-service', '--', 'sleep', '30'], { interrupts: { signal: new AbortController().signal, redirect } });
    expect(run.code).toBe(143);
    expect(world.calls.at(-1)?.method).toBe('leave');
  });

  it('leaves when the command can not be started', async () => {
    await using world = cliWorld();
    await world.serve({ intercept: () => ({ ...INFO, environment: {} }), leave: () => ({}) });
    const run = await world.run(['intercept', 'example-service', '--', './nothing']);
    expect(run.stderr).toContain('./nothing could not be started');
    expect(run.stderr).toContain('TP-COMMAND-FAILED: ');
    expect(world.calls.map(({ method }) => method)).toEqual(['intercept', 'leave']);
  });

  it('prints secrets only in the object that --detailed-output asks for', async () => {
    await using world = cliWorld();
    await world.serve({ intercept: () => ({ ...INFO, environment: { TOKEN: 'secret' } }) });
    expect((await world.run(['intercept', 'example-service', '--format', 'json', '-j', 'x.json'])).stdout).not.toContain('secret');
    expect(JSON.parse((await world.run(['intercept', 'example-service', '--output', 'json', '--detailed-output'])).stdout)).toMatchObject({
      name: 'example-service',
      environment: { TOKEN: 'secret' },
    });
  });

  it.each([
    [['--port', '0'], 'TP-USAGE'],
    [['--port', '8080:a:b:c'], 'TP-USAGE'],
    [['--port', '8080', '--port', '9090'], 'TP-UNSUPPORTED'],
    [['--mount', '/data'], 'TP-UNSUPPORTED'],
    [['--env-syntax', 'toml'], 'TP-USAGE'],
    [['--mechanism', 'quic'], 'TP-USAGE'],
    [['--mechanism', 'tcp', '--http-path-equal', '/'], 'TP-USAGE'],
    [['--http-header', 'nothing'], 'TP-USAGE'],
    [['--'], 'TP-USAGE'],
  ])('refuses %j before the daemon is asked', async (args, code) => {
    await using world = cliWorld();
    await world.serve({ intercept: () => INFO });
    const run = await world.run(['intercept', 'example-service', ...args]);
    expect(run.code).toBe(1);
    expect(run.stderr).toContain(`\n${code}: `);
    expect(world.calls).toEqual([]);
  });

  it('says what the daemon refuses', async () => {
    await using world = cliWorld();
    await world.serve({
      intercept: () => {
        throw new CodedError('TP-PORT-AMBIGUOUS', 'The service web has several ports: 80 (http), 443 (https).');
      },
    });
    expect((await world.run(['intercept', 'web'])).stderr).toBe(
      'telepresence intercept: error: The service web has several ports: 80 (http), 443 (https).\nTP-PORT-AMBIGUOUS: Pass --port LOCAL:PORT with one of the ports that are listed.\n',
    );
  });
});
