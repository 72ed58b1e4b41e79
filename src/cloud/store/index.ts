/**
 * Everything the cloud remembers, as operations by area. Each takes the ids that bound it (user, organisation), so that no caller
 * reaches another organisation's rows by guessing an id. Secrets go in and come out once; only their hashes stay.
 */
import { AUDIT_MEMORY_MS, OAUTH_CODE_MEMORY_MS, PREVIEW_MEMORY_MS, REPLICA_DEAD_MS, SESSION_IDLE_MS } from '../limits.ts';
import { type Audit, createAudit } from './audit.ts';
import { type Clusters, createClusters } from './clusters.ts';
import type { StoreContext } from './context.ts';
import { createInvitations, type Invitations } from './invitations.ts';
import { createLinks, type Links } from './links.ts';
import { createOauthCodes, type OauthCodes } from './oauth-codes.ts';
import { createOrganisations, type Organisations } from './organisations.ts';
import { createPreviewSessions, type PreviewSessions } from './preview-sessions.ts';
import { createPreviews, type Previews } from './previews.ts';
import { createSessions, type Sessions } from './sessions.ts';
import { createTokens, type Tokens } from './tokens.ts';
import { createUsers, type Users } from './users.ts';

export type { AuditAction, AuditEntry } from './audit.ts';
export type { Cluster } from './clusters.ts';
export type { Role } from './context.ts';
export type { Invitation } from './invitations.ts';
export { type LinkRow, mergeIntercepts } from './links.ts';
export type { Member, Membership, Organisation } from './organisations.ts';
export type { Preview } from './previews.ts';
export type { Session } from './sessions.ts';
export type { Caller, TokenInfo } from './tokens.ts';
export type { User } from './users.ts';

export interface Store {
  readonly users: Users;
  readonly organisations: Organisations;
  readonly invitations: Invitations;
  readonly sessions: Sessions;
  readonly oauthCodes: OauthCodes;
  readonly tokens: Tokens;
  readonly clusters: Clusters;
  readonly previews: Previews;
  readonly previewSessions: PreviewSessions;
  readonly audit: Audit;
  readonly links: Links;
  /** Removes what is over. */
  sweep(): Promise<void>;
  /** Rejects when the database does not answer. */
  check(): Promise<void>;
}

export function createStore(context: StoreContext): Store {
  const { db, now } = context;
  return {
    users: createUsers(context),
    organisations: createOrganisations(context),
    invitations: createInvitations(context),
    sessions: createSessions(context),
    oauthCodes: createOauthCodes(context),
    tokens: createTokens(context),
    clusters: createClusters(context),
    previews: createPreviews(context),
    previewSessions: createPreviewSessions(context),
    audit: createAudit(context),
    links: createLinks(context),
    async sweep() {
      const at = now();
      await db
        .deleteFrom('sessions')
        .where((e) => e.or([e('expires_at', '<', at), e('seen_at', '<', at - SESSION_IDLE_MS)]))
        .execute();
      await db
        .deleteFrom('oauth_codes')
        .where('created_at', '<', at - OAUTH_CODE_MEMORY_MS)
        .execute();
      await db.deleteFrom('tokens').where('expires_at', '<', at).execute();
      await db.deleteFrom('invitations').where('expires_at', '<', at).execute();
      await db.deleteFrom('preview_grants').where('expires_at', '<', at).execute();
      await db.deleteFrom('preview_sessions').where('expires_at', '<', at).execute();
      await db
        .deleteFrom('previews')
        .where('ended_at', '<', at - PREVIEW_MEMORY_MS)
        .execute();
      await db
        .deleteFrom('audit')
        .where('at', '<', at - AUDIT_MEMORY_MS)
        .execute();
      await db
        .deleteFrom('replicas')
        .where('seen_at', '<', at - REPLICA_DEAD_MS * 10)
        .execute();
    },
    async check() {
      await db.selectFrom('replicas').select('id').limit(1).execute();
    },
  };
}
