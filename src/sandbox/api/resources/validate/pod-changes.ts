/** What of a pod may be changed once it is there: images and a few numbers. */
import { CLUSTER_USER } from '../../../contract.ts';
import { type Cause, forbiddenField } from '../../errors.ts';
import { type ApiObject, copy, equal, isObject, type JsonObject } from '../../object.ts';
import { items } from '../defaults/fill.ts';
import type { RuleContext } from '../strategy.ts';

const WHY =
  'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)';

/** Subresources (`status`) change what is theirs, and so does the sandbox itself, behind `binding`, when it says on which node a pod is. */
export function podChangeCauses(pod: ApiObject, old: ApiObject, { subresource, user }: RuleContext): Cause[] {
  if (subresource !== undefined || !isObject(pod['spec']) || !isObject(old['spec'])) return [];
  const isBinding = user.username === CLUSTER_USER && (old['spec']['nodeName'] ?? '') === '' && pod['spec']['nodeName'] !== undefined;
  return isBinding || equal(lasting(pod['spec'], old['spec']), lasting(old['spec'], old['spec'])) ? [] : [forbiddenField('spec', WHY)];
}

/** A spec without what may be changed in that of a pod. */
function lasting(spec: JsonObject, old: JsonObject): JsonObject {
  const rest = copy(spec);
  delete rest['activeDeadlineSeconds'];
  if (items(old, 'tolerations').every((toleration) => items(spec, 'tolerations').some((one) => equal(one, toleration)))) delete rest['tolerations'];
  for (const key of ['containers', 'initContainers']) for (const container of items(rest, key)) delete container['image'];
  return rest;
}
