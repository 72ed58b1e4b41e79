import type { Selectable } from 'kysely';
import type { Ingress, PreviewRequest } from '../../protocol/cloud.ts';
import { PREVIEW_GRACE_MS } from '../../protocol/cloud.ts';
import type { Tables } from '../database/index.ts';
import { LIST_LIMIT } from '../limits.ts';
import { newId, newLabel } from '../secrets.ts';
import { type StoreContext, toJson } from './context.ts';

export interface Preview {
  id: string;
  label: string;
  organisationId: string;
  /** Ours (Cluster.id). */
  clusterId: string;
  createdBy: string;
  intercept: PreviewRequest['intercept'];
  header: PreviewRequest['header'];
  ingress: Ingress;
  public: boolean;
  createdAt: number;
  /** Since when no manager knows the intercept. */
  missingSince: number | null;
  /** It is over: removed, or its intercept was gone for PREVIEW_GRACE_MS. */
  endedAt: number | null;
}

export interface Previews {
  create(preview: PreviewRequest & { organisationId: string; clusterRow: string; userId: string }): Promise<Preview>;
  /** Ended ones too, for the page that explains. */
  byLabel(label: string): Promise<Preview | undefined>;
  find(organisationId: string, id: string): Promise<Preview | undefined>;
  /** The ones that live, newest first. */
  list(organisationId: string): Promise<Preview[]>;
  count(organisationId: string): Promise<number>;
  setPublic(organisationId: string, id: string, value: boolean): Promise<boolean>;
  end(organisationId: string, id: string): Promise<boolean>;
  /** A manager's whole list came: marks what is missing, ends what is missing for too long. Returns whether anything changed. */
  reconcile(clusterId: string, interceptUids: readonly string[]): Promise<boolean>;
}

export function previewOf(row: Selectable<Tables['previews']>): Preview {
  return {
    id: row.id,
    label: row.label,
    organisationId: row.organisation_id,
    clusterId: row.cluster_id,
    createdBy: row.created_by,
    intercept: JSON.parse(row.intercept) as PreviewRequest['intercept'],
    header: { name: row.header_name, value: row.header_value },
    ingress: JSON.parse(row.ingress) as Ingress,
    public: row.public === 1,
    createdAt: row.created_at,
    missingSince: row.missing_since,
    endedAt: row.ended_at,
  };
}

export function createPreviews({ db, now }: StoreContext): Previews {
  const living = (organisationId: string, id: string) =>
    db.updateTable('previews').where('organisation_id', '=', organisationId).where('id', '=', id).where('ended_at', 'is', null);
  return {
    async create({ organisationId, clusterRow, userId, intercept, header, ingress, public: isPublic }) {
      const row = await db
        .insertInto('previews')
        .values({
          id: newId(),
          label: newLabel(),
          organisation_id: organisationId,
          cluster_id: clusterRow,
          created_by: userId,
          intercept_uid: intercept.uid,
          intercept: toJson(intercept),
          header_name: header.name.toLowerCase(),
          header_value: header.value,
          ingress: toJson(ingress),
          public: isPublic ? 1 : 0,
          created_at: now(),
          missing_since: null,
          ended_at: null,
        })
        .returningAll()
        .executeTakeFirstOrThrow();
      return previewOf(row);
    },
    async byLabel(label) {
      const row = await db.selectFrom('previews').selectAll().where('label', '=', label).executeTakeFirst();
      return row === undefined ? undefined : previewOf(row);
    },
    async find(organisationId, id) {
      const row = await db.selectFrom('previews').selectAll().where('organisation_id', '=', organisationId).where('id', '=', id).executeTakeFirst();
      return row === undefined ? undefined : previewOf(row);
    },
    async list(organisationId) {
      const rows = await db
        .selectFrom('previews')
        .selectAll()
        .where('organisation_id', '=', organisationId)
        .where('ended_at', 'is', null)
        .orderBy('created_at', 'desc')
        .orderBy('id')
        .limit(LIST_LIMIT)
        .execute();
      return rows.map(previewOf);
    },
    async count(organisationId) {
      const row = await db
        .selectFrom('previews')
        .select((e) => e.fn.countAll().as('count'))
        .where('organisation_id', '=', organisationId)
        .where('ended_at', 'is', null)
        .executeTakeFirstOrThrow();
      return Number(row.count);
    },
    async setPublic(organisationId, id, value) {
      const result = await living(organisationId, id)
        .set({ public: value ? 1 : 0 })
        .executeTakeFirst();
      return result.numUpdatedRows > 0n;
    },
    async end(organisationId, id) {
      const result = await living(organisationId, id).set({ ended_at: now() }).executeTakeFirst();
      return result.numUpdatedRows > 0n;
    },
    async reconcile(clusterId, interceptUids) {
      const there = new Set(interceptUids);
      const rows = await db
        .selectFrom('previews')
        .select(['id', 'intercept_uid', 'missing_since'])
        .where('cluster_id', '=', clusterId)
        .where('ended_at', 'is', null)
        .execute();
      let changed = false;
      for (const row of rows) {
        const change = there.has(row.intercept_uid)
          ? row.missing_since === null
            ? undefined
            : { missing_since: null }
          : row.missing_since === null
            ? { missing_since: now() }
            : row.missing_since <= now() - PREVIEW_GRACE_MS
              ? { ended_at: now() }
              : undefined;
        if (change === undefined) continue;
        changed = true;
        await db.updateTable('previews').set(change).where('id', '=', row.id).where('ended_at', 'is', null).execute();
      }
      return changed;
    },
  };
}
