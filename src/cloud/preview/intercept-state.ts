/** What the managers say of a preview's intercept, read once a second for all of a cluster's requests. */
import type { CloudIntercept } from '../../protocol/cloud.ts';
import type { CloudContext } from '../context.ts';
import { mergeIntercepts, type Preview } from '../store/index.ts';
import { INTERCEPT_STATE_MS } from './limits.ts';

export interface InterceptStates {
  /** `asleep` only when a manager says so: one that says nothing of it is believed to be there. */
  asleep(preview: Preview): Promise<boolean>;
}

export function createInterceptStates({ store, now }: Pick<CloudContext, 'store' | 'now'>): InterceptStates {
  const clusters = new Map<string, { at: number; intercepts: Promise<Map<string, CloudIntercept>> }>();
  return {
    async asleep({ clusterId, intercept }) {
      let known = clusters.get(clusterId);
      if (known === undefined || now() - known.at > INTERCEPT_STATE_MS) {
        known = { at: now(), intercepts: store.links.ofCluster(clusterId).then(mergeIntercepts) };
        known.intercepts.catch(() => clusters.delete(clusterId));
        clusters.set(clusterId, known);
      }
      return (await known.intercepts).get(intercept.uid)?.connected === false;
    },
  };
}
