/** What agents said they took. Each pod tells its own totals; an intercept's is their sum, also of pods that are gone. */

interface PodCount {
  /** What the pod's earlier agent processes took. */
  before: number;
  last: number;
}

export interface TakenBook {
  /** Returns whether anything is new. */
  heard(podUid: string, intercept: string, total: number): boolean;
  /** Undefined while no agent has taken anything for it. */
  of(intercept: string): number | undefined;
  /** The intercept is over. */
  forget(intercept: string): void;
}

export function createTakenBook(): TakenBook {
  const byIntercept = new Map<string, Map<string, PodCount>>();
  return {
    heard(podUid, intercept, total) {
      const pods = byIntercept.get(intercept) ?? new Map<string, PodCount>();
      const known = pods.get(podUid) ?? { before: 0, last: 0 };
      if (known.last === total && pods.has(podUid)) return false;
      // An agent that counts from the beginning again was started anew.
      const before = total < known.last ? known.before + known.last : known.before;
      byIntercept.set(intercept, pods.set(podUid, { before, last: total }));
      return true;
    },
    of(intercept) {
      const pods = byIntercept.get(intercept);
      if (pods === undefined) return undefined;
      let sum = 0;
      for (const { before, last } of pods.values()) sum += before + last;
      return sum;
    },
    forget: (intercept) => void byIntercept.delete(intercept),
  };
}
