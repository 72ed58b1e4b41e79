import { newId } from '../secrets.ts';
import { type StoreContext, toJson } from './context.ts';

/** What is written down. `preview.visit` is a member's or a stranger's look at a preview. */
export const AUDIT_ACTIONS = [
  'user.sign-in',
  'user.sign-in-failed',
  'user.sign-out',
  'user.create',
  'organisation.create',
  'organisation.rename',
  'member.add',
  'member.role',
  'member.remove',
  'invitation.create',
  'invitation.accept',
  'invitation.withdraw',
  'token.create',
  'token.revoke',
  'token.replay',
  'cluster.register',
  'cluster.remove',
  'cluster.link',
  'preview.create',
  'preview.public',
  'preview.private',
  'preview.remove',
  'preview.visit',
  'intercept.end',
] as const;
export type AuditAction = (typeof AUDIT_ACTIONS)[number];

export interface AuditEntry {
  id: string;
  at: number;
  userId: string | null;
  /** Name of the user at that time, `cluster NAME`, or `anonymous`. */
  actor: string;
  action: AuditAction;
  /** Id of what it was done to. */
  subject: string;
  /** Never a secret. */
  detail: Record<string, string | number | boolean>;
  address: string | null;
}

export interface Audit {
  write(
    entry: Omit<AuditEntry, 'id' | 'at' | 'userId' | 'address' | 'detail'> & {
      organisationId: string | null;
      userId?: string | null;
      detail?: AuditEntry['detail'];
      address?: string | null;
    },
  ): Promise<void>;
  /** Newest first. */
  list(organisationId: string, options?: { actions?: readonly AuditAction[]; subject?: string; before?: number; limit?: number }): Promise<AuditEntry[]>;
}

/** Rows of one answer, where the caller names no limit. */
export const AUDIT_PAGE = 100;

export function createAudit({ db, now }: StoreContext): Audit {
  return {
    async write({ organisationId, userId = null, actor, action, subject, detail = {}, address = null }) {
      await db
        .insertInto('audit')
        .values({ id: newId(), at: now(), organisation_id: organisationId, user_id: userId, actor, action, subject, detail: toJson(detail), address })
        .execute();
    },
    async list(organisationId, { actions, subject, before, limit = AUDIT_PAGE } = {}) {
      let query = db.selectFrom('audit').selectAll().where('organisation_id', '=', organisationId);
      if (actions !== undefined) query = query.where('action', 'in', actions);
      if (subject !== undefined) query = query.where('subject', '=', subject);
      if (before !== undefined) query = query.where('at', '<', before);
      const rows = await query.orderBy('at', 'desc').orderBy('id').limit(limit).execute();
      return rows.map((row) => ({
        id: row.id,
        at: row.at,
        userId: row.user_id,
        actor: row.actor,
        action: row.action as AuditAction,
        subject: row.subject,
        detail: JSON.parse(row.detail) as AuditEntry['detail'],
        address: row.address,
      }));
    },
  };
}
