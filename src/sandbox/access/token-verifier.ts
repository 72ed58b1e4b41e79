/** Whose a bearer token is: a service account's, or one of the fixed tokens that a test brings. */
import { messageOf } from '../../base/errors.ts';
import type { UserInfo } from '../contract.ts';
import type { ServiceAccountTokens } from './service-account-tokens.ts';

export interface TokenVerifier {
  /** `audiences` empty: those of the API server. `error` is as TokenReview words it. */
  verify(token: string, audiences?: string[]): Promise<{ user: UserInfo; audiences: string[] } | { error: string }>;
}

export function createTokenVerifier(accounts: ServiceAccountTokens, fixed: ReadonlyMap<string, UserInfo>): TokenVerifier {
  const own = [accounts.issuer];
  return {
    async verify(token, audiences = []) {
      const wanted = audiences.length === 0 ? own : audiences;
      const user = fixed.get(token);
      if (user !== undefined) return wanted.includes(accounts.issuer) ? { user, audiences: own } : { error: 'invalid bearer token' };
      try {
        return (await accounts.verify(token, wanted)) ?? { error: 'invalid bearer token' };
      } catch (error) {
        return { error: `[invalid bearer token, ${messageOf(error)}]` };
      }
    },
  };
}
