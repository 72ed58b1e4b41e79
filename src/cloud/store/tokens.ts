import { ACCESS_TOKEN_LIFE_MS, SEEN_EVERY_MS } from '../limits.ts';
import { hashSecret, newId, newSecret, TOKEN_PREFIX } from '../secrets.ts';
import type { StoreContext } from './context.ts';
import type { Organisation } from './organisations.ts';
import type { User } from './users.ts';

export interface Caller {
  tokenId: string;
  user: User;
  organisation: Organisation;
}
export interface TokenInfo {
  id: string;
  kind: 'access' | 'apikey';
  name: string;
  createdAt: number;
  seenAt: number | null;
  expiresAt: number | null;
}

export interface Tokens {
  /** What a client holds after `telepresence login`, or an API key. The secret is shown once. */
  create(token: { kind: 'access' | 'apikey'; userId: string; organisationId: string; name: string; codeHash?: string }): Promise<{ id: string; token: string }>;
  /** Who calls: only while the token lives and its user is a member of its organisation. */
  authenticate(token: string): Promise<Caller | undefined>;
  list(userId: string, organisationId: string): Promise<TokenInfo[]>;
  count(userId: string): Promise<number>;
  revoke(userId: string, id: string): Promise<boolean>;
  /** Takes back what a code gave. */
  revokeOfCode(codeHash: string): Promise<void>;
}

export function createTokens({ db, now }: StoreContext): Tokens {
  return {
    async create({ kind, userId, organisationId, name, codeHash }) {
      const [id, token] = [newId(), newSecret(TOKEN_PREFIX[kind])];
      await db
        .insertInto('tokens')
        .values({
          id,
          hash: hashSecret(token),
          kind,
          user_id: userId,
          organisation_id: organisationId,
          name,
          created_at: now(),
          seen_at: null,
          expires_at: kind === 'access' ? now() + ACCESS_TOKEN_LIFE_MS : null,
          code_hash: codeHash ?? null,
        })
        .execute();
      return { id, token };
    },
    async authenticate(token) {
      if (!token.startsWith(TOKEN_PREFIX.access) && !token.startsWith(TOKEN_PREFIX.apikey)) return undefined;
      const row = await db
        .selectFrom('tokens')
        .innerJoin('users', 'users.id', 'tokens.user_id')
        .innerJoin('organisations', 'organisations.id', 'tokens.organisation_id')
        .innerJoin('memberships', (join) =>
          join.onRef('memberships.organisation_id', '=', 'tokens.organisation_id').onRef('memberships.user_id', '=', 'tokens.user_id'),
        )
        .select([
          'tokens.id',
          'tokens.seen_at',
          'tokens.expires_at',
          'tokens.kind',
          'users.id as userId',
          'users.name',
          'users.email',
          'organisations.id as organisationId',
          'organisations.name as organisation',
        ])
        .where('tokens.hash', '=', hashSecret(token))
        .executeTakeFirst();
      if (row === undefined || (row.expires_at !== null && row.expires_at <= now())) return undefined;
      if ((row.seen_at ?? 0) < now() - SEEN_EVERY_MS) {
        // A client that is used stays logged in.
        const expires = row.kind === 'access' ? { expires_at: now() + ACCESS_TOKEN_LIFE_MS } : {};
        await db
          .updateTable('tokens')
          .set({ seen_at: now(), ...expires })
          .where('id', '=', row.id)
          .execute();
      }
      return {
        tokenId: row.id,
        user: { id: row.userId, name: row.name, email: row.email },
        organisation: { id: row.organisationId, name: row.organisation },
      };
    },
    list: (userId, organisationId) =>
      db
        .selectFrom('tokens')
        .select(['id', 'kind', 'name', 'created_at as createdAt', 'seen_at as seenAt', 'expires_at as expiresAt'])
        .where('user_id', '=', userId)
        .where('organisation_id', '=', organisationId)
        .where((e) => e.or([e('expires_at', 'is', null), e('expires_at', '>', now())]))
        .orderBy('created_at', 'desc')
        .orderBy('id')
        .execute(),
    async count(userId) {
      const row = await db
        .selectFrom('tokens')
        .select((e) => e.fn.countAll().as('count'))
        .where('user_id', '=', userId)
        .where((e) => e.or([e('expires_at', 'is', null), e('expires_at', '>', now())]))
        .executeTakeFirstOrThrow();
      return Number(row.count);
    },
    async revoke(userId, id) {
      const result = await db.deleteFrom('tokens').where('user_id', '=', userId).where('id', '=', id).executeTakeFirst();
      return result.numDeletedRows > 0n;
    },
    async revokeOfCode(codeHash) {
      await db.deleteFrom('tokens').where('code_hash', '=', codeHash).execute();
    },
  };
}
