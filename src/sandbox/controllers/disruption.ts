/** PodDisruptionBudgets: how many pods may be evicted now. */
import type { PodDisruptionBudgetStatus } from 'kubernetes-types/policy/v1.js';
import type { ControllerContext } from './core/context.ts';
import { DISRUPTED_POD_MS } from './core/limits.ts';
import { controllerOf } from './core/owners.ts';
import { scaled } from './core/percent.ts';
import { isFinished, isReady, isTerminating } from './core/pods.ts';
import { createQueue } from './core/queue.ts';
import { matches } from './core/selector.ts';
import { canonical } from './core/template-hash.ts';
import { timestamp } from './core/time.ts';
import { BUDGETS, DEPLOYMENTS, keyOf, PODS, type Pod, type PodDisruptionBudget, REPLICA_SETS, STATEFUL_SETS, splitKey } from './core/types.ts';

export function startDisruptionBudgets(context: ControllerContext): () => void {
  const budgets = context.cache(BUDGETS);
  const pods = context.cache(PODS);
  const replicaSets = context.cache(REPLICA_SETS);
  const deployments = context.cache(DEPLOYMENTS);
  const statefulSets = context.cache(STATEFUL_SETS);
  const queue = createQueue({ name: 'disruption', log: context.log, signal: context.signal, work: sync });

  budgets.onChange((now, old) => queue.add(keyOf(now ?? (old as PodDisruptionBudget))));
  pods.onChange((now, old) => {
    const pod = (now ?? old) as Pod;
    for (const budget of budgets.inNamespace(pod.metadata.namespace))
      if (matches(budget.spec.selector, now?.metadata.labels) || matches(budget.spec.selector, old?.metadata.labels)) queue.add(keyOf(budget));
  });
  const all = (namespace: string): void => {
    for (const budget of budgets.inNamespace(namespace)) queue.add(keyOf(budget));
  };
  for (const owners of [deployments, statefulSets, replicaSets]) {
    (owners as typeof deployments).onChange((now, old) => {
      if (now?.spec.replicas !== old?.spec.replicas) all((now ?? old)?.metadata.namespace ?? '');
    });
  }

  /** How many pods there should be: what their owners want. */
  function expected(mine: readonly Pod[]): number {
    const owners = new Map<string, number>();
    let bare = 0;
    for (const pod of mine) {
      const owner = controllerOf(pod);
      const set = owner === undefined ? undefined : (replicaSets.byUid(owner.uid) ?? statefulSets.byUid(owner.uid));
      if (set === undefined) {
        bare++;
        continue;
      }
      const above = controllerOf(set);
      const top = (above === undefined ? undefined : deployments.byUid(above.uid)) ?? set;
      owners.set(top.metadata.uid, top.spec.replicas ?? 1);
    }
    return bare + [...owners.values()].reduce((sum, replicas) => sum + replicas, 0);
  }

  async function sync(key: string): Promise<void> {
    const budget = budgets.get(...splitKey(key));
    if (budget === undefined) return;
    const { minAvailable, maxUnavailable, selector } = budget.spec;
    // an empty selector is every pod of the namespace
    const mine = pods.inNamespace(budget.metadata.namespace).filter((pod) => matches(selector, pod.metadata.labels) && !isFinished(pod));
    const wanted = typeof minAvailable === 'number' ? mine.length : expected(mine);
    const desired = maxUnavailable === undefined ? scaled(minAvailable, wanted, 'up') : Math.max(0, wanted - scaled(maxUnavailable, wanted, 'up'));
    const disrupted = stillDisrupted(budget, mine);
    const healthy = mine.filter((pod) => isReady(pod) && !isTerminating(pod) && !(pod.metadata.name in disrupted)).length;
    const allowed = wanted > 0 ? Math.max(0, healthy - desired) : 0;
    if (mine.length === 0) context.events.record('controllermanager', budget, 'Normal', 'NoPods', 'No matching pods found');
    await writeStatus(budget, { wanted, desired, healthy, allowed, disrupted });
    if (Object.keys(disrupted).length > 0) queue.addAfter(key, DISRUPTED_POD_MS);
  }

  async function writeStatus(
    budget: PodDisruptionBudget,
    { wanted, desired, healthy, allowed, disrupted }: { wanted: number; desired: number; healthy: number; allowed: number; disrupted: Record<string, string> },
  ): Promise<void> {
    const generation = budget.metadata.generation ?? 0;
    const before = budget.status?.conditions?.find(({ type }) => type === 'DisruptionAllowed');
    const status = allowed > 0 ? 'True' : 'False';
    const next: PodDisruptionBudgetStatus = {
      conditions: [
        {
          type: 'DisruptionAllowed',
          status,
          reason: allowed > 0 ? 'SufficientPods' : 'InsufficientPods',
          message: '',
          observedGeneration: generation,
          lastTransitionTime: before !== undefined && before.status === status ? before.lastTransitionTime : timestamp(),
        },
      ],
      currentHealthy: healthy,
      desiredHealthy: desired,
      disruptionsAllowed: allowed,
      expectedPods: wanted,
      observedGeneration: generation,
      ...(Object.keys(disrupted).length === 0 ? {} : { disruptedPods: disrupted }),
    };
    if (canonical(budget.status ?? {}) !== canonical(next)) await context.replace(BUDGETS, { ...budget, status: next }, 'status');
  }

  return queue.start;
}

/** Evictions that were granted and whose pods still look well. */
function stillDisrupted(budget: PodDisruptionBudget, mine: readonly Pod[]): Record<string, string> {
  const there = new Map(mine.map((pod) => [pod.metadata.name, pod]));
  return Object.fromEntries(
    Object.entries(budget.status?.disruptedPods ?? {}).filter(([name, since]) => {
      const pod = there.get(name);
      return pod !== undefined && !isTerminating(pod) && Date.now() - Date.parse(since) < DISRUPTED_POD_MS;
    }),
  );
}
