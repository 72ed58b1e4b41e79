import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CodedError } from '../base/errors.ts';
import { type Kubeconfig, loadKubeconfig } from './kubeconfig.ts';
import { proxyFromEnv } from './proxy.ts';

let dir = '';
beforeEach(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'kubeconfig-'));
});
afterEach(() => rm(dir, { recursive: true }));

const file = (name: string, text: string) => writeFile(path.join(dir, name), text);
const load = (
  flags: Record<string, string | string[]> = {},
  env: Record<string, string> = { KUBECONFIG: path.join(dir, 'config') },
  stdin?: string,
): Promise<Kubeconfig> => loadKubeconfig({ flags, env, cwd: dir, ...(stdin === undefined ? {} : { stdin }) });
async function refusal(work: Promise<unknown>): Promise<{ code: string; message: string }> {
  const error: unknown = await work.catch((thrown: unknown) => thrown);
  if (!(error instanceof CodedError)) throw new Error(`no coded error: ${String(error)}`);
  return { code: error.code, message: error.message };
}

const CONFIG = `
apiVersion: v1
kind: Config
current-context: one
clusters:
- name: c1
  cluster:
    server: https://c1.test:6443/
    certificate-authority-data: ${Buffer.from('CA').toString('base64')}
    tls-server-name: api.c1.test
    proxy-url: socks5://proxy.test:1080
    extensions:
    - name: telepresence.io
      extension: {manager: {namespace: tp}}
    - name: client.authentication.k8s.io/exec
      extension: {audience: x}
- name: c2
  cluster: {server: "https://c2.test", certificate-authority: ca.pem, insecure-skip-tls-verify: false}
users:
- {name: u1, user: {token: t1}}
- {name: u2, user: {client-certificate: crt.pem, client-key: key.pem, as: jane, as-groups: [dev]}}
contexts:
- {name: one, context: {cluster: c1, user: u1, namespace: shop}}
- {name: two, context: {cluster: c2, user: u2}}
`;

describe('a kubeconfig', () => {
  it('gives the current context', async () => {
    await file('config', CONFIG);
    const config = await load();
    expect(config).toMatchObject({
      context: 'one',
      namespace: 'shop',
      server: 'https://c1.test:6443',
      clusterName: 'c1',
      userName: 'u1',
      extensions: { manager: { namespace: 'tp' } },
    });
    expect(config.connection).toMatchObject({
      certificateAuthority: 'CA',
      tlsServerName: 'api.c1.test',
      proxyUrl: 'socks5://proxy.test:1080',
      user: { token: 't1' },
      execClusterConfig: { audience: 'x' },
    });
    expect(config.contexts).toEqual([
      { name: 'one', cluster: 'c1', user: 'u1', namespace: 'shop', current: true },
      { name: 'two', cluster: 'c2', user: 'u2', current: false },
    ]);
  });

  it('reads files relative to its own folder', async () => {
    await file('config', CONFIG);
    await file('ca.pem', 'CA2');
    await file('crt.pem', 'CRT');
    await file('key.pem', 'KEY');
    const config = await loadKubeconfig({ flags: { context: 'two', kubeconfig: path.join(dir, 'config') }, env: {}, cwd: '/' });
    expect(config.namespace).toBe('default');
    expect(config.connection).toMatchObject({
      certificateAuthority: 'CA2',
      user: { clientCertificate: 'CRT', clientKey: 'KEY', clientKeyFile: path.join(dir, 'key.pem') },
      impersonate: { user: 'jane', groups: ['dev'] },
    });
  });

  it('is merged from a list: the first that names a thing wins, missing files are passed over', async () => {
    await file('a', 'clusters: [{name: c, cluster: {server: "https://a"}}]\nusers: null');
    await file(
      'b',
      'current-context: x\nclusters: [{name: c, cluster: {server: "https://b"}}]\ncontexts: [{name: x, context: {cluster: c, user: u}}]\nusers: [{name: u, user: {tokenFile: tok}}]',
    );
    const config = await load({}, { KUBECONFIG: ['a', 'missing', 'b'].map((name) => path.join(dir, name)).join(':') });
    expect(config.server).toBe('https://a');
    expect(config.connection.user).toEqual({ tokenFile: path.join(dir, 'tok') });
  });

  it('comes from HOME where KUBECONFIG is not set, and from the standard input for -', async () => {
    expect((await refusal(load({}, { HOME: dir }))).code).toBe('TP-KUBE-NO-CONFIG');
    expect((await load({ kubeconfig: '-' }, {}, CONFIG)).context).toBe('one');
    expect((await refusal(load({ kubeconfig: '-' }, {}))).code).toBe('TP-KUBE-NO-CONFIG');
  });

  it('is overridden by flags', async () => {
    await file('config', CONFIG);
    await file('other.pem', 'OTHER');
    const config = await load({
      cluster: 'c1',
      user: 'u1',
      server: 'https://s.test',
      token: 'flag',
      namespace: 'n',
      'certificate-authority': 'other.pem',
      'tls-server-name': 't',
      as: 'joe',
      'as-group': ['g1', 'g2'],
      'as-uid': '5',
      'as-user-extra': ['k=a=b', 'k=c'],
      'request-timeout': '1m30s',
    });
    expect(config).toMatchObject({ namespace: 'n', server: 'https://s.test' });
    expect(config.connection).toMatchObject({
      certificateAuthority: 'OTHER',
      tlsServerName: 't',
      user: { token: 'flag' },
      requestTimeoutMs: 90_000,
      impersonate: { user: 'joe', groups: ['g1', 'g2'], uid: '5', extra: { k: ['a=b', 'c'] } },
    });
    expect((await load({ 'insecure-skip-tls-verify': 'true' })).connection).toMatchObject({ insecureSkipTlsVerify: true });
    expect((await load({ 'insecure-skip-tls-verify': 'true' })).connection.certificateAuthority).toBeUndefined();
  });

  it('is not needed where --server is given', async () => {
    expect((await load({ server: 'http://127.0.0.1:8001' }, {})).server).toBe('http://127.0.0.1:8001');
  });

  it.each([
    ['no such context', { context: 'x' }, 'TP-KUBE-NO-CONTEXT', 'it has one, two'],
    ['no such cluster', { cluster: 'x' }, 'TP-KUBE-BAD-CONFIG', 'no cluster x'],
    ['no such user', { user: 'x' }, 'TP-KUBE-BAD-CONFIG', 'no user x'],
    ['a missing file', { 'client-key': 'nope.pem' }, 'TP-KUBE-BAD-CONFIG', 'client-key'],
    ['a bad time', { 'request-timeout': 'soon' }, 'TP-USAGE', 'soon'],
    ['groups without a user', { 'as-group': ['g'] }, 'TP-KUBE-BAD-CONFIG', 'no user'],
    ['a missing named kubeconfig', { kubeconfig: 'nope' }, 'TP-KUBE-NO-CONFIG', 'nope'],
  ])('refuses %s', async (_what, flags: Record<string, string | string[]>, code, message) => {
    await file('config', CONFIG);
    expect(await refusal(load(flags))).toEqual({ code, message: expect.stringContaining(message) as unknown });
  });

  it('names the place of a mistake and never the value', async () => {
    await file('config', 'users: [{name: u, user: {token: 12345}}]');
    const { code, message } = await refusal(load());
    expect(code).toBe('TP-KUBE-BAD-CONFIG');
    expect(message).toContain('users.0.user.token');
    expect(message).not.toContain('12345');
    await file('config', 'a: [\ntoken: "hunter2');
    expect((await refusal(load())).message).not.toContain('hunter2');
  });

  it('refuses auth-provider and says what to use', async () => {
    await file('config', CONFIG.replace('{token: t1}', '{auth-provider: {name: oidc}}'));
    expect((await refusal(load())).message).toContain('auth-provider oidc');
  });

  it('has no current context', async () => {
    await file('config', CONFIG.replace('current-context: one', ''));
    expect((await refusal(load())).code).toBe('TP-KUBE-NO-CONTEXT');
  });

  it('makes a plugin ready to run', async () => {
    await file(
      'config',
      CONFIG.replace(
        '{token: t1}',
        '{exec: {apiVersion: client.authentication.k8s.io/v1, command: ./bin/plug, args: [a], env: [{name: X, value: y}], interactiveMode: Never, provideClusterInfo: true}}',
      ),
    );
    expect((await load()).connection.user.exec).toMatchObject({
      command: path.join(dir, 'bin/plug'),
      args: ['a'],
      env: { X: 'y' },
      interactiveMode: 'Never',
      provideClusterInfo: true,
      cwd: dir,
    });
  });
});

describe('the proxy of the environment', () => {
  const HTTPS_PROXY = 'http://p.test:3128';
  it.each([
    ['https://api.test', { HTTPS_PROXY }, HTTPS_PROXY],
    ['https://api.test', { https_proxy: 'p.test:1' }, 'http://p.test:1'],
    ['http://api.test', { HTTPS_PROXY }, undefined],
    ['https://127.0.0.1:6443', { HTTPS_PROXY }, undefined],
    ['https://api.corp.test', { HTTPS_PROXY, NO_PROXY: 'x, .corp.test' }, undefined],
    ['https://corp.test', { HTTPS_PROXY, NO_PROXY: 'corp.test:444' }, HTTPS_PROXY],
    ['https://10.1.2.3:6443', { HTTPS_PROXY, no_proxy: '10.0.0.0/8' }, undefined],
    ['https://11.1.2.3:6443', { HTTPS_PROXY, no_proxy: '10.0.0.0/8' }, HTTPS_PROXY],
    ['https://[fd00::1]:6443', { HTTPS_PROXY, NO_PROXY: 'fd00::/8' }, undefined],
    ['https://api.test', { HTTPS_PROXY, NO_PROXY: '*' }, undefined],
  ])('for %s with %o is %s', (server, env: Record<string, string>, wanted) => {
    expect(proxyFromEnv(server, env)).toBe(wanted);
  });
});
