/** `eviction`: a pod is deleted if its disruption budget lets it go. */
import { selectorMatches } from '../../access/index.ts';
import { StatusError } from '../../contract.ts';
import { notFound } from '../errors.ts';
import { type ApiObject, copy, isObject, timestamp } from '../object.ts';
import type { Registry } from '../resources/registry.ts';
import { deleteObject, readDeleteOptions } from './delete.ts';
import type { WriteDeps, WriteScope } from './scope.ts';
import { updateObject } from './update.ts';

interface BudgetStatus {
  disruptionsAllowed?: number;
  desiredHealthy?: number;
  currentHealthy?: number;
  disruptedPods?: Record<string, string>;
}

/** @throws {StatusError} 429 while the budget allows no disruption */
export async function evict(deps: WriteDeps, registry: Registry, scope: WriteScope, body: unknown): Promise<void> {
  const name = scope.name ?? '';
  const pod = deps.store.collection('pods').get(scope.namespace, name);
  if (pod === undefined) throw notFound(scope.resource.type, name);
  const budgets = deps.store
    .collection('poddisruptionbudgets.policy')
    .list(scope.namespace)
    .filter((budget) => selectorMatches((budget['spec'] as { selector?: object } | undefined)?.selector, pod.metadata.labels ?? {}));
  if (budgets.length > 1)
    throw new StatusError(500, 'InternalError', 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.');
  const [budget] = budgets;
  if (budget !== undefined && counts(pod)) await take(deps, registry, scope, budget, name);
  const options = isObject(body) && isObject(body['deleteOptions']) ? body['deleteOptions'] : {};
  await deleteObject(deps, { ...scope, subresource: undefined }, readDeleteOptions(options, new URLSearchParams()));
}

/** One that has ended, waits to begin or is going already disturbs nobody. */
function counts(pod: ApiObject): boolean {
  const { phase = 'Pending' } = (pod['status'] ?? {}) as { phase?: string };
  return phase === 'Running' && pod.metadata.deletionTimestamp === undefined;
}

async function take(deps: WriteDeps, registry: Registry, scope: WriteScope, budget: ApiObject, pod: string): Promise<void> {
  const resource = registry.find('policy', 'v1', 'poddisruptionbudgets');
  if (resource === undefined) return;
  await updateObject(
    deps,
    { ...scope, resource, name: budget.metadata.name, subresource: 'status' },
    {
      compute(current) {
        const status = (current['status'] ?? {}) as BudgetStatus;
        const { disruptionsAllowed = 0, desiredHealthy = 0, currentHealthy = 0 } = status;
        if (disruptionsAllowed <= 0) {
          const message = `The disruption budget ${budget.metadata.name} needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`;
          throw new StatusError(429, 'TooManyRequests', "Cannot evict pod as it would violate the pod's disruption budget.", {
            causes: [{ reason: 'DisruptionBudget', message }],
          });
        }
        const disruptedPods = { ...status.disruptedPods, [pod]: timestamp() };
        return { ...copy(current), status: { ...status, disruptionsAllowed: disruptionsAllowed - 1, disruptedPods } };
      },
    },
  );
}
