import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLog } from '../../base/log.ts';
import { clientPaths, ensureClientDirs } from '../../config/paths.ts';
import type { CallContext, DaemonContext } from '../context.ts';
import { cloudUrl } from './client.ts';
import { CloudAccount } from './index.ts';
import { readLogin } from './login-store.ts';

interface Request {
  method: string;
  path: string;
  authorization: string | undefined;
  body: string;
}

const ME = { user: { id: 'u', name: 'Ann <b>', email: null }, organisation: { id: 'o', name: 'Shop' } };
let home: string;
let requests: Request[];
let answers: Record<string, { status?: number; json: unknown }>;
let url: string;
let close: () => Promise<void>;
let ctx: DaemonContext;
let account: CloudAccount;

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text;
}

beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'tp-login-'));
  requests = [];
  answers = {
    'POST /oauth/token': { json: { access_token: 'secret-token', token_type: 'Bearer', ...ME } },
    'GET /api/v1/me': { json: ME },
    'POST /api/v1/logout': { json: {} },
  };
  const server = createServer(async (request, response) => {
    const { method = '', url: path = '' } = request;
    requests.push({ method, path, authorization: request.headers.authorization, body: await textOf(request) });
    const answer = answers[`${method} ${path}`] ?? { status: 404, json: {} };
    response.writeHead(answer.status ?? 200, { 'content-type': 'application/json' }).end(JSON.stringify(answer.json));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  close = () => new Promise((resolve) => server.close(() => resolve()));
  const paths = clientPaths({ HOME: home });
  await ensureClientDirs(paths, process.getuid?.() ?? 0);
  ctx = { log: silentLog, paths, installId: 'i', setLogLevel: () => undefined };
  account = new CloudAccount(ctx, () => undefined);
});
afterEach(async () => {
  await close();
  rmSync(home, { recursive: true, force: true });
});

function call(signal = new AbortController().signal): CallContext & { warnings: string[] } {
  const warnings: string[] = [];
  return { signal, progress: () => undefined, warning: (line) => void warnings.push(line), warnings };
}

/** What the browser would do after signing in, with some of the parameters changed. */
async function comeBack(authorizeUrl: string, change: Record<string, string | undefined> = {}, options: { method?: string } = {}): Promise<Response> {
  const asked = new URL(authorizeUrl).searchParams;
  const target = new URL(asked.get('redirect_uri') ?? '');
  const params = { code: 'the-code', state: asked.get('state') ?? '', ...change };
  for (const [name, value] of Object.entries(params)) if (value !== undefined) target.searchParams.set(name, value);
  return fetch(target, { method: options.method ?? 'GET' });
}

describe('login by a browser', () => {
  it('asks with PKCE and a state, buys the token, keeps it for its owner alone', async () => {
    const { id, authorizeUrl } = await account.loginStart({ url });
    const asked = new URL(authorizeUrl);
    expect(asked.href.startsWith(`${url}/oauth/authorize?`)).toBe(true);
    expect(Object.fromEntries(asked.searchParams)).toMatchObject({ response_type: 'code', client_id: 'telepresence-cli', code_challenge_method: 'S256' });
    expect(asked.searchParams.get('redirect_uri')).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/callback$/);
    const finished = account.loginFinish(id, call());
    const page = await comeBack(authorizeUrl);
    expect(await finished).toEqual({ url, ...ME });
    const html = await page.text();
    expect(page.status).toBe(200);
    expect(html).toContain('You are logged in');
    expect(html).toContain('Ann &#60;b&#62;, in Shop.');
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
    const form = Object.fromEntries(new URLSearchParams(requests[0]?.body));
    expect(form).toMatchObject({
      grant_type: 'authorization_code',
      code: 'the-code',
      client_id: 'telepresence-cli',
      redirect_uri: asked.searchParams.get('redirect_uri'),
    });
    expect(
      createHash('sha256')
        .update(form['code_verifier'] ?? '')
        .digest('base64url'),
    ).toBe(asked.searchParams.get('code_challenge'));
    expect(statSync(ctx.paths.cloudFile).mode & 0o777).toBe(0o600);
    expect(await readLogin(ctx.paths.cloudFile)).toMatchObject({ url, token: 'secret-token', kind: 'login' });
  });

  it('is not moved by whoever does not know its state', async () => {
    const { id, authorizeUrl } = await account.loginStart({ url });
    const finished = account.loginFinish(id, call());
    for (const state of ['', 'x'.repeat(43), undefined]) expect((await comeBack(authorizeUrl, { code: 'evil', state: state ?? '' })).status).toBe(400);
    expect((await comeBack(authorizeUrl, { error: 'access_denied', state: 'wrong' })).status).toBe(400);
    const elsewhere = new URL(new URL(authorizeUrl).searchParams.get('redirect_uri') ?? '');
    expect((await fetch(`${elsewhere.origin}/`)).status).toBe(404);
    expect((await comeBack(authorizeUrl, {}, { method: 'POST' })).status).toBe(404);
    expect((await fetch(elsewhere)).status).toBe(400);
    expect(requests).toEqual([]);
    expect((await comeBack(authorizeUrl)).status).toBe(200);
    await finished;
    expect(requests.map(({ body }) => new URLSearchParams(body).get('code'))).toEqual(['the-code']);
  });

  it('takes one answer only', async () => {
    const { id, authorizeUrl } = await account.loginStart({ url });
    const finished = account.loginFinish(id, call());
    const [first, second] = await Promise.all([comeBack(authorizeUrl), comeBack(authorizeUrl, { code: 'again' })]);
    expect([first.status, second.status].toSorted()).toEqual([200, 400]);
    await finished;
    expect(requests.filter(({ path }) => path === '/oauth/token')).toHaveLength(1);
  });

  it('says that it was denied, in the browser and in the terminal', async () => {
    const { id, authorizeUrl } = await account.loginStart({ url });
    const finished = expect(account.loginFinish(id, call())).rejects.toMatchObject({
      code: 'TP-LOGIN-FAILED',
      message: expect.stringContaining('denied in the browser'),
    });
    const page = await comeBack(authorizeUrl, { code: undefined, error: 'access_denied' });
    expect(await page.text()).toContain('The login did not work');
    await finished;
    expect(await readLogin(ctx.paths.cloudFile)).toBeUndefined();
  });

  it('says in the browser too when the code buys nothing', async () => {
    answers['POST /oauth/token'] = { status: 400, json: { error: 'invalid_grant', error_description: 'the code was used before' } };
    const { id, authorizeUrl } = await account.loginStart({ url });
    const finished = expect(account.loginFinish(id, call())).rejects.toMatchObject({
      code: 'TP-CLOUD-REFUSED',
      message: expect.stringContaining('the code was used before'),
    });
    const page = await comeBack(authorizeUrl);
    expect([page.status, (await page.text()).includes('the code was used before')]).toEqual([502, true]);
    await finished;
  });

  it('ends with its caller, with a second login, and by itself', async () => {
    const first = await account.loginStart({ url });
    const stop = new AbortController();
    const given = expect(account.loginFinish(first.id, call(stop.signal))).rejects.toMatchObject({ code: 'TP-LOGIN-FAILED' });
    stop.abort();
    await given;
    const second = await account.loginStart({ url });
    const overtaken = expect(account.loginFinish(second.id, call())).rejects.toMatchObject({ code: 'TP-LOGIN-FAILED' });
    await account.loginStart({ url });
    await overtaken;
    await expect(account.loginFinish(second.id, call())).rejects.toMatchObject({ code: 'TP-LOGIN-FAILED' });
  });
});

describe('login by key, logout', () => {
  it('checks the key and keeps it', async () => {
    expect(await account.loginByKey({ url, apikey: 'key' }, call())).toEqual({ url, ...ME });
    expect(requests).toMatchObject([{ method: 'GET', path: '/api/v1/me', authorization: 'Bearer key' }]);
    expect(await account.status()).toEqual({ login: { url, ...ME } });
  });

  it('refuses a key that the cloud does not know, and keeps nothing', async () => {
    answers['GET /api/v1/me'] = { status: 401, json: { error: { code: 'unauthorized', message: 'No.' } } };
    await expect(account.loginByKey({ url, apikey: 'key' }, call())).rejects.toMatchObject({ code: 'TP-LOGIN-FAILED' });
    expect(await account.status()).toEqual({});
    await expect(account.require()).rejects.toMatchObject({ code: 'TP-NOT-LOGGED-IN' });
  });

  it('logs out here and there; an API key stays valid', async () => {
    const { id, authorizeUrl } = await account.loginStart({ url });
    const finished = account.loginFinish(id, call());
    await comeBack(authorizeUrl);
    await finished;
    expect(await account.logout(call())).toEqual({ wasLoggedIn: true });
    expect(requests.at(-1)).toMatchObject({ method: 'POST', path: '/api/v1/logout', authorization: 'Bearer secret-token' });
    expect(await account.logout(call())).toEqual({ wasLoggedIn: false });
    await account.loginByKey({ url, apikey: 'key' }, call());
    requests = [];
    await account.logout(call());
    expect(requests).toEqual([]);
  });

  it('logs out here when the cloud is away, and says so', async () => {
    const { id, authorizeUrl } = await account.loginStart({ url });
    const finished = account.loginFinish(id, call());
    await comeBack(authorizeUrl);
    await finished;
    answers['POST /api/v1/logout'] = { status: 503, json: {} };
    const context = call();
    expect(await account.logout(context)).toEqual({ wasLoggedIn: true });
    expect(context.warnings).toHaveLength(1);
    expect(await account.status()).toEqual({});
  });

  it('knows no cloud without the flag, the configuration and a cluster that has one', async () => {
    await expect(account.loginStart({})).rejects.toMatchObject({ code: 'TP-CLOUD-URL' });
    const connected = new CloudAccount(ctx, () => ({ config: { cloud: { skipLogin: false } } as never, clusterUrl: `${url}/` }));
    expect((await connected.loginByKey({ apikey: 'key' }, call())).url).toBe(url);
  });

  it('names a damaged file instead of guessing', async () => {
    writeFileSync(ctx.paths.cloudFile, '{"url": 1}');
    await expect(account.status()).rejects.toMatchObject({ code: 'TP-NOT-LOGGED-IN' });
    expect(await account.logout(call())).toEqual({ wasLoggedIn: true });
  });
});

describe('the address of a cloud', () => {
  it.each([
    ['cloud.example.com', 'https://cloud.example.com'],
    ['https://Cloud.Example.com/', 'https://cloud.example.com'],
    ['http://localhost:8088', 'http://localhost:8088'],
    ['https://example.com/telepresence/', 'https://example.com/telepresence'],
  ])('%s is %s', (text, expected) => expect(cloudUrl(text)).toBe(expected));

  it.each(['ftp://x', 'https://', 'https://a:b@c', 'https://x?y', 'https://x#y', 'javascript:alert(1)', ''])('%j is none', (text) => {
    expect(() => cloudUrl(text)).toThrow(expect.objectContaining({ code: 'TP-CLOUD-URL' }));
  });
});
