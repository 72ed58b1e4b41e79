import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type CliWorld, cliWorld, INTERCEPT as INFO } from '../../../test/helpers/run-cli.ts';
import { CodedError } from '../../base/errors.ts';
import type { Ingress } from '../../protocol/cloud.ts';
import type { CloudLogin, InterceptInfo } from '../../protocol/daemon-api.ts';

const LOGIN: CloudLogin = {
  url: 'https://cloud.example.com',
  user: { id: 'u', name: 'Ann', email: 'ann@example.com' },
  organisation: { id: 'o', name: 'Shop' },
};
const GUESS: Ingress = { host: 'traefik.ingress', port: 443, tls: true, l5host: 'shop.example.com' };
const PREVIEW: InterceptInfo = {
  ...INFO,
  mechanism: 'http',
  servicePortShown: true,
  http: { headers: [{ name: 'x-telepresence-intercept-id', value: { regex: '<intercept id>:example-service' } }], paths: [] },
  previewUrl: 'https://abc.preview.edgestack.me',
  l5host: 'dev-environment.edgestack.me',
};
/** The seed's section 4, from the first question to the end. */
const SEED = `To create a preview URL, telepresence needs to know how cluster
ingress works for this service.  Please Confirm the ingress to use.

1/4: What's your ingress' layer 3 (IP) address?
     You may use an IP address or a DNS name (this is usually a
     "service.namespace" DNS name).

       [default: -]: ambassador.ambassador

2/4: What's your ingress' layer 4 address (TCP port number)?

       [default: -]: 443

3/4: Does that TCP port on your ingress use TLS (as opposed to cleartext)?

       [default: n]: y

4/4: If required by your ingress, specify a different layer 5 hostname
     (TLS-SNI, HTTP "Host" header) to access this service.

       [default: ambassador.ambassador]: dev-environment.edgestack.me

Using deployment example-service
intercepted
    Intercept name   : example-service
    State            : ACTIVE
    Destination      : 127.0.0.1:8080
    Service Port Name: http
    Intercepting     : HTTP requests that match all of:
      header("x-telepresence-intercept-id") ~= regexp("<intercept id>:example-service")
    Preview URL      : https://abc.preview.edgestack.me
    Layer 5 Hostname : dev-environment.edgestack.me
`;

function logIn(world: CliWorld): void {
  mkdirSync(dirname(world.paths.cloudFile), { recursive: true });
  writeFileSync(world.paths.cloudFile, '{}');
}

/** A terminal on which `answers` are typed; what it shows is in `text`, with the echo that a terminal makes. */
function terminal(answers: string[]) {
  const screen = {
    isTTY: true,
    text: '',
    write(text: string): void {
      screen.text += text;
    },
  };
  const typed = [...answers];
  const lines = async () => ({
    next: async () => {
      const answer = typed.shift();
      if (answer !== undefined) screen.text += `${answer}\n`;
      return answer;
    },
    close: () => undefined,
  });
  return { screen, io: { stdin: { isTTY: true }, stdout: screen, stderr: screen, lines } };
}

const COMMAND = ['intercept', 'example-service', '--port', '8080:http', '--progress', 'quiet'];

describe('intercept after a login', () => {
  it('asks the four questions and prints what the guide prints', async () => {
    await using world = cliWorld();
    logIn(world);
    await world.serve({ ingressGuess: () => ({ ingresses: [] }), intercept: () => PREVIEW });
    const { screen, io } = terminal(['ambassador.ambassador', '443', 'y', 'dev-environment.edgestack.me']);
    expect((await world.run(COMMAND, io)).code).toBe(0);
    expect(screen.text).toBe(SEED);
    expect(world.calls).toMatchObject([
      { method: 'ingressGuess', params: { workload: 'example-service' } },
      {
        method: 'intercept',
        params: {
          mechanism: 'http',
          personal: true,
          preview: { ingress: { host: 'ambassador.ambassador', port: 443, tls: true, l5host: 'dev-environment.edgestack.me' } },
        },
      },
    ]);
  });

  it('offers what was found as the defaults, which an empty line takes', async () => {
    await using world = cliWorld();
    logIn(world);
    await world.serve({ ingressGuess: () => ({ ingresses: [GUESS] }), intercept: () => PREVIEW });
    const { screen, io } = terminal(['', '', '', '']);
    expect((await world.run(COMMAND, io)).code).toBe(0);
    expect(screen.text.match(/\[default: .*\]/g)).toEqual(['[default: traefik.ingress]', '[default: 443]', '[default: y]', '[default: shop.example.com]']);
    expect(world.calls.at(-1)?.params).toMatchObject({ preview: { ingress: GUESS } });
  });

  it('asks again after what is no answer', async () => {
    await using world = cliWorld();
    logIn(world);
    await world.serve({ ingressGuess: () => ({ ingresses: [] }), intercept: () => PREVIEW });
    const { screen, io } = terminal(['', 'https://x/', 'in.ns', '99999', '80', 'maybe', '', '']);
    expect((await world.run(COMMAND, io)).code).toBe(0);
    expect(screen.text.match(/Please type .*/g)).toEqual([
      'Please type a DNS name or an IP address.',
      'Please type a DNS name or an IP address.',
      'Please type a number from 1 to 65535.',
      'Please type y or n.',
    ]);
    expect(world.calls.at(-1)?.params).toMatchObject({ preview: { ingress: { host: 'in.ns', port: 80, tls: false, l5host: 'in.ns' } } });
  });

  it('changes nothing when the input ends', async () => {
    await using world = cliWorld();
    logIn(world);
    await world.serve({ ingressGuess: () => ({ ingresses: [] }) });
    const { screen, io } = terminal(['in.ns']);
    expect((await world.run(COMMAND, io)).code).toBe(1);
    expect(screen.text).toContain('\nTP-CANCELLED: ');
    expect(world.calls.map(({ method }) => method)).toEqual(['ingressGuess']);
  });

  it('takes flags instead', async () => {
    await using world = cliWorld();
    logIn(world);
    await world.serve({ intercept: () => PREVIEW });
    await world.run([...COMMAND, '--ingress-host', 'in.ns', '--ingress-port', '443', '--ingress-tls', '--ingress-l5', 'a.example.com']);
    await world.run([...COMMAND, '--preview-url=true', '--ingress-host', '10.0.0.1', '--ingress-port=80']);
    expect(world.calls.map(({ params }) => (params as { preview: unknown }).preview)).toEqual([
      { ingress: { host: 'in.ns', port: 443, tls: true, l5host: 'a.example.com' } },
      { ingress: { host: '10.0.0.1', port: 80, tls: false, l5host: '10.0.0.1' } },
    ]);
  });

  it('never asks without a terminal, and names the flags', async () => {
    await using world = cliWorld();
    logIn(world);
    await world.serve({});
    const { code, stderr } = await world.run(COMMAND);
    expect([code, world.calls]).toEqual([1, []]);
    expect(stderr).toMatch(/TP-INGRESS-NEEDED: .*--ingress-host.*--ingress-port.*--ingress-tls.*--ingress-l5.*--preview-url=false/);
    const { screen, io } = terminal(['x']);
    await world.run(COMMAND, { ...io, stdin: { isTTY: false } });
    expect(screen.text).toContain('TP-INGRESS-NEEDED');
  });

  it.each([
    [['--preview-url=false'], { mechanism: 'http', personal: true }],
    [['--mechanism', 'tcp'], { mechanism: 'tcp' }],
    [['--port', '53/UDP'], { mechanism: 'tcp' }],
    [['--http-header', 'x=y', '-u=false'], { mechanism: 'http', http: { headers: [{ name: 'x', value: { exact: 'y' } }], paths: [] } }],
    [
      ['--http-header', 'auto', '-u=false', '--http-path-prefix', '/a'],
      { mechanism: 'http', personal: true, http: { headers: [], paths: [{ prefix: '/a' }] } },
    ],
    [['--http-header=all', '-u=false'], { mechanism: 'http' }],
  ])('%j asks for no preview', async (flags, expected) => {
    await using world = cliWorld();
    logIn(world);
    await world.serve({ intercept: () => INFO });
    expect((await world.run(['intercept', 'web', ...flags])).code).toBe(0);
    const { mechanism, personal, http, preview } = (world.calls[0]?.params ?? {}) as Record<string, unknown>;
    expect(preview).toBeUndefined();
    expect(JSON.parse(JSON.stringify({ mechanism, personal, http }))).toEqual(expected);
  });

  it('makes no preview where none could work, and says so', async () => {
    await using world = cliWorld();
    logIn(world);
    await world.serve({ intercept: () => INFO });
    const { stderr } = await world.run(['intercept', 'web', '--http-header', 'a=1', '--http-header', 'b=2']);
    expect(stderr).toBe('Warning: there is no preview URL: it could send one header, and the intercept matches 2.\n');
  });
});

describe('preview flags', () => {
  it.each([
    [['--preview-url'], false, 'TP-NOT-LOGGED-IN'],
    [['--ingress-host', 'a', '--ingress-port', '80'], false, 'TP-NOT-LOGGED-IN'],
    [['--preview-url', '--mechanism', 'tcp'], true, 'TP-USAGE'],
    [['--preview-url=false', '--ingress-host', 'a'], true, 'TP-USAGE'],
    [['--ingress-host', 'a'], true, 'TP-USAGE'],
    [['--ingress-host', 'a', '--ingress-port', '0'], true, 'TP-USAGE'],
    [['--ingress-host', 'http://a', '--ingress-port', '80'], true, 'TP-USAGE'],
    [['--http-header', 'all', '--http-header', 'a=b'], true, 'TP-USAGE'],
  ])('%j, logged in: %s, gives %s', async (flags, loggedIn, code) => {
    await using world = cliWorld();
    if (loggedIn) logIn(world);
    await world.serve({});
    expect((await world.run(['intercept', 'web', ...flags])).stderr).toContain(`\n${code}: `);
    expect(world.calls).toEqual([]);
  });
});

describe('login', () => {
  const AUTHORIZE = 'https://cloud.example.com/oauth/authorize?state=abc';

  it('opens the browser and prints what the guide prints', async () => {
    await using world = cliWorld();
    const browser = join(world.home, 'browser');
    writeFileSync(browser, `#!/bin/sh\nprintf %s "$1" > ${world.home}/opened.tmp && mv ${world.home}/opened.tmp ${world.home}/opened\n`);
    chmodSync(browser, 0o755);
    const opened = join(world.home, 'opened');
    await world.serve({
      loginStart: () => ({ id: '1', authorizeUrl: AUTHORIZE, url: LOGIN.url }),
      loginFinish: async () => {
        while (!existsSync(opened)) await new Promise((resolve) => setTimeout(resolve, 5));
        return LOGIN;
      },
    });
    const run = await world.run(['login', '--cloud-url', LOGIN.url], { env: { ...world.env, BROWSER: browser } });
    expect(run).toEqual({ code: 0, stdout: 'Launching browser authentication flow...\nLogin successful.\n', stderr: '' });
    expect(readFileSync(opened, 'utf8')).toBe(AUTHORIZE);
    expect(world.calls).toMatchObject([
      { method: 'version' },
      { method: 'loginStart', params: { url: LOGIN.url } },
      { method: 'loginFinish', params: { id: '1' } },
    ]);
  });

  it('prints the address where there is no browser', async () => {
    await using world = cliWorld();
    await world.serve({ loginStart: () => ({ id: '1', authorizeUrl: AUTHORIZE, url: LOGIN.url }), loginFinish: () => LOGIN });
    const { stdout, stderr } = await world.run(['login'], { env: { ...world.env, BROWSER: '/nowhere' } });
    expect(stdout).toBe('Launching browser authentication flow...\nLogin successful.\n');
    expect(stderr).toContain(`\n  ${AUTHORIZE}\n`);
  });

  it('takes an API key instead', async () => {
    await using world = cliWorld();
    await world.serve({ login: () => ({ ...LOGIN, url: 'http://198.18.0.2:8088' }) });
    const { stdout, stderr } = await world.run(['login', '--apikey', 'key']);
    expect(stdout).toBe('Login successful.\n');
    expect(stderr).toContain('is not https');
    expect(world.calls).toMatchObject([{ method: 'version' }, { method: 'login', params: { apikey: 'key' } }]);
  });

  it('says why it failed', async () => {
    await using world = cliWorld();
    await world.serve({
      login: () => {
        throw new CodedError('TP-LOGIN-FAILED', 'The cloud does not know the API key.');
      },
    });
    expect(await world.run(['login', '--apikey', 'key'])).toMatchObject({ code: 1, stdout: '' });
  });
});

describe('logout, dashboard, preview', () => {
  it('logs out, once', async () => {
    await using world = cliWorld();
    expect((await world.run(['logout'])).stderr).toContain('\nTP-NOT-LOGGED-IN: ');
    logIn(world);
    await world.serve({ logout: () => ({ wasLoggedIn: true }) });
    expect(await world.run(['logout'])).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  it('opens the dashboard of the login, or of the cluster', async () => {
    await using world = cliWorld();
    const env = { ...world.env, BROWSER: 'true' };
    await world.serve({ cloudStatus: () => ({ login: LOGIN, clusterUrl: 'https://other.example.com' }) });
    expect((await world.run(['dashboard'], { env })).stdout).toBe('Opened https://cloud.example.com\n');
    expect((await world.run(['dashboard'], { env: { ...world.env, BROWSER: '/nowhere' } })).stdout).toBe('https://cloud.example.com\n');
  });

  it('makes and removes a preview of an intercept', async () => {
    await using world = cliWorld();
    await world.serve({ previewCreate: () => PREVIEW, previewRemove: () => ({}), ingressGuess: () => ({ ingresses: [GUESS] }) });
    const { stdout } = await world.run(['preview', 'create', 'web', '--ingress-host', 'in.ns', '--ingress-port', '80', '-n', 'shop']);
    expect(stdout).toContain('    Preview URL      : https://abc.preview.edgestack.me\n');
    const { io } = terminal(['', '', '', '']);
    expect((await world.run(['preview', 'create', 'web'], io)).code).toBe(0);
    expect(await world.run(['preview', 'remove', 'web'])).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(world.calls).toMatchObject([
      { method: 'previewCreate', params: { name: 'web', namespace: 'shop', ingress: { host: 'in.ns', port: 80, tls: false, l5host: 'in.ns' } } },
      { method: 'ingressGuess', params: { intercept: 'web' } },
      { method: 'previewCreate', params: { name: 'web', ingress: GUESS } },
      { method: 'previewRemove', params: { name: 'web' } },
    ]);
    expect((await world.run(['preview', 'create', 'web'])).stderr).toContain('\nTP-INGRESS-NEEDED: ');
  });
});
