import { SEEN_EVERY_MS } from '../limits.ts';
import { hashSecret, newId, newSecret, TOKEN_PREFIX } from '../secrets.ts';
import type { StoreContext } from './context.ts';

export interface Cluster {
  /** Ours. The same cluster registered by two organisations is two clusters here. */
  id: string;
  /** uid of namespace kube-system. */
  uid: string;
  organisationId: string;
  name: string;
  createdAt: number;
  seenAt: number | null;
}

export interface Clusters {
  /** Finds or makes it in that organisation, and gives it a new link token: the one before is worth nothing from then on. */
  register(cluster: { uid: string; name: string; organisationId: string; userId: string }): Promise<{ cluster: Cluster; token: string }>;
  authenticate(token: string): Promise<Cluster | undefined>;
  find(id: string): Promise<Cluster | undefined>;
  byUid(organisationId: string, uid: string): Promise<Cluster | undefined>;
  list(organisationId: string): Promise<Cluster[]>;
  seen(id: string): Promise<void>;
  /** Takes its token, its previews and itself away. */
  remove(organisationId: string, id: string): Promise<boolean>;
}

const COLUMNS = ['id', 'uid', 'organisation_id as organisationId', 'name', 'created_at as createdAt', 'seen_at as seenAt'] as const;

export function createClusters({ db, now }: StoreContext): Clusters {
  return {
    async register({ uid, name, organisationId, userId }) {
      const token = newSecret(TOKEN_PREFIX.cluster);
      const token_hash = hashSecret(token);
      const cluster = await db
        .insertInto('clusters')
        .values({ id: newId(), uid, organisation_id: organisationId, name, token_hash, created_by: userId, created_at: now(), seen_at: null })
        .onConflict((c) => c.columns(['organisation_id', 'uid']).doUpdateSet({ name, token_hash }))
        .returning(COLUMNS)
        .executeTakeFirstOrThrow();
      return { cluster, token };
    },
    async authenticate(token) {
      if (!token.startsWith(TOKEN_PREFIX.cluster)) return undefined;
      return db.selectFrom('clusters').select(COLUMNS).where('token_hash', '=', hashSecret(token)).executeTakeFirst();
    },
    find: (id) => db.selectFrom('clusters').select(COLUMNS).where('id', '=', id).executeTakeFirst(),
    byUid: (organisationId, uid) =>
      db.selectFrom('clusters').select(COLUMNS).where('organisation_id', '=', organisationId).where('uid', '=', uid).executeTakeFirst(),
    list: (organisationId) => db.selectFrom('clusters').select(COLUMNS).where('organisation_id', '=', organisationId).orderBy('name').orderBy('id').execute(),
    async seen(id) {
      await db
        .updateTable('clusters')
        .set({ seen_at: now() })
        .where('id', '=', id)
        .where((e) => e.or([e('seen_at', 'is', null), e('seen_at', '<', now() - SEEN_EVERY_MS)]))
        .execute();
    },
    async remove(organisationId, id) {
      const result = await db.deleteFrom('clusters').where('organisation_id', '=', organisationId).where('id', '=', id).executeTakeFirst();
      return result.numDeletedRows > 0n;
    },
  };
}
