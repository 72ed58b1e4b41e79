import { LIST_LIMIT } from '../limits.ts';
import { newId } from '../secrets.ts';
import type { Role, StoreContext } from './context.ts';
import type { User } from './users.ts';

export interface Organisation {
  id: string;
  name: string;
}
export interface Membership extends Organisation {
  role: Role;
}
export interface Member extends User {
  role: Role;
  /** `manual` (made here, or by invitation), or the provider that says so. */
  source: string;
  createdAt: number;
}

/** Membership that no provider takes away. */
export const MANUAL = 'manual';

export interface Organisations {
  find(id: string): Promise<Organisation | undefined>;
  /** Makes one; the user becomes its owner. */
  create(name: string, owner?: string): Promise<Organisation>;
  /** The one that the first administrator gets: the oldest, made when there is none. */
  first(name: string): Promise<Organisation>;
  rename(id: string, name: string): Promise<void>;
  /** The organisations of a user, by name. */
  of(userId: string): Promise<Membership[]>;
  /** How somebody belongs to an organisation, if at all: asked at each request. */
  role(organisationId: string, userId: string): Promise<Role | undefined>;
  members(organisationId: string): Promise<Member[]>;
  /** Adds; somebody who is there keeps the higher role. */
  add(organisationId: string, userId: string, role: Role): Promise<void>;
  /** false: that would leave no owner, or nobody has that membership. */
  setRole(organisationId: string, userId: string, role: Role): Promise<boolean>;
  /** Takes the membership away, and with it the tokens for that organisation; false as above. */
  remove(organisationId: string, userId: string): Promise<boolean>;
  /** Makes the memberships that a provider gives exactly these; manual ones stay. */
  sync(userId: string, provider: string, organisations: readonly { externalId: string; name: string; role: Role }[]): Promise<void>;
}

export function createOrganisations(context: StoreContext): Organisations {
  const { db, now } = context;

  /** The owners' rows are locked (PostgreSQL) for the count to hold: two owners can't leave at the same time. */
  const keepingAnOwner = (organisationId: string, userId: string, change: (tx: StoreContext['db']) => Promise<void>) =>
    db.transaction().execute(async (tx) => {
      // An update that changes nothing takes the lock on both databases.
      const locked = await tx
        .updateTable('memberships')
        .set((e) => ({ created_at: e.ref('created_at') }))
        .where('organisation_id', '=', organisationId)
        .returning(['user_id', 'role'])
        .execute();
      const theirs = locked.find((row) => row.user_id === userId);
      if (theirs === undefined) return false;
      if (theirs.role === 'owner' && !locked.some((row) => row.role === 'owner' && row.user_id !== userId)) return false;
      await change(tx);
      return true;
    });

  const create: Organisations['create'] = (name, owner) =>
    db.transaction().execute(async (tx) => {
      const organisation = { id: newId(), name };
      await tx
        .insertInto('organisations')
        .values({ ...organisation, provider: null, external_id: null, created_at: now() })
        .execute();
      if (owner !== undefined) {
        await tx
          .insertInto('memberships')
          .values({ organisation_id: organisation.id, user_id: owner, role: 'owner', source: MANUAL, created_at: now() })
          .execute();
      }
      return organisation;
    });

  return {
    find: (id) => db.selectFrom('organisations').select(['id', 'name']).where('id', '=', id).executeTakeFirst(),
    create,
    async first(name) {
      const oldest = await db
        .selectFrom('organisations')
        .select(['id', 'name'])
        .where('provider', 'is', null)
        .orderBy('created_at')
        .limit(1)
        .executeTakeFirst();
      return oldest ?? create(name);
    },
    async rename(id, name) {
      await db.updateTable('organisations').set({ name }).where('id', '=', id).execute();
    },
    of: (userId) =>
      db
        .selectFrom('memberships')
        .innerJoin('organisations', 'organisations.id', 'memberships.organisation_id')
        .select(['organisations.id', 'organisations.name', 'memberships.role'])
        .where('user_id', '=', userId)
        .orderBy('organisations.name')
        .orderBy('organisations.id')
        .execute(),
    async role(organisationId, userId) {
      const row = await db
        .selectFrom('memberships')
        .select('role')
        .where('organisation_id', '=', organisationId)
        .where('user_id', '=', userId)
        .executeTakeFirst();
      return row?.role;
    },
    async members(organisationId) {
      const rows = await db
        .selectFrom('memberships')
        .innerJoin('users', 'users.id', 'memberships.user_id')
        .select(['users.id', 'users.name', 'users.email', 'memberships.role', 'memberships.source', 'memberships.created_at'])
        .where('organisation_id', '=', organisationId)
        .orderBy('users.name')
        .orderBy('users.id')
        .limit(LIST_LIMIT)
        .execute();
      return rows.map(({ created_at, ...row }) => ({ ...row, createdAt: created_at }));
    },
    async add(organisationId, userId, role) {
      await db
        .insertInto('memberships')
        .values({ organisation_id: organisationId, user_id: userId, role, source: MANUAL, created_at: now() })
        .onConflict((c) => c.columns(['organisation_id', 'user_id']).doUpdateSet(role === 'owner' ? { role, source: MANUAL } : { source: MANUAL }))
        .execute();
    },
    setRole: (organisationId, userId, role) =>
      role === 'owner'
        ? db
            .updateTable('memberships')
            .set({ role })
            .where('organisation_id', '=', organisationId)
            .where('user_id', '=', userId)
            .executeTakeFirst()
            .then((result) => result.numUpdatedRows > 0n)
        : keepingAnOwner(organisationId, userId, async (tx) => {
            await tx.updateTable('memberships').set({ role }).where('organisation_id', '=', organisationId).where('user_id', '=', userId).execute();
          }),
    remove: (organisationId, userId) => keepingAnOwner(organisationId, userId, (tx) => dropMembership(tx, organisationId, userId)),
    async sync(userId, provider, organisations) {
      await db.transaction().execute(async (tx) => {
        const kept: string[] = [];
        for (const { externalId, name, role } of organisations) {
          const { id } = await tx
            .insertInto('organisations')
            .values({ id: newId(), name, provider, external_id: externalId, created_at: now() })
            .onConflict((c) => c.columns(['provider', 'external_id']).doUpdateSet({ name }))
            .returning('id')
            .executeTakeFirstOrThrow();
          kept.push(id);
          await tx
            .insertInto('memberships')
            .values({ organisation_id: id, user_id: userId, role, source: provider, created_at: now() })
            .onConflict((c) => c.columns(['organisation_id', 'user_id']).doUpdateSet({ role }).where('memberships.source', '=', provider))
            .execute();
        }
        const given = await tx.selectFrom('memberships').select('organisation_id').where('user_id', '=', userId).where('source', '=', provider).execute();
        for (const { organisation_id } of given) if (!kept.includes(organisation_id)) await dropMembership(tx, organisation_id, userId);
      });
    },
  };
}

async function dropMembership(db: StoreContext['db'], organisationId: string, userId: string): Promise<void> {
  await db.deleteFrom('memberships').where('organisation_id', '=', organisationId).where('user_id', '=', userId).execute();
  await db.deleteFrom('tokens').where('organisation_id', '=', organisationId).where('user_id', '=', userId).execute();
  await db.deleteFrom('oauth_codes').where('organisation_id', '=', organisationId).where('user_id', '=', userId).execute();
  await db.updateTable('sessions').set({ organisation_id: null }).where('organisation_id', '=', organisationId).where('user_id', '=', userId).execute();
}
