import { PREVIEW_GRANT_MS, PREVIEW_SESSION_MS } from '../limits.ts';
import { hashSecret, newSecret } from '../secrets.ts';
import type { StoreContext } from './context.ts';
import type { User } from './users.ts';

/**
 * How a browser that is signed in at the dashboard gets into a private preview on another domain: the dashboard gives a grant
 * (one use, short), the preview's host turns it into a session of its own, bound to that preview and to the dashboard's session.
 */
export interface PreviewSessions {
  /** `path` is where the browser wanted to go. */
  grant(grant: { previewId: string; userId: string; sessionHash: string; path: string }): Promise<string>;
  /** Once; undefined for another preview's, a used or an old one. */
  redeem(grant: string, previewId: string): Promise<{ secret: string; path: string } | undefined>;
  /** The member who looks: only while the dashboard's session lives and the membership in the preview's organisation stands. */
  find(secret: string, previewId: string): Promise<User | undefined>;
}

export function createPreviewSessions({ db, now }: StoreContext): PreviewSessions {
  return {
    async grant({ previewId, userId, sessionHash, path }) {
      const secret = newSecret();
      await db
        .insertInto('preview_grants')
        .values({ hash: hashSecret(secret), preview_id: previewId, user_id: userId, session_hash: sessionHash, path, expires_at: now() + PREVIEW_GRANT_MS })
        .execute();
      return secret;
    },
    async redeem(grant, previewId) {
      const row = await db
        .deleteFrom('preview_grants')
        .where('hash', '=', hashSecret(grant))
        .where('preview_id', '=', previewId)
        .returningAll()
        .executeTakeFirst();
      if (row === undefined || row.expires_at <= now()) return undefined;
      const secret = newSecret();
      await db
        .insertInto('preview_sessions')
        .values({
          hash: hashSecret(secret),
          preview_id: previewId,
          user_id: row.user_id,
          session_hash: row.session_hash,
          expires_at: now() + PREVIEW_SESSION_MS,
        })
        .execute();
      return { secret, path: row.path };
    },
    find: (secret, previewId) =>
      db
        .selectFrom('preview_sessions')
        .innerJoin('previews', 'previews.id', 'preview_sessions.preview_id')
        .innerJoin('sessions', 'sessions.hash', 'preview_sessions.session_hash')
        .innerJoin('users', 'users.id', 'preview_sessions.user_id')
        .innerJoin('memberships', (join) =>
          join.onRef('memberships.organisation_id', '=', 'previews.organisation_id').onRef('memberships.user_id', '=', 'preview_sessions.user_id'),
        )
        .select(['users.id', 'users.name', 'users.email'])
        .where('preview_sessions.hash', '=', hashSecret(secret))
        .where('preview_sessions.preview_id', '=', previewId)
        .where('preview_sessions.expires_at', '>', now())
        .where('sessions.expires_at', '>', now())
        .executeTakeFirst(),
  };
}
