import { INVITATION_LIFE_MS } from '../limits.ts';
import { hashSecret, newId, newSecret } from '../secrets.ts';
import type { Role, StoreContext } from './context.ts';

export interface Invitation {
  id: string;
  organisationId: string;
  organisationName: string;
  role: Role;
  /** Whom it is meant for, as the inviter wrote it; whoever has the link may use it. */
  email: string | null;
  createdAt: number;
  expiresAt: number;
}

export interface Invitations {
  create(invitation: { organisationId: string; role: Role; email: string | null; createdBy: string | null }): Promise<{ id: string; token: string }>;
  /** Only while it is open. */
  find(token: string): Promise<Invitation | undefined>;
  /** Once; undefined when it is used, withdrawn or too old. The membership is made in the same transaction. */
  accept(token: string, userId: string): Promise<Invitation | undefined>;
  open(organisationId: string): Promise<Invitation[]>;
  withdraw(organisationId: string, id: string): Promise<boolean>;
}

export function createInvitations({ db, now }: StoreContext): Invitations {
  const select = (from = db) =>
    from
      .selectFrom('invitations')
      .innerJoin('organisations', 'organisations.id', 'invitations.organisation_id')
      .select([
        'invitations.id',
        'invitations.organisation_id as organisationId',
        'organisations.name as organisationName',
        'invitations.role',
        'invitations.email',
        'invitations.created_at as createdAt',
        'invitations.expires_at as expiresAt',
      ])
      .where('accepted_at', 'is', null)
      .where('expires_at', '>', now());
  return {
    async create({ organisationId, role, email, createdBy }) {
      const [id, token] = [newId(), newSecret()];
      await db
        .insertInto('invitations')
        .values({
          id,
          organisation_id: organisationId,
          token_hash: hashSecret(token),
          role,
          email,
          created_by: createdBy,
          created_at: now(),
          expires_at: now() + INVITATION_LIFE_MS,
          accepted_at: null,
          accepted_by: null,
        })
        .execute();
      return { id, token };
    },
    find: (token) => select().where('token_hash', '=', hashSecret(token)).executeTakeFirst(),
    accept: (token, userId) =>
      db.transaction().execute(async (tx) => {
        const invitation = await select(tx).where('token_hash', '=', hashSecret(token)).executeTakeFirst();
        if (invitation === undefined) return undefined;
        const used = await tx
          .updateTable('invitations')
          .set({ accepted_at: now(), accepted_by: userId })
          .where('id', '=', invitation.id)
          .where('accepted_at', 'is', null)
          .executeTakeFirst();
        if (used.numUpdatedRows === 0n) return undefined;
        const role = invitation.role;
        await tx
          .insertInto('memberships')
          .values({ organisation_id: invitation.organisationId, user_id: userId, role, source: 'manual', created_at: now() })
          .onConflict((c) => c.columns(['organisation_id', 'user_id']).doUpdateSet(role === 'owner' ? { role, source: 'manual' } : { source: 'manual' }))
          .execute();
        return invitation;
      }),
    open: (organisationId) => select().where('invitations.organisation_id', '=', organisationId).orderBy('invitations.created_at', 'desc').execute(),
    async withdraw(organisationId, id) {
      const result = await db
        .deleteFrom('invitations')
        .where('organisation_id', '=', organisationId)
        .where('id', '=', id)
        .where('accepted_at', 'is', null)
        .executeTakeFirst();
      return result.numDeletedRows > 0n;
    },
  };
}
