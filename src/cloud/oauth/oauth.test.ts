import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OAUTH_CODE_MS } from '../limits.ts';
import { type Browser, field } from '../testing/browser.ts';
import { type CloudFixture, startTestCloud } from '../testing/cloud-fixture.ts';
import { isLoopbackRedirect } from './authorize.ts';

let fixture: CloudFixture;
let ada: Browser;
beforeAll(async () => {
  fixture = await startTestCloud();
  ada = await fixture.administrator();
});
afterAll(() => fixture[Symbol.asyncDispose]());

const REDIRECT = 'http://127.0.0.1:43210/callback';
const challengeOf = (verifier: string) => createHash('sha256').update(verifier).digest('base64url');
const newVerifier = () => randomBytes(32).toString('base64url');

const authorizePath = (params: Record<string, string | undefined>) => {
  const all: Record<string, string | undefined> = {
    response_type: 'code',
    client_id: 'telepresence-cli',
    redirect_uri: REDIRECT,
    state: 'a-random-state',
    code_challenge: challengeOf('v'.repeat(43)),
    code_challenge_method: 'S256',
    ...params,
  };
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(all)) if (value !== undefined) query.set(name, value);
  return `/oauth/authorize?${query.toString()}`;
};

/** Goes through the browser's part and returns what the loopback listener would get. */
const authorize = async (verifier: string, change: { decision?: string; organisation?: string } = {}) => {
  const page = await ada.get(authorizePath({ code_challenge: challengeOf(verifier) }));
  const names = ['csrf', 'response_type', 'client_id', 'redirect_uri', 'state', 'code_challenge', 'code_challenge_method', 'organisation'];
  const fields = Object.fromEntries(names.map((name) => [name, field(page.text, name)]));
  const answer = await ada.post('/oauth/authorize', { ...fields, decision: 'allow', ...change });
  return { page, answer, params: answer.location === null ? undefined : new URL(answer.location).searchParams };
};

let nextAddress = 1;
/** Each exchange from an address of its own, so that the rate limit of failures is only met where it is meant. */
const exchange = (fields: Record<string, string>, address = `192.0.2.${nextAddress++}`) =>
  fetch(`${fixture.url}/oauth/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', 'x-forwarded-for': address },
    body: new URLSearchParams({ grant_type: 'authorization_code', client_id: 'telepresence-cli', redirect_uri: REDIRECT, ...fields }),
  });
const me = (token: string) =>
  fetch(`${fixture.url}/api/v1/me`, { headers: { authorization: `Bearer ${token}`, 'x-forwarded-for': `192.0.2.${nextAddress++}` } });

describe('a client’s login', () => {
  it('gives a token for the organisation that was chosen', async () => {
    const verifier = newVerifier();
    const { page, answer, params } = await authorize(verifier);
    expect(page.headers.get('content-security-policy')).toContain("form-action 'self' http://127.0.0.1:43210");
    expect(answer.location?.startsWith(`${REDIRECT}?`)).toBe(true);
    expect(params?.get('state')).toBe('a-random-state');
    expect(params?.get('iss')).toBe(fixture.url);
    const tokens = await exchange({ code: params?.get('code') ?? '', code_verifier: verifier });
    expect(tokens.headers.get('cache-control')).toBe('no-store');
    const body = (await tokens.json()) as { access_token: string };
    expect(body).toMatchObject({ token_type: 'Bearer', user: { name: 'Ada', email: 'ada@example.com' }, organisation: { name: 'ACME' } });
    expect(await (await me(body.access_token)).json()).toMatchObject({ user: { name: 'Ada' }, organisation: { name: 'ACME' } });
    const out = await fetch(`${fixture.url}/api/v1/logout`, { method: 'POST', headers: { authorization: `Bearer ${body.access_token}` } });
    expect(out.status).toBe(200);
    expect((await me(body.access_token)).status).toBe(401);
  });

  it('is asked for by a browser that is signed in, and comes back after signing in', async () => {
    const path = authorizePath({});
    expect((await fixture.browser().get(path)).location).toBe(`/sign-in?next=${encodeURIComponent(path)}`);
  });

  it('can be denied', async () => {
    const { params } = await authorize(newVerifier(), { decision: 'deny' });
    expect(params?.get('error')).toBe('access_denied');
    expect(params?.get('code')).toBeNull();
    expect(params?.get('state')).toBe('a-random-state');
  });
});

describe('attacks', () => {
  it('redirects elsewhere than to this computer are shown, not followed', async () => {
    for (const redirect_uri of [
      'https://evil.example/callback',
      'http://127.0.0.1.evil.example:80/callback',
      'http://127.0.0.1:80@evil.example/callback',
      'http://localhost:4000/callback',
      'http://127.0.0.1:4000/other',
      'http://127.0.0.1:4000/callback?x=1',
      'http://127.0.0.1:4000/callback#x',
      'http://127.0.0.1:4000/callback/../x',
      'http://127.0.0.1:99999/callback',
      'http://127.0.0.1/callback',
      'https://127.0.0.1:4000/callback',
      'HTTP://127.0.0.1:4000/callback\n',
      'telepresence://callback',
      '',
    ]) {
      const page = await ada.get(authorizePath({ redirect_uri }));
      expect(page.status, redirect_uri).toBe(400);
      expect(page.location, redirect_uri).toBeNull();
    }
    expect(isLoopbackRedirect('http://[::1]:4000/callback')).toBe(true);
  });

  it('an unknown client gets nothing', async () => {
    expect((await ada.get(authorizePath({ client_id: 'other' }))).status).toBe(400);
    expect((await exchange({ client_id: 'other', code: 'x', code_verifier: 'y'.repeat(43) })).status).toBe(400);
  });

  it('a parameter that comes twice is refused', async () => {
    expect((await ada.get(`${authorizePath({})}&redirect_uri=https://evil.example`)).status).toBe(400);
  });

  it('state and PKCE can’t be left out', async () => {
    for (const [change, error] of [
      [{ state: undefined }, 'invalid_request'],
      [{ state: 'short' }, 'invalid_request'],
      [{ code_challenge: undefined }, 'invalid_request'],
      [{ code_challenge: 'short' }, 'invalid_request'],
      [{ code_challenge_method: 'plain' }, 'invalid_request'],
      [{ code_challenge_method: undefined }, 'invalid_request'],
      [{ response_type: 'token' }, 'unsupported_response_type'],
    ] as const) {
      const page = await ada.get(authorizePath(change));
      expect(new URL(page.location ?? '').searchParams.get('error'), JSON.stringify(change)).toBe(error);
    }
  });

  it('access is never given without the form of the page', async () => {
    const page = await ada.get(authorizePath({}));
    const fields = { csrf: 'x'.repeat(43), organisation: field(page.text, 'organisation'), decision: 'allow' };
    expect((await ada.post(authorizePath({}).replace('?', '?'), fields)).status).toBe(403);
    const { answer } = await authorize(newVerifier(), { organisation: 'somebody-elses' });
    expect(answer.status).toBe(403);
  });

  it('a code without its verifier buys nothing, and is used up', async () => {
    const verifier = newVerifier();
    const { params } = await authorize(verifier);
    const code = params?.get('code') ?? '';
    expect(await (await exchange({ code, code_verifier: newVerifier() })).json()).toMatchObject({ error: 'invalid_grant' });
    expect(await (await exchange({ code, code_verifier: verifier })).json()).toMatchObject({ error: 'invalid_grant' });
  });

  it('a code belongs to its redirect', async () => {
    const verifier = newVerifier();
    const { params } = await authorize(verifier);
    const answer = await exchange({ code: params?.get('code') ?? '', code_verifier: verifier, redirect_uri: 'http://127.0.0.1:1/callback' });
    expect(await answer.json()).toMatchObject({ error: 'invalid_grant' });
  });

  it('a code that is used twice takes back the token it gave', async () => {
    const verifier = newVerifier();
    const { params } = await authorize(verifier);
    const code = params?.get('code') ?? '';
    const { access_token: token } = (await (await exchange({ code, code_verifier: verifier })).json()) as { access_token: string };
    expect((await me(token)).status).toBe(200);
    expect((await exchange({ code, code_verifier: verifier })).status).toBe(400);
    expect((await me(token)).status).toBe(401);
  });

  it('of a hundred that use a code at the same time, one gets a token at most', async () => {
    const verifier = newVerifier();
    const { params } = await authorize(verifier);
    const answers = await Promise.all(Array.from({ length: 100 }, () => exchange({ code: params?.get('code') ?? '', code_verifier: verifier })));
    expect(answers.filter(({ status }) => status === 200).length).toBeLessThanOrEqual(1);
  });

  it('a code is too old after a minute', async () => {
    const verifier = newVerifier();
    const { params } = await authorize(verifier);
    fixture.clock.now += OAUTH_CODE_MS;
    expect((await exchange({ code: params?.get('code') ?? '', code_verifier: verifier })).status).toBe(400);
  });

  it('guessing codes and tokens is stopped', async () => {
    const codes: number[] = [];
    for (let n = 0; n < 22; n++) codes.push((await exchange({ code: `guess-${n}`, code_verifier: 'v'.repeat(43) }, '192.0.2.200')).status);
    expect(codes.at(-1)).toBe(429);
    const tokens: number[] = [];
    for (let n = 0; n < 62; n++) {
      const answer = await fetch(`${fixture.url}/api/v1/me`, { headers: { authorization: `Bearer tpa_${newVerifier()}`, 'x-forwarded-for': '192.0.2.201' } });
      tokens.push(answer.status);
    }
    expect(tokens.filter((status) => status === 401).length).toBe(60);
    expect(tokens.at(-1)).toBe(429);
  });

  it('a cookie opens no API, and a token no page', async () => {
    expect((await ada.get('/api/v1/me')).status).toBe(401);
    const verifier = newVerifier();
    const { params } = await authorize(verifier);
    const { access_token: token } = (await (await exchange({ code: params?.get('code') ?? '', code_verifier: verifier })).json()) as { access_token: string };
    const page = await fixture.browser().request('/', { headers: { authorization: `Bearer ${token}` } });
    expect(page.location).toBe('/sign-in');
    const cookie = await fixture.browser().request('/', { headers: { cookie: `telepresence-session=${token}` } });
    expect(cookie.location).toBe('/sign-in');
  });

  it('nothing secret was logged', async () => {
    const log = fixture.logged.join('');
    expect(log).not.toMatch(/tp[akc]_[A-Za-z0-9_-]{20}/);
    for (const name of ['telepresence-session', 'telepresence-visitor']) expect(log).not.toContain(ada.cookie(name) ?? 'no such text');
  });
});
