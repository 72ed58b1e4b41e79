import type { CloudIntercept } from '../../protocol/cloud.ts';
import { REPLICA_DEAD_MS } from '../limits.ts';
import { type StoreContext, toJson } from './context.ts';

export interface LinkRow {
  id: string;
  replicaId: string;
  /** Where that cloud replica is reached by the others. */
  address: string;
  clusterId: string;
  manager: string;
  version: string;
  connectedAt: number;
  /** When its list changed last; null: none came yet. */
  listedAt: number | null;
  intercepts: CloudIntercept[];
}

/** Which cloud replicas live, and the links they hold: how every replica knows of all intercepts. */
export interface Links {
  beat(replicaId: string, address: string): Promise<void>;
  /** At the end of a replica; without an id all of them, where there can be one only. */
  forgetReplica(replicaId?: string): Promise<void>;
  add(link: { id: string; replicaId: string; clusterId: string; manager: string; version: string }): Promise<void>;
  listed(id: string, intercepts: readonly CloudIntercept[]): Promise<void>;
  remove(id: string): Promise<void>;
  /** Of replicas that live. */
  ofCluster(clusterId: string): Promise<LinkRow[]>;
  ofOrganisation(organisationId: string): Promise<LinkRow[]>;
}

export function createLinks({ db, now }: StoreContext): Links {
  const select = () =>
    db
      .selectFrom('links')
      .innerJoin('replicas', 'replicas.id', 'links.replica_id')
      .innerJoin('clusters', 'clusters.id', 'links.cluster_id')
      .select([
        'links.id',
        'links.replica_id as replicaId',
        'replicas.address',
        'links.cluster_id as clusterId',
        'links.manager',
        'links.version',
        'links.connected_at as connectedAt',
        'links.listed_at as listedAt',
        'links.intercepts',
      ])
      .where('replicas.seen_at', '>', now() - REPLICA_DEAD_MS)
      .orderBy('links.connected_at');
  type Row = Omit<LinkRow, 'intercepts'> & { intercepts: string };
  const parse = (rows: Row[]): LinkRow[] => rows.map((row) => ({ ...row, intercepts: JSON.parse(row.intercepts) as CloudIntercept[] }));
  return {
    async beat(replicaId, address) {
      await db
        .insertInto('replicas')
        .values({ id: replicaId, address, seen_at: now() })
        .onConflict((c) => c.column('id').doUpdateSet({ address, seen_at: now() }))
        .execute();
    },
    async forgetReplica(replicaId) {
      const rows = db.deleteFrom('replicas');
      await (replicaId === undefined ? rows : rows.where('id', '=', replicaId)).execute();
    },
    async add({ id, replicaId, clusterId, manager, version }) {
      await db
        .insertInto('links')
        .values({ id, replica_id: replicaId, cluster_id: clusterId, manager, version, intercepts: '[]', connected_at: now(), listed_at: null })
        .execute();
    },
    async listed(id, intercepts) {
      await db
        .updateTable('links')
        .set({ intercepts: toJson(intercepts), listed_at: now() })
        .where('id', '=', id)
        .execute();
    },
    async remove(id) {
      await db.deleteFrom('links').where('id', '=', id).execute();
    },
    ofCluster: async (clusterId) => parse(await select().where('links.cluster_id', '=', clusterId).execute()),
    ofOrganisation: async (organisationId) => parse(await select().where('clusters.organisation_id', '=', organisationId).execute()),
  };
}

/** One list of what several links say, by uid: the newest list decides about what stands in several. */
export function mergeIntercepts(links: readonly LinkRow[]): Map<string, CloudIntercept> {
  const merged = new Map<string, CloudIntercept>();
  for (const link of links.toSorted((a, b) => (a.listedAt ?? 0) - (b.listedAt ?? 0)))
    for (const intercept of link.intercepts) merged.set(intercept.uid, intercept);
  return merged;
}
