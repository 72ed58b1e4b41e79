/** ResourceQuotas: how much of what they allow there is. Numbers of objects only, as it is with what they refuse. */
import { quotaNames } from '../quota-names.ts';
import type { ControllerContext } from './core/context.ts';
import { isFinished } from './core/pods.ts';
import { createQueue } from './core/queue.ts';
import { canonical } from './core/template-hash.ts';
import {
  CONFIG_MAPS,
  DEPLOYMENTS,
  JOBS,
  type Kind,
  keyOf,
  PODS,
  type Pod,
  QUOTAS,
  REPLICA_SETS,
  SECRETS,
  SERVICES,
  STATEFUL_SETS,
  type Stored,
  splitKey,
} from './core/types.ts';

/** By the names that a quota has for them. */
const COUNTED = new Map<string, Kind>(
  [PODS, SERVICES, CONFIG_MAPS, SECRETS, DEPLOYMENTS, REPLICA_SETS, STATEFUL_SETS, JOBS].flatMap((kind) =>
    quotaNames(kind.apiVersion.includes('/') ? { ...kind, group: kind.apiVersion.split('/')[0] ?? '' } : { ...kind, group: '' }).map(
      (name) => [name, kind] as const,
    ),
  ),
);

export function startResourceQuotas(context: ControllerContext): () => void {
  const quotas = context.cache(QUOTAS);
  const queue = createQueue({ name: 'resource-quota', log: context.log, signal: context.signal, work: sync });
  const cacheOf = (kind: Kind) => context.cache<Stored>(kind);

  quotas.onChange((now) => {
    if (now !== undefined) queue.add(keyOf(now));
  });
  for (const kind of new Set(COUNTED.values()))
    cacheOf(kind).onChange((now, old) => {
      for (const quota of quotas.inNamespace((now ?? old)?.metadata.namespace ?? '')) queue.add(keyOf(quota));
    });

  function used(resource: string, namespace: string): string | undefined {
    const kind = COUNTED.get(resource);
    if (kind === undefined) return undefined;
    const all = cacheOf(kind).inNamespace(namespace);
    return String(resource === 'pods' ? all.filter((pod) => !isFinished(pod as Pod)).length : all.length);
  }

  async function sync(key: string): Promise<void> {
    const quota = quotas.get(...splitKey(key));
    if (quota === undefined) return;
    const hard = quota.spec?.hard ?? {};
    const counted = Object.keys(hard).flatMap((resource): [string, string][] => {
      const count = used(resource, quota.metadata.namespace);
      return count === undefined ? [] : [[resource, count]];
    });
    const status = { hard, used: Object.fromEntries(counted) };
    if (canonical(quota.status ?? {}) !== canonical(status)) await context.replace(QUOTAS, { ...quota, status }, 'status');
  }

  return queue.start;
}
