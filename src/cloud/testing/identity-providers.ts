/** A real OpenID provider and a stand-in of GitHub, on free ports. */

import { createHash, randomBytes } from 'node:crypto';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import Provider from 'oidc-provider';

async function listen(handler: RequestListener, host = 'localhost'): Promise<{ server: Server; url: string; close: () => Promise<void> }> {
  const server = createServer(handler);
  await new Promise<void>((resolve) => server.listen(0, host === 'localhost' ? '127.0.0.1' : host, resolve));
  return {
    server,
    url: `http://${host}:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

export interface OpenIdProvider {
  issuer: string;
  close: () => Promise<void>;
}

/** Everybody may sign in, by any name; `groups` holds their organisations. */
export async function startOpenIdProvider(client: { clientId: string; clientSecret: string; redirectUri: string }, host?: string): Promise<OpenIdProvider> {
  let handle: RequestListener = (_request, response) => response.writeHead(503).end();
  const { url, close } = await listen((request, response) => handle(request, response), host);
  const provider = new Provider(url, {
    clients: [{ client_id: client.clientId, client_secret: client.clientSecret, redirect_uris: [client.redirectUri], response_types: ['code'] }],
    claims: { openid: ['sub'], profile: ['name'], email: ['email', 'email_verified'], groups: ['groups'] },
    scopes: ['openid', 'profile', 'email', 'groups'],
    findAccount: (_context, id) => ({
      accountId: id,
      claims: () => ({
        sub: id,
        name: `${id[0]?.toUpperCase()}${id.slice(1)}`,
        email: `${id}@corp.example`,
        email_verified: true,
        groups: ['Platform', 'Shop'],
      }),
    }),
    pkce: { required: () => true },
    features: { devInteractions: { enabled: true } },
    cookies: { keys: ['only for tests'] },
    ttl: { AccessToken: () => 600, AuthorizationCode: () => 60, IdToken: () => 600, Interaction: () => 600, Grant: () => 600, Session: () => 600 },
  });
  const callback = provider.callback();
  handle = (request, response) => void callback(request, response);
  return { issuer: url, close };
}

export interface GithubStandIn {
  url: string;
  /** What the stand-in says of the user from now on. */
  user: { id: number; login: string; name: string | null; organisations: { id: number; login: string; role: 'admin' | 'member' }[] };
  /** Requests that reached the token endpoint, in order. */
  tokenRequests: URLSearchParams[];
  close: () => Promise<void>;
}

/** GitHub's endpoints as its documentation describes them: PKCE checked, a failure answered with 200, an unverified address among the user's. */
export async function startGithub(client: { clientId: string; clientSecret: string }, host?: string): Promise<GithubStandIn> {
  const codes = new Map<string, { challenge: string; redirectUri: string }>();
  const tokens = new Set<string>();
  const standIn: Omit<GithubStandIn, 'url' | 'close'> = {
    user: { id: 583231, login: 'octocat', name: 'The Octocat', organisations: [{ id: 9919, login: 'github', role: 'admin' }] },
    tokenRequests: [],
  };
  const handler: RequestListener = (request, response) => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    const json = (body: unknown, status = 200) => response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    if (url.pathname === '/login/oauth/authorize') {
      const code = randomBytes(10).toString('hex');
      const redirectUri = url.searchParams.get('redirect_uri') ?? '';
      codes.set(code, { challenge: url.searchParams.get('code_challenge') ?? '', redirectUri });
      const back = new URL(redirectUri);
      back.searchParams.set('code', code);
      back.searchParams.set('state', url.searchParams.get('state') ?? '');
      return void response.writeHead(302, { location: back.href }).end();
    }
    if (url.pathname === '/login/oauth/access_token') {
      let text = '';
      request.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      request.on('end', () => {
        const form = new URLSearchParams(text);
        standIn.tokenRequests.push(form);
        const code = codes.get(form.get('code') ?? '');
        codes.delete(form.get('code') ?? '');
        const challenge = createHash('sha256')
          .update(form.get('code_verifier') ?? '')
          .digest('base64url');
        if (form.get('client_id') !== client.clientId || form.get('client_secret') !== client.clientSecret)
          return json({ error: 'incorrect_client_credentials' });
        if (code === undefined || code.challenge !== challenge)
          return json({ error: 'bad_verification_code', error_description: 'The code is incorrect or expired.' });
        const token = `gho_${randomBytes(18).toString('hex')}`;
        tokens.add(token);
        return json({ access_token: token, token_type: 'bearer', scope: 'read:org,user:email' });
      });
      return;
    }
    if (!tokens.has((request.headers.authorization ?? '').replace('Bearer ', ''))) return void json({ message: 'Requires authentication' }, 401);
    const { organisations, ...user } = standIn.user;
    if (url.pathname === '/user') return void json({ ...user, email: null });
    if (url.pathname === '/user/emails') {
      return void json([
        { email: 'other@example.com', primary: false, verified: true },
        { email: 'octocat@example.com', primary: true, verified: true },
      ]);
    }
    if (url.pathname === '/user/memberships/orgs') {
      return void json(organisations.map(({ id, login, role }) => ({ state: 'active', role, organization: { id, login } })));
    }
    return void json({ message: 'Not Found' }, 404);
  };
  const { url, close } = await listen(handler, host);
  return Object.assign(standIn, { url, close });
}

/** Goes through the provider's development pages as `account`: sign in, consent; stops at the redirect back. */
export async function passInteractions(browser: import('./browser.ts').Browser, start: string, account: string, back: string): Promise<string> {
  let page = await browser.follow(start, back);
  for (let step = 0; step < 4 && !page.url.startsWith(back); step++) {
    const action = /<form[^>]*action="([^"]+)"/.exec(page.text)?.[1];
    const prompt = /name="prompt" value="(\w+)"/.exec(page.text)?.[1];
    if (action === undefined || prompt === undefined) throw new Error(`no interaction in ${page.text}`);
    const answer = await browser.post(new URL(action, page.url).href, { prompt, ...(prompt === 'login' ? { login: account, password: 'any' } : {}) });
    page = await browser.follow(new URL(answer.location ?? '', page.url).href, back);
  }
  return page.url;
}
