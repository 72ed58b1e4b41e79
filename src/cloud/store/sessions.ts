import { SEEN_EVERY_MS, SESSION_IDLE_MS, SESSION_LIFE_MS } from '../limits.ts';
import { hashSecret, newSecret } from '../secrets.ts';
import type { StoreContext } from './context.ts';
import type { User } from './users.ts';

export interface Session {
  /** Key of the row; safe to hand around, for the cookie can't be made from it. */
  hash: string;
  user: User;
  /** The organisation that is looked at. Membership is checked apart. */
  organisationId: string | null;
  createdAt: number;
}

export interface Sessions {
  /** Always a new secret: a cookie that was there before sign-in means nothing afterwards. */
  create(userId: string, organisationId: string | null): Promise<string>;
  /** Slides the idle expiry; undefined when there is none or it is over. */
  find(secret: string): Promise<Session | undefined>;
  choose(hash: string, organisationId: string): Promise<void>;
  /** Ends it, and with it the preview sessions that it gave. */
  end(hash: string): Promise<void>;
  endAll(userId: string): Promise<void>;
}

export function createSessions({ db, now }: StoreContext): Sessions {
  return {
    async create(userId, organisationId) {
      const secret = newSecret();
      await db
        .insertInto('sessions')
        .values({
          hash: hashSecret(secret),
          user_id: userId,
          organisation_id: organisationId,
          created_at: now(),
          seen_at: now(),
          expires_at: now() + SESSION_LIFE_MS,
        })
        .execute();
      return secret;
    },
    async find(secret) {
      const row = await db
        .selectFrom('sessions')
        .innerJoin('users', 'users.id', 'sessions.user_id')
        .select(['sessions.hash', 'sessions.organisation_id', 'sessions.created_at', 'sessions.seen_at', 'users.id', 'users.name', 'users.email'])
        .where('sessions.hash', '=', hashSecret(secret))
        .where('expires_at', '>', now())
        .where('seen_at', '>', now() - SESSION_IDLE_MS)
        .executeTakeFirst();
      if (row === undefined) return undefined;
      if (row.seen_at < now() - SEEN_EVERY_MS) await db.updateTable('sessions').set({ seen_at: now() }).where('hash', '=', row.hash).execute();
      return {
        hash: row.hash,
        user: { id: row.id, name: row.name, email: row.email },
        organisationId: row.organisation_id,
        createdAt: row.created_at,
      };
    },
    async choose(hash, organisationId) {
      await db.updateTable('sessions').set({ organisation_id: organisationId }).where('hash', '=', hash).execute();
    },
    async end(hash) {
      await db.deleteFrom('sessions').where('hash', '=', hash).execute();
    },
    async endAll(userId) {
      await db.deleteFrom('sessions').where('user_id', '=', userId).execute();
    },
  };
}
