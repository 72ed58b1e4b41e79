/** What the intercepts page shows: the managers' lists, joined with clusters, previews and the people who made them. */
import { previewAddress } from '../actions.ts';
import type { CloudContext, OrganisationIntercept } from '../context.ts';
import type { Cluster, Preview } from '../store/index.ts';

export interface InterceptPreview {
  id: string;
  url: string;
  host: string;
  public: boolean;
  header: Preview['header'];
  ingress: Preview['ingress'];
  createdAt: number;
  /** Name of the member who made it. */
  by: string | undefined;
}
export interface InterceptRow {
  intercept: OrganisationIntercept;
  cluster: Cluster | undefined;
  previews: InterceptPreview[];
  /** How to call the one whose workstation answers. */
  owner: string;
  state: 'active' | 'waiting' | 'degraded' | 'asleep' | 'error';
}
export interface Overview {
  rows: InterceptRow[];
  clusters: number;
  linked: number;
  previews: number;
  publicPreviews: number;
}

export function stateOf({ phase, connected }: Pick<OrganisationIntercept, 'phase' | 'connected'>): InterceptRow['state'] {
  if (phase === 'Error') return 'error';
  if (connected === false) return 'asleep';
  if (phase === 'Degraded') return 'degraded';
  return phase === 'Waiting' ? 'waiting' : 'active';
}

export async function readOverview({ store, links, config }: Pick<CloudContext, 'store' | 'links' | 'config'>, organisationId: string): Promise<Overview> {
  const [intercepts, clusters, previews, linked, members] = await Promise.all([
    links.intercepts(organisationId),
    store.clusters.list(organisationId),
    store.previews.list(organisationId),
    links.linkedClusters(organisationId),
    store.organisations.members(organisationId),
  ]);
  const clusterOf = new Map(clusters.map((cluster) => [cluster.id, cluster]));
  const names = new Map(members.map(({ id, name }) => [id, name]));
  const rows = intercepts.map((intercept): InterceptRow => {
    const own = previews
      .filter((preview) => preview.intercept.uid === intercept.uid && preview.clusterId === intercept.clusterId)
      .map((preview) => ({
        id: preview.id,
        ...previewAddress(config, preview),
        public: preview.public,
        header: preview.header,
        ingress: preview.ingress,
        createdAt: preview.createdAt,
        by: names.get(preview.createdBy),
      }));
    return {
      intercept,
      cluster: clusterOf.get(intercept.clusterId),
      previews: own,
      owner: own.find(({ by }) => by !== undefined)?.by ?? intercept.user,
      state: stateOf(intercept),
    };
  });
  rows.sort((a, b) => Date.parse(b.intercept.since ?? '') - Date.parse(a.intercept.since ?? '') || a.intercept.uid.localeCompare(b.intercept.uid));
  const shown = rows.flatMap((row) => row.previews);
  return { rows, clusters: clusters.length, linked: linked.size, previews: shown.length, publicPreviews: shown.filter((preview) => preview.public).length };
}
