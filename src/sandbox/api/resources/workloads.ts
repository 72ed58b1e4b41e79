/** What workloads have where nothing was said: the values that the API documents. */
import { isObject, type JsonObject } from '../object.ts';
import type { KindRules } from './strategies.ts';

function fill(target: JsonObject, values: JsonObject): void {
  for (const [key, value] of Object.entries(values)) {
    const there = target[key];
    if (there === undefined || there === null) target[key] = structuredClone(value);
    else if (isObject(there) && isObject(value)) fill(there as JsonObject, value as JsonObject);
  }
}

/** `rolling`: the field that a strategy of the type RollingUpdate has beside it. */
function rules(values: JsonObject, strategy?: { field: string; rolling: JsonObject }): KindRules {
  return {
    defaults(object) {
      const spec = (isObject(object['spec']) ? object['spec'] : {}) as JsonObject;
      object['spec'] = spec;
      fill(spec, values);
      if (strategy === undefined) return;
      fill(spec, { [strategy.field]: { type: 'RollingUpdate' } });
      const chosen = spec[strategy.field] as JsonObject;
      if (chosen['type'] === 'RollingUpdate') fill(chosen, { rollingUpdate: strategy.rolling });
    },
  };
}

const SHARE = '25%';

/** By the name of the store's collection. */
export const WORKLOAD_RULES: Record<string, KindRules> = {
  'deployments.apps': rules(
    { replicas: 1, revisionHistoryLimit: 10, progressDeadlineSeconds: 600 },
    { field: 'strategy', rolling: { maxUnavailable: SHARE, maxSurge: SHARE } },
  ),
  'replicasets.apps': rules({ replicas: 1 }),
  'statefulsets.apps': rules(
    {
      replicas: 1,
      revisionHistoryLimit: 10,
      podManagementPolicy: 'OrderedReady',
      persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Retain' },
    },
    { field: 'updateStrategy', rolling: { partition: 0 } },
  ),
  'daemonsets.apps': rules({ revisionHistoryLimit: 10 }, { field: 'updateStrategy', rolling: { maxUnavailable: 1, maxSurge: 0 } }),
};
