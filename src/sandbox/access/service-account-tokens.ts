/** Tokens of service accounts: JWTs that the sandbox signs, valid as long as what they are bound to is there. */
import { randomUUID, webcrypto } from 'node:crypto';
import { calculateJwkThumbprint, compactVerify, exportJWK, importJWK, type JWK, type JWTPayload, SignJWT } from 'jose';
import { resourcePath } from '../../kube/paths.ts';
import type { ClusterClient, UserInfo } from '../contract.ts';
import { getIfThere } from './get-if-there.ts';
import { VERIFIED_TOKENS_LIMIT } from './limits.ts';
import { accountGroups, accountUser, authenticated } from './user.ts';

const ALGORITHM = 'ES256';

interface Named {
  name: string;
  uid: string;
}
/** The claim `kubernetes.io`. */
interface Bound {
  namespace: string;
  serviceaccount: Named;
  pod?: Named;
  secret?: Named;
  node?: Named;
}
interface Stored {
  metadata: { uid: string };
}

export interface TokenSubject {
  namespace: string;
  account: Named;
  pod?: Named | undefined;
  secret?: Named | undefined;
  node?: Named | undefined;
}

export interface ServiceAccountTokens {
  /** The private key, to keep and to give at the next start. */
  readonly key: JWK;
  readonly issuer: string;
  /** The body of `/openid/v1/jwks`. */
  readonly keySet: { keys: JWK[] };
  sign(subject: TokenSubject, audiences: string[], seconds: number): Promise<{ token: string; expires: Date }>;
  /**
   * Whose token it is, and for which of `audiences`.
   * Undefined when it is no token of ours at all. @throws {Error} when it is, but not (or no longer) good for anything, with the API server's words.
   */
  verify(token: string, audiences: string[]): Promise<{ user: UserInfo; audiences: string[] } | undefined>;
}

export interface TokenOptions {
  client: Pick<ClusterClient, 'get'>;
  /** Also the audience of the API server's own tokens. */
  issuer: string;
  key?: JWK | undefined;
}

export async function createServiceAccountTokens({ client, issuer, key: kept }: TokenOptions): Promise<ServiceAccountTokens> {
  const key = kept ?? (await newKey());
  const { d: _secret, ...open } = key;
  const kid = await calculateJwkThumbprint(open);
  const signingKey = await importJWK(key, ALGORITHM);
  const verifyKey = await importJWK(open, ALGORITHM);
  const verified = new Map<string, JWTPayload>();

  async function claimsOf(token: string): Promise<JWTPayload | undefined> {
    const known = verified.get(token);
    if (known !== undefined) return known;
    // Whatever fails here, the token is not one that was signed here: another authenticator may know it.
    const checked = await compactVerify(token, verifyKey, { algorithms: [ALGORITHM] }).catch(() => undefined);
    if (checked === undefined) return undefined;
    const claims: JWTPayload = JSON.parse(Buffer.from(checked.payload).toString('utf8'));
    if (claims.iss !== issuer) return undefined;
    const [oldest] = verified.keys();
    if (oldest !== undefined && verified.size >= VERIFIED_TOKENS_LIMIT) verified.delete(oldest);
    verified.set(token, claims);
    return claims;
  }

  async function uidOf(path: string): Promise<string | undefined> {
    return (await getIfThere<Stored>(client, path))?.metadata.uid;
  }

  async function checkBound({ namespace, serviceaccount, pod, secret, node }: Bound): Promise<void> {
    const parts: [string, string | undefined, Named | undefined][] = [
      ['serviceaccounts', namespace, serviceaccount],
      ['pods', namespace, pod],
      ['secrets', namespace, secret],
      // A pod's node is told for information; a token bound to a node alone lives and dies with it.
      ['nodes', undefined, pod === undefined ? node : undefined],
    ];
    for (const [plural, inNamespace, named] of parts) {
      if (named === undefined) continue;
      const uid = await uidOf(resourcePath('v1', plural, inNamespace, named.name));
      if (uid !== named.uid) throw new Error('service account token has been invalidated');
    }
  }

  return {
    key,
    issuer,
    keySet: { keys: [{ use: 'sig', ...open, kid, alg: ALGORITHM }] },
    async sign(subject, audiences, seconds) {
      const now = Math.floor(Date.now() / 1000);
      const { pod, secret, node } = subject;
      const bound: Bound = {
        namespace: subject.namespace,
        ...(node === undefined ? {} : { node }),
        ...(pod === undefined ? {} : { pod }),
        ...(secret === undefined ? {} : { secret }),
        serviceaccount: subject.account,
      };
      const token = await new SignJWT({ 'kubernetes.io': bound })
        .setProtectedHeader({ alg: ALGORITHM, kid })
        .setAudience(audiences)
        .setExpirationTime(now + seconds)
        .setIssuedAt(now)
        .setNotBefore(now)
        .setIssuer(issuer)
        .setJti(randomUUID())
        .setSubject(accountUser(subject.namespace, subject.account.name))
        .sign(signingKey);
      return { token, expires: new Date((now + seconds) * 1000) };
    },
    async verify(token, audiences) {
      const claims = await claimsOf(token);
      if (claims === undefined) return undefined;
      const own = typeof claims.aud === 'string' ? [claims.aud] : (claims.aud ?? []);
      const common = own.filter((audience) => audiences.includes(audience));
      if (common.length === 0) throw new Error(`token audiences ${quoted(own)} is invalid for the target audiences ${quoted(audiences)}`);
      if ((claims.exp ?? 0) * 1000 < Date.now()) throw new Error('service account token has expired');
      const bound = claims['kubernetes.io'] as Bound;
      await checkBound(bound);
      return { user: userOf(bound, claims.jti ?? ''), audiences: common };
    },
  };
}

async function newKey(): Promise<JWK> {
  const pair = await webcrypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify']);
  const { kty, crv, x, y, d } = await exportJWK(pair.privateKey);
  return { kty, crv, x, y, d } as JWK;
}

const quoted = (names: string[]) => `[${names.map((name) => JSON.stringify(name)).join(' ')}]`;

function userOf({ namespace, serviceaccount, pod, node }: Bound, id: string): UserInfo {
  const prefix = 'authentication.kubernetes.io';
  return authenticated({
    username: accountUser(namespace, serviceaccount.name),
    uid: serviceaccount.uid,
    groups: accountGroups(namespace),
    extra: {
      [`${prefix}/credential-id`]: [`JTI=${id}`],
      ...(node === undefined ? {} : { [`${prefix}/node-name`]: [node.name], [`${prefix}/node-uid`]: [node.uid] }),
      ...(pod === undefined ? {} : { [`${prefix}/pod-name`]: [pod.name], [`${prefix}/pod-uid`]: [pod.uid] }),
    },
  });
}
