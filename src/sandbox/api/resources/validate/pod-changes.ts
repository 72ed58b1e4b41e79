/** What of a pod may be changed once it is there: images and a few numbers. */
import { CLUSTER_USER } from '../../../contract.ts';
import { type Cause, forbiddenField } from '../../errors.ts';
import { type ApiObject, copy, equal, isObject, type JsonObject } from '../../object.ts';
import { items } from '../defaults/fill.ts';
import type { RuleContext } from '../strategy.ts';

const WHY =
  'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)';

/**
 * Subresources (`status`) change what is theirs. The sandbox itself, behind `binding`, says on which node it is, and nothing else: what a
 * webhook and a LimitRange made of the pod may get its last defaults with that.
 */
export function podChangeCauses(pod: ApiObject, old: ApiObject, { subresource, user }: RuleContext): Cause[] {
  if (subresource !== undefined || !isObject(pod['spec']) || !isObject(old['spec'])) return [];
  const isBound = (spec: JsonObject): boolean => (spec['nodeName'] ?? '') !== '';
  if (user.username === CLUSTER_USER && isBound(pod['spec']) && !isBound(old['spec'])) return [];
  return equal(lasting(pod['spec'], old['spec']), lasting(old['spec'], old['spec'])) ? [] : [forbiddenField('spec', WHY)];
}

/** A spec without what may be changed in that of a pod. */
function lasting(spec: JsonObject, old: JsonObject): JsonObject {
  const rest = copy(spec);
  delete rest['activeDeadlineSeconds'];
  if (items(old, 'tolerations').every((toleration) => items(spec, 'tolerations').some((one) => equal(one, toleration)))) delete rest['tolerations'];
  for (const key of ['containers', 'initContainers']) for (const container of items(rest, key)) delete container['image'];
  return rest;
}
