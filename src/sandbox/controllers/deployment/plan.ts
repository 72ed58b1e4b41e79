/** How many pods which ReplicaSet of a Deployment is to have next: pure arithmetic, no API. */
import { scaled } from '../core/percent.ts';
import type { Deployment, ReplicaSet } from '../core/types.ts';
import { DESIRED_REPLICAS, MAX_REPLICAS, replicasOf, sum } from './revisions.ts';

export interface Change {
  set: ReplicaSet;
  replicas: number;
}

export const isRolling = (deployment: Deployment): boolean => deployment.spec.strategy?.type !== 'Recreate';
const available = (set: ReplicaSet): number => set.status?.availableReplicas ?? 0;

/** Both rounded to leave more pods running; both zero would mean no progress. */
function bounds(deployment: Deployment): { surge: number; unavailable: number } {
  const rolling = deployment.spec.strategy?.rollingUpdate;
  const wanted = replicasOf(deployment);
  const surge = scaled(rolling?.maxSurge ?? '25%', wanted, 'up');
  const unavailable = scaled(rolling?.maxUnavailable ?? '25%', wanted, 'down');
  return { surge, unavailable: surge === 0 && unavailable === 0 ? 1 : unavailable };
}

export const maxSurge = (deployment: Deployment): number => (isRolling(deployment) ? bounds(deployment).surge : 0);

export function maxUnavailable(deployment: Deployment): number {
  if (!isRolling(deployment) || replicasOf(deployment) === 0) return 0;
  return Math.min(bounds(deployment).unavailable, replicasOf(deployment));
}

/** The newest one's next size while it grows: as far as the surge lets it. `all` is with `newest`. */
export function newestReplicas(deployment: Deployment, all: readonly ReplicaSet[], newest: ReplicaSet | undefined): number {
  if (!isRolling(deployment)) return replicasOf(deployment);
  const mine = replicasOf(newest);
  const room = replicasOf(deployment) + maxSurge(deployment) - sum(all, replicasOf);
  return room <= 0 ? mine : mine + Math.min(room, replicasOf(deployment) - mine);
}

/** What can be taken from older ones: first pods that do not work, then others as long as enough are available. */
export function shrinkOld(deployment: Deployment, newest: ReplicaSet, old: readonly ReplicaSet[]): Change[] {
  const all = [...old, newest];
  if (sum(old, replicasOf) === 0) return [];
  const leastAvailable = replicasOf(deployment) - maxUnavailable(deployment);
  const cleanable = sum(all, replicasOf) - leastAvailable - (replicasOf(newest) - available(newest));
  if (cleanable <= 0) return [];
  const sizes = new Map(old.map((set) => [set, replicasOf(set)]));
  const take = (set: ReplicaSet, most: number): number => {
    const size = sizes.get(set) ?? 0;
    const taken = Math.max(0, Math.min(most, size));
    sizes.set(set, size - taken);
    return taken;
  };
  let cleaned = 0;
  for (const set of old) cleaned += take(set, Math.min(cleanable - cleaned, replicasOf(set) - available(set)));
  let spare = sum(all, available) - leastAvailable;
  for (const set of old) if (spare > 0) spare -= take(set, spare);
  return [...sizes].filter(([set, replicas]) => replicas !== replicasOf(set)).map(([set, replicas]) => ({ set, replicas }));
}

/** A change of `spec.replicas` outside a rollout step, spread over all ReplicaSets that have pods by their share. */
export function scaleAll(deployment: Deployment, newest: ReplicaSet | undefined, old: readonly ReplicaSet[]): Change[] {
  const wanted = replicasOf(deployment);
  const active = [...old, ...(newest === undefined ? [] : [newest])].filter((set) => replicasOf(set) > 0);
  const only = active.length === 0 ? (newest ?? old.at(-1)) : active.length === 1 ? active[0] : undefined;
  if (only !== undefined) return replicasOf(only) === wanted ? [] : [{ set: only, replicas: wanted }];
  if (newest !== undefined && isSaturated(deployment, newest)) return old.filter((set) => replicasOf(set) > 0).map((set) => ({ set, replicas: 0 }));
  if (!isRolling(deployment)) return [];
  return proportional(deployment, active, wanted);
}

const isSaturated = (deployment: Deployment, set: ReplicaSet): boolean => {
  const wanted = replicasOf(deployment);
  return replicasOf(set) === wanted && Number(set.metadata.annotations?.[DESIRED_REPLICAS]) === wanted && available(set) === wanted;
};

function proportional(deployment: Deployment, active: readonly ReplicaSet[], wanted: number): Change[] {
  const total = sum(active, replicasOf);
  const allowed = wanted > 0 ? wanted + maxSurge(deployment) : 0;
  let left = allowed - total;
  if (left === 0) return [];
  // the largest take the largest share, and what rounding leaves; of equals the newer when growing, the older when shrinking
  const growing = left > 0;
  const younger = (a: ReplicaSet, b: ReplicaSet): number => Date.parse(b.metadata.creationTimestamp) - Date.parse(a.metadata.creationTimestamp);
  const sorted = [...active].sort((a, b) => replicasOf(b) - replicasOf(a) || (growing ? younger(a, b) : -younger(a, b)));
  const sizes = new Map<ReplicaSet, number>();
  for (const set of sorted) {
    const former = Number(set.metadata.annotations?.[MAX_REPLICAS]) || replicasOf(deployment);
    const share = Math.round((replicasOf(set) * allowed) / former) - replicasOf(set);
    const change = growing ? Math.min(Math.max(0, share), left) : Math.max(Math.min(0, share), left);
    sizes.set(set, replicasOf(set) + change);
    left -= change;
  }
  const [first] = sorted;
  if (first !== undefined && left !== 0) sizes.set(first, Math.max(0, (sizes.get(first) ?? 0) + left));
  return [...sizes].filter(([set, replicas]) => replicas !== replicasOf(set)).map(([set, replicas]) => ({ set, replicas }));
}
