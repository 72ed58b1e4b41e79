import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SESSION_IDLE_MS, SESSION_LIFE_MS } from '../limits.ts';
import { field } from '../testing/browser.ts';
import { type CloudFixture, PASSWORD, startTestCloud } from '../testing/cloud-fixture.ts';

const SESSION = 'telepresence-session';
let fixture: CloudFixture;
beforeEach(async () => {
  fixture = await startTestCloud();
});
afterEach(() => fixture[Symbol.asyncDispose]());

const signIn = async (browser: ReturnType<CloudFixture['browser']>, password: string, extra: Record<string, string> = {}) => {
  const page = await browser.get('/sign-in');
  return browser.post('/sign-in', { csrf: field(page.text, 'csrf'), email: 'Ada@Example.com', password, next: '/', ...extra });
};

describe('the first administrator', () => {
  it('gets a link that works once', async () => {
    const link = fixture.cloud.firstAdministrator ?? '';
    const ada = await fixture.administrator();
    expect((await ada.get('/')).text).toBe('dashboard of Ada');
    expect((await fixture.browser().get(link)).status).toBe(410);
    const [organisation] = await fixture.cloud.store.organisations.of((await fixture.cloud.store.users.findLocal('ada@example.com'))?.id ?? '');
    expect(organisation).toMatchObject({ name: 'ACME', role: 'owner' });
  });

  it('needs a password that can’t be guessed', async () => {
    const link = fixture.cloud.firstAdministrator ?? '';
    const browser = fixture.browser();
    const csrf = field((await browser.get(link)).text, 'csrf');
    for (const password of ['short', 'aaaaaaaaaaaaaaaa', 'ada@example.com']) {
      const answer = await browser.post(`${link}/account`, { csrf, organisation: 'ACME', name: 'Ada', email: 'ada@example.com', password });
      expect(answer.status).toBe(400);
    }
    expect(await fixture.cloud.store.users.count()).toBe(0);
  });
});

describe('a session', () => {
  it('begins with the right password and ends with sign-out', async () => {
    await fixture.administrator();
    const browser = fixture.browser();
    expect((await browser.get('/')).location).toBe('/sign-in');
    expect((await signIn(browser, 'wrong password!')).status).toBe(401);
    expect((await signIn(browser, PASSWORD)).status).toBe(303);
    const secret = browser.cookie(SESSION) ?? '';
    expect((await browser.get('/')).text).toBe('dashboard of Ada');
    const page = await browser.get('/oauth/authorize?client_id=none');
    expect(page.status).toBe(400);
    // the token of forms is derived from the session; the authorize page carries one
    const form = await browser.get(
      `/oauth/authorize?${new URLSearchParams({ client_id: 'telepresence-cli', redirect_uri: 'http://127.0.0.1:4000/callback', response_type: 'code', state: 'x'.repeat(16), code_challenge: 'y'.repeat(43), code_challenge_method: 'S256' }).toString()}`,
    );
    await browser.post('/sign-out', { csrf: field(form.text, 'csrf') });
    expect(browser.cookie(SESSION)).toBeUndefined();
    browser.setCookie(SESSION, secret);
    expect((await browser.get('/')).location).toBe('/sign-in');
  });

  it('goes back to the page that was wanted, and never to another site', async () => {
    await fixture.administrator();
    for (const [next, expected] of [
      ['/previews?x=1', '/previews?x=1'],
      ['https://evil.example/', '/'],
      ['//evil.example/', '/'],
      ['/\\evil.example/', '/'],
      ['/\t/evil.example', '/'],
      ['/..//evil.example', '/'],
      ['javascript:alert(1)', '/'],
    ] as const) {
      expect((await signIn(fixture.browser(), PASSWORD, { next })).location, next).toBe(expected);
    }
  });

  it('is a new secret at each sign-in: one that an attacker planted means nothing', async () => {
    await fixture.administrator();
    const victim = fixture.browser();
    victim.setCookie(SESSION, 'A'.repeat(43));
    await signIn(victim, PASSWORD);
    const first = victim.cookie(SESSION) ?? '';
    expect(first).not.toBe('A'.repeat(43));
    const attacker = fixture.browser();
    attacker.setCookie(SESSION, 'A'.repeat(43));
    expect((await attacker.get('/')).location).toBe('/sign-in');
    // and the visitor cookie that stood before is dropped
    expect(victim.cookie('telepresence-visitor')).toBeUndefined();
  });

  it('slides while it is used, and ends when it is idle or old', async () => {
    const ada = await fixture.administrator();
    for (let used = 0; used + SESSION_IDLE_MS < SESSION_LIFE_MS; used += SESSION_IDLE_MS - 1000) {
      expect((await ada.get('/')).status).toBe(200);
      fixture.clock.now += SESSION_IDLE_MS - 1000;
    }
    fixture.clock.now += SESSION_IDLE_MS;
    expect((await ada.get('/')).location).toBe('/sign-in');
  });

  it('has a cookie that scripts and other sites don’t get', async () => {
    await fixture.administrator();
    const answer = await signIn(fixture.browser(), PASSWORD);
    const cookie = answer.headers.getSetCookie().find((line) => line.startsWith(SESSION)) ?? '';
    expect(cookie).toMatch(/HttpOnly/);
    expect(cookie).toMatch(/SameSite=Lax/);
    expect(cookie).toMatch(/Path=\//);
    expect(cookie).not.toMatch(/Domain/i);
  });
});

describe('attacks', () => {
  it('forms of another site are refused', async () => {
    await fixture.administrator();
    const victim = fixture.browser();
    const csrf = field((await victim.get('/sign-in')).text, 'csrf');
    const fields = { csrf, email: 'ada@example.com', password: PASSWORD, next: '/' };
    expect((await victim.post('/sign-in', fields, { origin: 'https://evil.example' })).status).toBe(403);
    expect((await victim.post('/sign-in', fields, { origin: 'null' })).status).toBe(403);
    expect((await victim.post('/sign-in', fields, { origin: `${fixture.url}.evil.example` })).status).toBe(403);
    const preview = fixture.url.replace('//', `//${'a'.repeat(26)}.preview.`);
    expect((await victim.post('/sign-in', fields, { origin: preview })).status).toBe(403);
    const bare = await victim.request('/sign-in', {
      method: 'POST',
      body: new URLSearchParams(fields).toString(),
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
    expect(bare.status).toBe(403);
  });

  it('a form with the token of another browser is refused', async () => {
    await fixture.administrator();
    const attacker = fixture.browser();
    const theirs = field((await attacker.get('/sign-in')).text, 'csrf');
    const victim = fixture.browser();
    await victim.get('/sign-in');
    expect((await victim.post('/sign-in', { csrf: theirs, email: 'ada@example.com', password: PASSWORD })).status).toBe(403);
    expect((await victim.post('/sign-in', { email: 'ada@example.com', password: PASSWORD })).status).toBe(403);
  });

  it('guessing passwords is stopped by account, whatever the address, and by address', async () => {
    await fixture.administrator();
    const statuses: number[] = [];
    for (let n = 0; n < 12; n++) statuses.push((await signIn(fixture.browser(`198.51.100.${n}`), 'wrong password!')).status);
    expect(statuses.filter((status) => status === 401).length).toBe(10);
    expect(statuses.at(-1)).toBe(429);
    const late = await signIn(fixture.browser('198.51.100.99'), PASSWORD);
    expect(late.status).toBe(429);
    expect(Number(late.headers.get('retry-after'))).toBeGreaterThan(0);
  }, 60_000);

  it('no page can be framed, and scripts run by nonce only', async () => {
    for (const path of ['/sign-in', '/nothing', '/api/v1/me', '/oauth/authorize']) {
      const { headers } = await fixture.browser().get(path);
      const policy = headers.get('content-security-policy') ?? '';
      expect(policy, path).toContain("frame-ancestors 'none'");
      expect(policy, path).toContain("default-src 'none'");
      expect(policy, path).toMatch(/script-src 'self' 'nonce-[\w-]{43}'/);
      expect(policy, path).not.toContain('unsafe');
      expect(headers.get('x-frame-options'), path).toBe('DENY');
      expect(headers.get('x-content-type-options'), path).toBe('nosniff');
      expect(headers.get('cache-control'), path).toBe('no-store');
    }
  });

  it('what a user is called is shown as text', async () => {
    const ada = await fixture.administrator();
    const { actions, store } = fixture.cloud.context;
    const user = await store.users.findLocal('ada@example.com');
    if (user === undefined) throw new Error('no user');
    await actions.createOrganisation(user, '', '"><script>alert(1)</script>');
    const page = await ada.get(
      `/oauth/authorize?${new URLSearchParams({ client_id: 'telepresence-cli', redirect_uri: 'http://127.0.0.1:4000/callback', response_type: 'code', state: 'x'.repeat(16), code_challenge: 'y'.repeat(43), code_challenge_method: 'S256' }).toString()}`,
    );
    expect(page.text).not.toContain('<script>');
    expect(page.text).toContain('&lt;script&gt;');
  });

  it('bodies are bounded', async () => {
    const browser = fixture.browser();
    const csrf = field((await browser.get('/sign-in')).text, 'csrf');
    expect((await browser.post('/sign-in', { csrf, email: 'x'.repeat(100_000), password: 'x' })).status).toBe(413);
  });
});

it('other hosts than the dashboard’s get nothing but health', async () => {
  const ask = async (path: string, host: string) => {
    const { request } = await import('node:http');
    return new Promise<number>((resolve, reject) => {
      request(`${fixture.url}${path}`, { headers: { host } }, (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      })
        .on('error', reject)
        .end();
    });
  };
  expect(await ask('/sign-in', 'evil.example')).toBe(404);
  expect(await ask('/readyz', '10.0.0.7:8088')).toBe(200);
  expect(await ask('/healthz', '10.0.0.7')).toBe(200);
  expect(await ask('/sign-in', 'localhost')).toBe(200);
});
