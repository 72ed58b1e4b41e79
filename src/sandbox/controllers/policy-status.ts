/** ValidatingAdmissionPolicies: that each was read. What a real cluster warns of in its expressions is not found out. */
import type { ControllerContext } from './core/context.ts';
import { createQueue } from './core/queue.ts';
import { keyOf, POLICIES, splitKey } from './core/types.ts';

export function startPolicyStatus(context: ControllerContext): () => void {
  const policies = context.cache(POLICIES);
  const queue = createQueue({ name: 'validatingadmissionpolicy-status', log: context.log, signal: context.signal, work: sync });

  policies.onChange((now) => {
    if (now !== undefined) queue.add(keyOf(now));
  });

  async function sync(key: string): Promise<void> {
    const policy = policies.get(...splitKey(key));
    const observedGeneration = policy?.metadata.generation;
    if (policy === undefined || observedGeneration === undefined || policy.status?.observedGeneration === observedGeneration) return;
    await context.replace(POLICIES, { ...policy, status: { observedGeneration, typeChecking: {} } }, 'status');
  }

  return queue.start;
}
