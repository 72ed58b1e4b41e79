import { OAUTH_CODE_MS } from '../limits.ts';
import { hashSecret, newSecret } from '../secrets.ts';
import type { StoreContext } from './context.ts';

export interface OauthCode {
  hash: string;
  userId: string;
  organisationId: string;
  redirectUri: string;
  challenge: string;
}

export interface OauthCodes {
  create(code: Omit<OauthCode, 'hash'>): Promise<string>;
  /** Uses it up, whatever the caller finds wrong afterwards. `replayed`: it was used before. */
  take(code: string): Promise<{ code: OauthCode } | { replayed: string } | undefined>;
}

export function createOauthCodes({ db, now }: StoreContext): OauthCodes {
  return {
    async create({ userId, organisationId, redirectUri, challenge }) {
      const code = newSecret();
      await db
        .insertInto('oauth_codes')
        .values({
          hash: hashSecret(code),
          user_id: userId,
          organisation_id: organisationId,
          redirect_uri: redirectUri,
          challenge,
          created_at: now(),
          expires_at: now() + OAUTH_CODE_MS,
          used_at: null,
        })
        .execute();
      return code;
    },
    async take(code) {
      const hash = hashSecret(code);
      const row = await db
        .updateTable('oauth_codes')
        .set({ used_at: now() })
        .where('hash', '=', hash)
        .where('used_at', 'is', null)
        .returningAll()
        .executeTakeFirst();
      if (row === undefined) {
        const used = await db.selectFrom('oauth_codes').select('hash').where('hash', '=', hash).executeTakeFirst();
        return used === undefined ? undefined : { replayed: hash };
      }
      if (row.expires_at <= now()) return undefined;
      return { code: { hash, userId: row.user_id, organisationId: row.organisation_id, redirectUri: row.redirect_uri, challenge: row.challenge } };
    },
  };
}
