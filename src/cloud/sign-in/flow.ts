/**
 * A sign-in at a provider, from the redirect there to the callback. Nothing is stored: state, nonce and PKCE verifier are derived
 * from the browser's visitor cookie, which no other browser has and which is dropped when the sign-in succeeded.
 */
import { SIGN_IN_FLOW_MS } from '../limits.ts';
import { derive, newSecret, sameSecret } from '../secrets.ts';

export interface Flow {
  state: string;
  nonce: string;
  codeVerifier: string;
  next: string;
}

const secretsOf = (visitor: string, payload: string) => ({
  nonce: derive(visitor, `nonce ${payload}`),
  codeVerifier: derive(visitor, `pkce ${payload}`),
});

export function startFlow(visitor: string, provider: string, next: string, now: number): Flow {
  const payload = Buffer.from(JSON.stringify([newSecret(), provider, next, now])).toString('base64url');
  return { state: `${payload}.${derive(visitor, `state ${payload}`)}`, next, ...secretsOf(visitor, payload) };
}

/** The flow that `state` names, if this browser began it, with this provider, not too long ago. */
export function resumeFlow(visitor: string | undefined, provider: string, state: string | undefined, now: number): Flow | undefined {
  const [payload = '', proof = ''] = (state ?? '').split('.');
  if (visitor === undefined || state === undefined || !sameSecret(proof, derive(visitor, `state ${payload}`))) return undefined;
  const [, of, next, startedAt] = JSON.parse(Buffer.from(payload, 'base64url').toString()) as [string, string, string, number];
  if (of !== provider || startedAt + SIGN_IN_FLOW_MS < now) return undefined;
  return { state, next, ...secretsOf(visitor, payload) };
}
