import * as client from 'openid-client';
import type { CloudConfig } from '../config.ts';
import { PROVIDER_TIMEOUT_MS } from '../limits.ts';
import { Problem } from '../problem.ts';
import { callbackPath, type ProviderUser, type SignInProvider } from './provider.ts';

type OidcSettings = CloudConfig['providers']['oidc'][number];

/** Any OpenID provider: code flow with PKCE, state and nonce. Discovered at the first sign-in, so that the cloud starts without it. */
export function createOidcProvider(settings: OidcSettings, config: Pick<CloudConfig, 'url'>): SignInProvider {
  const redirectUri = config.url + callbackPath(settings.name);
  let discovered: Promise<client.Configuration> | undefined;
  const discover = (): Promise<client.Configuration> => {
    if (discovered !== undefined) return discovered;
    const attempt = client.discovery(new URL(settings.issuer), settings.clientId, settings.clientSecret, undefined, {
      timeout: PROVIDER_TIMEOUT_MS / 1000,
      // The issuer's address was checked with the settings; plain http is for providers on the same machine.
      ...(settings.issuer.startsWith('http:') ? { execute: [client.allowInsecureRequests] } : {}),
    });
    discovered = attempt;
    attempt.catch(() => {
      discovered = undefined;
    });
    return attempt;
  };
  return {
    name: settings.name,
    label: settings.label ?? settings.name,
    async authorizeUrl(flow) {
      return client.buildAuthorizationUrl(await discover(), {
        redirect_uri: redirectUri,
        scope: settings.scope,
        state: flow.state,
        nonce: flow.nonce,
        code_challenge: await client.calculatePKCECodeChallenge(flow.codeVerifier),
        code_challenge_method: 'S256',
      });
    },
    async finish(callback, flow) {
      const issuer = await discover();
      const tokens = await client.authorizationCodeGrant(issuer, callback, {
        expectedState: flow.state,
        expectedNonce: flow.nonce,
        pkceCodeVerifier: flow.codeVerifier,
        idTokenExpected: true,
      });
      const claims = tokens.claims();
      if (claims === undefined) throw new Problem(502, 'provider', `${settings.name} sent no ID token.`);
      const wanted = settings.organisationsClaim;
      const complete = claims['name'] !== undefined && claims['email'] !== undefined && (wanted === undefined || claims[wanted] !== undefined);
      const info =
        complete || issuer.serverMetadata().userinfo_endpoint === undefined
          ? claims
          : { ...claims, ...(await client.fetchUserInfo(issuer, tokens.access_token, claims.sub)) };
      return { subject: claims.sub, ...describe(info, claims.sub), organisations: organisationsOf(settings, info) };
    },
  };
}

function describe(claims: Record<string, unknown>, subject: string): Pick<ProviderUser, 'name' | 'email'> {
  const text = (key: string) => (typeof claims[key] === 'string' && claims[key] !== '' ? claims[key] : undefined);
  const email = claims['email_verified'] === false ? undefined : text('email');
  return { name: text('name') ?? text('preferred_username') ?? text('nickname') ?? email ?? subject, email: email ?? null };
}

/** The same name at the same issuer is the same organisation. */
function organisationsOf(settings: OidcSettings, claims: Record<string, unknown>): ProviderUser['organisations'] {
  const { organisation, organisationsClaim } = settings;
  if (organisation === undefined && organisationsClaim === undefined) return undefined;
  const listed = organisationsClaim === undefined ? [] : claims[organisationsClaim];
  const names = new Set((Array.isArray(listed) ? listed : [listed]).filter((name): name is string => typeof name === 'string' && name !== ''));
  if (organisation !== undefined) names.add(organisation);
  return [...names].map((name) => ({ externalId: name, name, role: 'member' as const }));
}
