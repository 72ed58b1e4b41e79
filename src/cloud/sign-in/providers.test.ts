import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SIGN_IN_FLOW_MS } from '../limits.ts';
import type { Browser } from '../testing/browser.ts';
import { type CloudFixture, freePort, startTestCloud } from '../testing/cloud-fixture.ts';
import { type GithubStandIn, type OpenIdProvider, passInteractions, startGithub, startOpenIdProvider } from '../testing/identity-providers.ts';

const CLIENT = { clientId: 'cloud', clientSecret: 'a secret of the client' };
let github: GithubStandIn;
let openid: OpenIdProvider;
let fixture: CloudFixture;
let callback: { corp: string; github: string };
let addresses = 0;

beforeAll(async () => {
  const url = `http://localhost:${await freePort()}`;
  callback = { corp: `${url}/sign-in/corp/callback`, github: `${url}/sign-in/github/callback` };
  [github, openid] = await Promise.all([startGithub(CLIENT), startOpenIdProvider({ ...CLIENT, redirectUri: callback.corp })]);
  fixture = await startTestCloud({
    settings: {
      url,
      listen: `127.0.0.1:${new URL(url).port}`,
      providers: {
        github: { ...CLIENT, authorizeUrl: `${github.url}/login/oauth/authorize`, tokenUrl: `${github.url}/login/oauth/access_token`, apiUrl: github.url },
        oidc: [{ ...CLIENT, name: 'corp', label: 'Corp', issuer: openid.issuer, scope: 'openid profile email groups', organisationsClaim: 'groups' }],
      },
    },
  });
});
afterAll(async () => {
  await fixture[Symbol.asyncDispose]();
  await Promise.all([github.close(), openid.close()]);
});

let browser: Browser;
beforeEach(() => {
  browser = fixture.browser(`198.51.100.${++addresses}`);
});
const organisationsOf = async (name: string) => {
  const ids = await fixture.cloud.context.store.users.fromIdentity({
    provider: name === 'octocat' ? 'github' : 'corp',
    subject: name === 'octocat' ? '583231' : name,
    name,
    email: null,
  });
  return fixture.cloud.store.organisations.of(ids.id);
};

describe('an OpenID provider', () => {
  it('signs in: code flow with PKCE, state and nonce; its organisations become ours', async () => {
    const start = await browser.get('/sign-in/corp?next=/previews');
    const sent = new URL(start.location ?? '').searchParams;
    expect(sent.get('code_challenge_method')).toBe('S256');
    expect(sent.get('nonce')).toHaveLength(43);
    const back = await passInteractions(browser, start.location ?? '', 'grace', callback.corp);
    const done = await browser.get(back);
    expect(done.location).toBe('/previews');
    expect((await browser.get('/')).text).toBe('dashboard of Grace');
    expect((await organisationsOf('grace')).map(({ name, role }) => `${name} ${role}`)).toEqual(['Platform member', 'Shop member']);
  });

  it('is refused a callback that this browser did not ask for (state)', async () => {
    const start = await browser.get('/sign-in/corp');
    const back = await passInteractions(browser, start.location ?? '', 'mallory', callback.corp);
    const victim = fixture.browser(`198.51.100.${++addresses}`);
    await victim.get('/sign-in');
    expect((await victim.get(back)).status).toBe(400);
    expect((await victim.get('/')).location).toBe('/sign-in');
    const own = new URL((await victim.get('/sign-in/corp')).location ?? '').searchParams.get('state') ?? '';
    const swapped = new URL(back);
    // the attacker's code with the victim's own state: the code was bought with another verifier
    swapped.searchParams.set('state', own);
    expect((await victim.get(swapped.href)).status).toBe(400);
    swapped.searchParams.set('state', `${own}x`);
    expect((await victim.get(swapped.href)).status).toBe(400);
    swapped.searchParams.delete('state');
    expect((await victim.get(swapped.href)).status).toBe(400);
    expect((await victim.get('/')).location).toBe('/sign-in');
  });

  it('is refused an ID token made for another sign-in (nonce)', async () => {
    const start = await browser.get('/sign-in/corp');
    const changed = new URL(start.location ?? '');
    changed.searchParams.set('nonce', 'of-another-sign-in');
    const back = await passInteractions(browser, changed.href, 'mallory', callback.corp);
    expect((await browser.get(back)).status).toBe(400);
    expect((await browser.get('/')).location).toBe('/sign-in');
  });

  it('is refused a code that was asked for with another challenge (PKCE)', async () => {
    const start = await browser.get('/sign-in/corp');
    const changed = new URL(start.location ?? '');
    changed.searchParams.set('code_challenge', 'x'.repeat(43));
    const back = await passInteractions(browser, changed.href, 'mallory', callback.corp);
    expect((await browser.get(back)).status).toBe(400);
  });

  it('is refused the answer of another issuer (iss), another provider’s state, and a code that was used', async () => {
    const start = await browser.get('/sign-in/corp');
    const back = new URL(await passInteractions(browser, start.location ?? '', 'grace', callback.corp));
    const mixed = new URL(back);
    mixed.searchParams.set('iss', 'https://evil.example');
    expect((await browser.get(mixed.href)).status).toBe(400);
    expect((await browser.get(back.href.replace('/corp/', '/github/'))).status).toBe(400);
    expect((await browser.get(back.href)).status).toBe(303);
    expect((await browser.get(back.href)).status).toBe(400);
  });

  it('is given up when it takes too long', async () => {
    const start = await browser.get('/sign-in/corp');
    const back = await passInteractions(browser, start.location ?? '', 'grace', callback.corp);
    fixture.clock.now += SIGN_IN_FLOW_MS + 1;
    expect((await browser.get(back)).status).toBe(400);
  });

  it('may say no', async () => {
    const start = await browser.get('/sign-in/corp');
    const state = new URL(start.location ?? '').searchParams.get('state') ?? '';
    const page = await browser.get(`/sign-in/corp/callback?${new URLSearchParams({ state, error: 'access_denied', iss: openid.issuer }).toString()}`);
    expect(page.status).toBe(400);
    expect(page.text).toContain('did not confirm');
  });
});

describe('GitHub', () => {
  const signIn = async () => browser.get((await browser.follow('/sign-in/github?next=/x', callback.github)).url);

  it('signs in, with the organisations and the verified address of the user', async () => {
    expect((await signIn()).location).toBe('/x');
    expect((await browser.get('/')).text).toBe('dashboard of The Octocat');
    expect(await organisationsOf('octocat')).toMatchObject([{ name: 'github', role: 'owner' }]);
    expect(github.tokenRequests.at(-1)?.get('code_verifier')).toHaveLength(43);
  });

  it('takes an organisation away that the user left, with its tokens', async () => {
    await signIn();
    const [organisation] = await organisationsOf('octocat');
    const user = await fixture.cloud.store.users.fromIdentity({ provider: 'github', subject: '583231', name: 'The Octocat', email: null });
    if (organisation === undefined) throw new Error('no organisation');
    const key = await fixture.cloud.context.actions.createApiKey({ user, organisation, role: 'owner', address: '' }, 'ci');
    github.user.organisations = [{ id: 1, login: 'other', role: 'member' }];
    await signIn();
    expect(await organisationsOf('octocat')).toMatchObject([{ name: 'other', role: 'member' }]);
    expect(await fixture.cloud.store.tokens.authenticate(key)).toBeUndefined();
  });

  it('is refused a callback of another browser, and a code that GitHub refuses with 200', async () => {
    const { url } = await browser.follow('/sign-in/github', callback.github);
    const victim = fixture.browser(`198.51.100.${++addresses}`);
    expect((await victim.get(url)).status).toBe(400);
    const wrong = new URL(url);
    wrong.searchParams.set('code', 'guessed');
    expect((await browser.get(wrong.href)).status).toBe(400);
    expect((await browser.get('/')).location).toBe('/sign-in');
  });
});

it('no log line holds a code, a state or a secret', () => {
  const log = fixture.logged.join('');
  expect(log).toContain('a sign-in was refused');
  expect(log).not.toContain(CLIENT.clientSecret);
  expect(log).not.toMatch(/gho_|code=|state=/);
});
