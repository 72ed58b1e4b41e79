/**
 * Who asks and what they may: certificates, tokens and impersonation; roles and bindings; the reviews that tell others.
 *
 *   const access = await createAccess({ client, log });
 *   createApiServer({ authenticator: access.authenticator, authorizer: access.authorizer, virtual: access.virtual, … });
 *   for (const object of access.bootstrapObjects()) await client.create(object);
 *   access.start();
 */
import type { JWK } from 'jose';
import type { Log } from '../../base/log.ts';
import type { KubeObject } from '../../kube/index.ts';
import type { Authenticator, Authorizer, ClusterClient, UserInfo, VirtualResource } from '../contract.ts';
import { createAccessReview, createSelfAccessReview, createSelfRulesReview } from './access-reviews.ts';
import { aggregateClusterRoles } from './aggregation.ts';
import { createAuthenticator } from './authenticator.ts';
import { bootstrapRbacObjects } from './bootstrap-objects.ts';
import { createEscalationCheck, type EscalationCheck } from './escalation.ts';
import { createRbacAuthorizer } from './rbac-authorizer.ts';
import { createRbacStore, type RbacStore, type RoleLookup } from './rbac-store.ts';
import { createServiceAccountTokens, type ServiceAccountTokens } from './service-account-tokens.ts';
import { createTokenRequest } from './token-request.ts';
import { createSelfSubjectReview, createTokenReview } from './token-review.ts';
import { createTokenVerifier } from './token-verifier.ts';

export { forbidden } from './forbidden.ts';
export { getIfThere } from './get-if-there.ts';
export { selectorMatches } from './label-selector.ts';
export type { LabelSelector } from './rbac-objects.ts';
export { MASTERS, userObject } from './user.ts';

export interface AccessOptions {
  client: ClusterClient;
  log: Log;
  /** Default: that of the real test cluster. */
  issuer?: string;
  /** Of an earlier start, so that its tokens go on being good. */
  tokenKey?: JWK | undefined;
  /** Fixed bearer tokens, for tests. */
  tokens?: ReadonlyMap<string, UserInfo>;
}

export interface Access {
  readonly authenticator: Authenticator;
  readonly authorizer: Authorizer;
  /** For admission: refuses roles and bindings that give more than their writer has. */
  readonly escalation: EscalationCheck;
  /** Reviews and `serviceaccounts/token`, by their places. */
  readonly virtual: Record<string, VirtualResource>;
  readonly tokens: ServiceAccountTokens;
  /** What unauthenticated issuers' discovery serves: path → body. */
  readonly discovery: Record<string, unknown>;
  /** Roles and bindings to create at start, where they are not there yet. */
  bootstrapObjects(): KubeObject[];
  /** Begins to read roles and bindings, once the API answers. Until then only `system:masters` may do anything. */
  start(): Promise<void>;
  close(): void;
}

const DEFAULT_ISSUER = 'https://kubernetes.default.svc.cluster.local';

export async function createAccess(options: AccessOptions): Promise<Access> {
  const { client, log, issuer = DEFAULT_ISSUER } = options;
  const tokens = await createServiceAccountTokens({ client, issuer, key: options.tokenKey });
  const verifier = createTokenVerifier(tokens, options.tokens ?? new Map());
  let store: RbacStore | undefined;
  const roles: RoleLookup = {
    grants: (user, namespace) => store?.grants(user, namespace) ?? { grants: [], missing: [] },
    rulesOf: (roleRef, namespace) => store?.rulesOf(roleRef, namespace),
  };
  const authorizer = createRbacAuthorizer(roles);
  const reviews = 'authorization.k8s.io/v1';
  return {
    authorizer,
    tokens,
    authenticator: createAuthenticator({ tokens: verifier, authorizer }),
    escalation: createEscalationCheck(roles, authorizer),
    virtual: {
      'authentication.k8s.io/v1/tokenreviews': createTokenReview(verifier),
      'authentication.k8s.io/v1/selfsubjectreviews': createSelfSubjectReview(),
      [`${reviews}/subjectaccessreviews`]: createAccessReview(authorizer, { local: false }),
      [`${reviews}/localsubjectaccessreviews`]: createAccessReview(authorizer, { local: true }),
      [`${reviews}/selfsubjectaccessreviews`]: createSelfAccessReview(authorizer),
      [`${reviews}/selfsubjectrulesreviews`]: createSelfRulesReview(roles),
      'v1/serviceaccounts/token': createTokenRequest(client, tokens),
    },
    discovery: {
      '/.well-known/openid-configuration': {
        issuer,
        jwks_uri: `${issuer}/openid/v1/jwks`,
        response_types_supported: ['id_token'],
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: ['ES256'],
      },
      '/openid/v1/jwks': tokens.keySet,
    },
    bootstrapObjects: bootstrapRbacObjects,
    async start() {
      store = createRbacStore(client, log);
      aggregateClusterRoles(client, store, log);
      await store.ready;
    },
    close() {
      store?.close();
    },
  };
}
