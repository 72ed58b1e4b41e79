/** TokenReview, and SelfSubjectReview: whose a token is, and who oneself is. */
import type { KubeObject } from '../../kube/index.ts';
import type { VirtualResource } from '../contract.ts';
import type { TokenVerifier } from './token-verifier.ts';
import { userObject } from './user.ts';

interface TokenReviewSpec {
  token?: string;
  audiences?: string[];
}

export function createTokenReview(tokens: TokenVerifier): VirtualResource {
  return {
    async create(_attributes, object) {
      const { token = '', audiences = [] } = (object['spec'] ?? {}) as TokenReviewSpec;
      const result = await tokens.verify(token, audiences);
      const status =
        'user' in result
          ? { authenticated: true, user: userObject(result.user), audiences: result.audiences }
          : { user: {}, error: token === '' ? 'token is required' : result.error };
      return { ...object, status };
    },
  };
}

export function createSelfSubjectReview(): VirtualResource {
  return {
    async create({ user }, object): Promise<KubeObject> {
      const creationTimestamp = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
      return { ...object, metadata: { ...object.metadata, creationTimestamp }, status: { userInfo: userObject(user) } };
    },
  };
}
