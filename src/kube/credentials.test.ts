import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TLSSocket } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CodedError } from '../base/errors.ts';
import { createLog, silentLog } from '../base/log.ts';
import { createKubeClient } from './client.ts';
import type { ExecPlugin } from './connection.ts';
import { failure, sendJson, startFakeApi } from './testing/fake-api-server.ts';

let dir = '';
beforeEach(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'credentials-'));
});
afterEach(() => rm(dir, { recursive: true }));

/** A plugin that counts its runs in `runs` and prints what `script` prints. */
async function plugin(script: string, more: Partial<ExecPlugin> = {}): Promise<ExecPlugin> {
  const command = path.join(dir, 'plugin');
  await writeFile(command, `#!/bin/sh\necho run >> ${dir}/runs\n${script}\n`);
  await chmod(command, 0o755);
  return {
    apiVersion: 'client.authentication.k8s.io/v1',
    command,
    args: [],
    env: {},
    interactiveMode: 'IfAvailable',
    provideClusterInfo: false,
    cwd: dir,
    callerEnv: { PATH: '/usr/bin:/bin' },
    ...more,
  };
}
const runs = async () => (await readFile(path.join(dir, 'runs'), 'utf8')).trim().split('\n').length;
const credential = (status: Record<string, unknown>) =>
  `cat <<'E'\n${JSON.stringify({ kind: 'ExecCredential', apiVersion: 'client.authentication.k8s.io/v1', status })}\nE`;

describe('a credential plugin', () => {
  it('runs once for many requests when the credential does not expire', async () => {
    await using api = await startFakeApi({ handle: (request, response) => sendJson(response, request.headers.authorization) });
    const kube = createKubeClient({ ...api.connection, user: { exec: await plugin(credential({ token: 'T' })) } }, { log: silentLog });
    expect(await Promise.all([kube.get('/'), kube.get('/'), kube.get('/')])).toEqual(['Bearer T', 'Bearer T', 'Bearer T']);
    await kube.get('/');
    expect(await runs()).toBe(1);
    kube.close();
  });

  it('runs again when the credential has expired', async () => {
    await using api = await startFakeApi({ handle: (_request, response) => sendJson(response, {}) });
    const kube = createKubeClient(
      { ...api.connection, user: { exec: await plugin(credential({ token: 'T', expirationTimestamp: new Date().toISOString() })) } },
      { log: silentLog },
    );
    await kube.get('/');
    await kube.get('/');
    expect(await runs()).toBe(2);
    kube.close();
  });

  it('runs once more after 401, and no more than that', async () => {
    await using api = await startFakeApi({ handle: (_request, response) => sendJson(response, failure(401, 'Unauthorized'), 401) });
    const kube = createKubeClient({ ...api.connection, user: { exec: await plugin(credential({ token: 'T' })) } }, { log: silentLog });
    await expect(kube.get('/')).rejects.toMatchObject({ code: 'TP-KUBE-UNAUTHORIZED' });
    expect(await runs()).toBe(2);
    expect(api.seen.length).toBe(2);
    kube.close();
  });

  it("is told about the cluster, and runs in the caller's directory and environment", async () => {
    await using api = await startFakeApi({ handle: (_request, response) => sendJson(response, {}) });
    const exec = await plugin(`printf '%s' "$KUBERNETES_EXEC_INFO" > info; printf '%s' "$CALLER $OWN" > env\n${credential({ token: 'T' })}`, {
      provideClusterInfo: true,
      callerEnv: { PATH: '/usr/bin:/bin', CALLER: 'me', OWN: 'no' },
      env: { OWN: 'yes' },
    });
    const kube = createKubeClient({ ...api.connection, execClusterConfig: { a: 1 }, user: { exec } }, { log: silentLog });
    await kube.get('/');
    expect(JSON.parse(await readFile(path.join(dir, 'info'), 'utf8'))).toEqual({
      apiVersion: 'client.authentication.k8s.io/v1',
      kind: 'ExecCredential',
      spec: {
        interactive: false,
        cluster: { server: api.connection.server, 'certificate-authority-data': Buffer.from(api.authority.ca).toString('base64'), config: { a: 1 } },
      },
    });
    expect(await readFile(path.join(dir, 'env'), 'utf8')).toBe('me yes');
    kube.close();
  });

  it('may give a client certificate', async () => {
    await using api = await startFakeApi({ handle: (request, response) => sendJson(response, (request.socket as TLSSocket).getPeerCertificate().subject) });
    const own = await api.authority.issue({ subject: 'CN=jane' });
    const kube = createKubeClient(
      { ...api.connection, user: { exec: await plugin(credential({ clientCertificateData: own.cert, clientKeyData: own.key })) } },
      { log: silentLog },
    );
    expect(await kube.get('/')).toEqual({ CN: 'jane' });
    kube.close();
  });

  it.each([
    ['fails', 'echo "please log in" >&2; exit 3', 'exit code 3: please log in'],
    ['prints no JSON', 'echo secret-token', 'did not print JSON'],
    ['prints something else', 'echo \'{"kind":"Pod"}\'', 'did not print an ExecCredential'],
    ['gives nothing', credential({}), 'neither a token nor a certificate'],
    ['answers in another version', credential({ token: 'x' }).replace('k8s.io/v1', 'k8s.io/v1beta1'), 'answered with'],
  ])('that %s is told about, without its output', async (_what, script, message) => {
    const lines: string[] = [];
    const kube = createKubeClient(
      { server: 'https://127.0.0.1:1', insecureSkipTlsVerify: true, user: { exec: await plugin(script) } },
      { log: createLog((line) => lines.push(line), 'trace') },
    );
    const error: unknown = await kube.get('/').catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'TP-KUBE-EXEC-PLUGIN', message: expect.stringContaining(message) as unknown });
    expect(String(error) + lines.join('')).not.toContain('secret-token');
  });

  it('that is not installed is told about with its hint', async () => {
    const exec = { ...(await plugin('')), command: 'no-such-plugin-here', installHint: 'brew install it' };
    const kube = createKubeClient({ server: 'https://127.0.0.1:1', insecureSkipTlsVerify: true, user: { exec } }, { log: silentLog });
    await expect(kube.get('/')).rejects.toMatchObject({ code: 'TP-KUBE-EXEC-PLUGIN', help: 'brew install it' });
  });

  it('that needs a terminal is refused where there is none', async () => {
    const exec = await plugin('', { interactiveMode: 'Always' });
    const kube = createKubeClient({ server: 'https://127.0.0.1:1', insecureSkipTlsVerify: true, user: { exec } }, { log: silentLog });
    await expect(kube.get('/')).rejects.toMatchObject({ code: 'TP-KUBE-EXEC-PLUGIN', message: expect.stringContaining('terminal') as unknown });
  });
});

describe('a token file', () => {
  it('is read again when the server refuses the token', async () => {
    const tokenFile = path.join(dir, 'token');
    await writeFile(tokenFile, 'old\n');
    await using api = await startFakeApi({
      handle: (request, response) =>
        request.headers.authorization === 'Bearer new' ? sendJson(response, { ok: true }) : sendJson(response, failure(401, 'no'), 401),
    });
    const kube = createKubeClient({ ...api.connection, user: { tokenFile } }, { log: silentLog });
    const refused: unknown = await kube.get('/').catch((thrown: unknown) => thrown);
    expect(refused).toBeInstanceOf(CodedError);
    expect(api.seen.length).toBe(1);
    await writeFile(tokenFile, 'new\n');
    expect(await kube.get('/')).toEqual({ ok: true });
    kube.close();
  });
});

describe('basic auth and client certificates', () => {
  it('are sent', async () => {
    await using api = await startFakeApi({
      handle: (request, response) => sendJson(response, [request.headers.authorization, (request.socket as TLSSocket).getPeerCertificate().subject]),
    });
    const own = await api.authority.issue({ subject: 'CN=joe' });
    const kube = createKubeClient(
      { ...api.connection, user: { username: 'joe', password: 'pw', clientCertificate: own.cert, clientKey: own.key } },
      { log: silentLog },
    );
    expect(await kube.get('/')).toEqual([`Basic ${Buffer.from('joe:pw').toString('base64')}`, { CN: 'joe' }]);
    kube.close();
  });
});
