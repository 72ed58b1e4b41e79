import { newId } from '../secrets.ts';
import type { StoreContext } from './context.ts';

export interface User {
  id: string;
  name: string;
  email: string | null;
}

/** Provider of local accounts; the subject is the address in lower case. */
export const LOCAL_PROVIDER = 'local';

export interface Users {
  count(): Promise<number>;
  find(id: string): Promise<User | undefined>;
  /** Finds the user behind an identity, or makes one; name and address follow the provider. */
  fromIdentity(identity: { provider: string; subject: string; name: string; email: string | null }): Promise<User>;
  /** Makes a local account; undefined when the address has one. `password` is a scrypt hash. */
  createLocal(account: { name: string; email: string; password: string }): Promise<User | undefined>;
  findLocal(email: string): Promise<(User & { password: string | null }) | undefined>;
  setPassword(id: string, password: string): Promise<void>;
  identities(id: string): Promise<{ provider: string; subject: string }[]>;
}

export const normalEmail = (email: string): string => email.trim().toLowerCase();

export function createUsers({ db, now }: StoreContext): Users {
  const byIdentity = (provider: string, subject: string) =>
    db
      .selectFrom('identities')
      .innerJoin('users', 'users.id', 'identities.user_id')
      .select(['users.id', 'users.name', 'users.email', 'users.password'])
      .where('provider', '=', provider)
      .where('subject', '=', subject)
      .executeTakeFirst();

  /** Somebody else may make the same identity at the same time: then theirs stands, and undefined is returned. */
  const create = (identity: { provider: string; subject: string; name: string; email: string | null; password: string | null }) =>
    db.transaction().execute(async (tx) => {
      const user = { id: newId(), name: identity.name, email: identity.email };
      await tx
        .insertInto('users')
        .values({ ...user, password: identity.password, created_at: now() })
        .execute();
      const made = await tx
        .insertInto('identities')
        .values({ provider: identity.provider, subject: identity.subject, user_id: user.id, created_at: now() })
        .onConflict((c) => c.columns(['provider', 'subject']).doNothing())
        .returning('user_id')
        .executeTakeFirst();
      if (made !== undefined) return user;
      await tx.deleteFrom('users').where('id', '=', user.id).execute();
      return undefined;
    });

  return {
    async count() {
      const row = await db
        .selectFrom('users')
        .select((e) => e.fn.countAll().as('count'))
        .executeTakeFirstOrThrow();
      return Number(row.count);
    },
    find: (id) => db.selectFrom('users').select(['id', 'name', 'email']).where('id', '=', id).executeTakeFirst(),
    async fromIdentity(identity) {
      const known = await byIdentity(identity.provider, identity.subject);
      if (known === undefined) {
        const made = await create({ ...identity, password: null });
        if (made !== undefined) return made;
        const theirs = await byIdentity(identity.provider, identity.subject);
        if (theirs === undefined) throw new Error('an identity was made and removed at the same time');
        return { id: theirs.id, name: theirs.name, email: theirs.email };
      }
      const user = { id: known.id, name: identity.name, email: identity.email };
      if (known.name !== user.name || known.email !== user.email) {
        await db.updateTable('users').set({ name: user.name, email: user.email }).where('id', '=', user.id).execute();
      }
      return user;
    },
    createLocal: ({ name, email, password }) => create({ provider: LOCAL_PROVIDER, subject: normalEmail(email), name, email: email.trim(), password }),
    findLocal: (email) => byIdentity(LOCAL_PROVIDER, normalEmail(email)),
    async setPassword(id, password) {
      await db.updateTable('users').set({ password }).where('id', '=', id).execute();
    },
    identities: (id) => db.selectFrom('identities').select(['provider', 'subject']).where('user_id', '=', id).execute(),
  };
}
