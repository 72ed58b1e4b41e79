import * as client from 'openid-client';
import { z } from 'zod';
import type { CloudConfig } from '../config.ts';
import { PROVIDER_TIMEOUT_MS } from '../limits.ts';
import { Problem } from '../problem.ts';
import { callbackPath, type ProviderUser, type SignInProvider } from './provider.ts';

type GithubSettings = NonNullable<CloudConfig['providers']['github']>;

const userSchema = z.looseObject({ id: z.number().int(), login: z.string(), name: z.string().nullish(), email: z.string().nullish() });
const emailsSchema = z.array(z.looseObject({ email: z.string(), primary: z.boolean(), verified: z.boolean() }));
const membershipsSchema = z.array(
  z.looseObject({ state: z.string(), role: z.string(), organization: z.looseObject({ id: z.number().int(), login: z.string() }) }),
);

/** Pages of 100 organisations that are read. */
export const GITHUB_PAGES = 5;
const PAGE_SIZE = 100;

/** GitHub speaks OAuth without OpenID: code flow with state and PKCE, then its API says who it is and where they belong. */
export function createGithubProvider(settings: GithubSettings, config: Pick<CloudConfig, 'url'>): SignInProvider {
  const redirectUri = config.url + callbackPath('github');
  const server = new client.Configuration(
    { issuer: new URL(settings.authorizeUrl).origin, authorization_endpoint: settings.authorizeUrl, token_endpoint: settings.tokenUrl },
    settings.clientId,
    { client_secret: settings.clientSecret },
    client.ClientSecretPost(settings.clientSecret),
  );
  server.timeout = PROVIDER_TIMEOUT_MS / 1000;
  if ([settings.tokenUrl, settings.apiUrl].some((url) => url.startsWith('http:'))) client.allowInsecureRequests(server);
  // GitHub answers with a form unless it is asked for JSON, and failures with 200.
  server[client.customFetch] = async (url, options) => {
    const response = await fetch(url, { ...options, headers: { ...options.headers, accept: 'application/json' } } as RequestInit);
    if (url !== settings.tokenUrl || !response.ok) return response;
    const body: unknown = await response.json();
    const failed = typeof body === 'object' && body !== null && 'error' in body;
    return new Response(JSON.stringify(body), { status: failed ? 400 : response.status, headers: { 'content-type': 'application/json' } });
  };

  const ask = async <T>(schema: z.ZodType<T>, path: string, token: string): Promise<T> => {
    const response = await fetch(settings.apiUrl.replace(/\/$/, '') + path, {
      headers: {
        accept: 'application/vnd.github+json',
        authorization: `Bearer ${token}`,
        'user-agent': 'telepresence-cloud',
        'x-github-api-version': '2022-11-28',
      },
      signal: AbortSignal.timeout(PROVIDER_TIMEOUT_MS),
      redirect: 'error',
    });
    if (!response.ok) throw new Problem(502, 'provider', `GitHub answered ${response.status} to ${path.split('?')[0]}.`);
    return schema.parse(await response.json());
  };

  const organisations = async (token: string): Promise<NonNullable<ProviderUser['organisations']>> => {
    const all: z.infer<typeof membershipsSchema> = [];
    for (let page = 1; page <= GITHUB_PAGES; page++) {
      const some = await ask(membershipsSchema, `/user/memberships/orgs?state=active&per_page=${PAGE_SIZE}&page=${page}`, token);
      all.push(...some);
      if (some.length < PAGE_SIZE) break;
    }
    return all
      .filter(({ state }) => state === 'active')
      .map(({ role, organization }) => ({ externalId: String(organization.id), name: organization.login, role: role === 'admin' ? 'owner' : 'member' }));
  };

  return {
    name: 'github',
    label: 'GitHub',
    async authorizeUrl(flow) {
      return client.buildAuthorizationUrl(server, {
        redirect_uri: redirectUri,
        scope: 'read:user user:email read:org',
        state: flow.state,
        code_challenge: await client.calculatePKCECodeChallenge(flow.codeVerifier),
        code_challenge_method: 'S256',
        allow_signup: 'false',
      });
    },
    async finish(callback, flow) {
      const { access_token: token } = await client.authorizationCodeGrant(server, callback, { expectedState: flow.state, pkceCodeVerifier: flow.codeVerifier });
      const user = await ask(userSchema, '/user', token);
      const memberships = await organisations(token);
      const allowed = settings.organisations.map((name) => name.toLowerCase());
      if (allowed.length > 0 && !memberships.some(({ name }) => allowed.includes(name.toLowerCase()))) {
        throw new Problem(403, 'not-allowed', 'Your GitHub account belongs to no organisation that may sign in here.');
      }
      const emails = await ask(emailsSchema, '/user/emails', token);
      const email = emails.find(({ primary, verified }) => primary && verified)?.email ?? null;
      return {
        subject: String(user.id),
        name: user.name ?? user.login,
        email,
        organisations: allowed.length > 0 ? memberships.filter(({ name }) => allowed.includes(name.toLowerCase())) : memberships,
      };
    },
  };
}
