/** `patch` in its forms: each makes the next object from what is stored. */
import type { StatusError } from '../../contract.ts';
import { badRequest, forbiddenField, invalidOptions, invalidPatch, unsupportedMediaType } from '../errors.ts';
import { type ApiObject, isObject, type JsonObject } from '../object.ts';
import { schemaOf } from '../resources/registry.ts';
import { typeFault } from '../schema/decode.ts';
import { checkKind, checkNames } from '../write/admit.ts';
import type { WriteDeps, WriteScope } from '../write/scope.ts';
import { type Updated, updateObject } from '../write/update.ts';
import { applyPatch } from './apply.ts';
import { jsonPatch } from './json-patch.ts';
import { mergePatch } from './merge-patch.ts';
import { strategicMerge } from './strategic-merge.ts';

export const PATCH_TYPES = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
} as const;

/** @throws {StatusError} */
export async function patchObject(deps: WriteDeps, scope: WriteScope, contentType: string, body: unknown): Promise<Updated> {
  if (contentType === PATCH_TYPES.apply) return applyPatch(deps, scope, body);
  if (scope.force) throw invalidOptions('PatchOptions', forbiddenField('force', 'may not be specified for non-apply patch'));
  const change = patchOf(scope, contentType, body);
  return updateObject(deps, scope, {
    // One that names a version is computed anew as well, and found to be late.
    unconditional: true,
    compute(current) {
      const next = change(current);
      if (!isObject(next) || !isObject(next['metadata'])) throw badRequest('the patch leaves no object');
      checkKind(scope.resource, next);
      checkNames(scope, next);
      if (contentType !== PATCH_TYPES.strategic) checkTypes(scope, next);
      return next;
    },
  });
}

/** What a patch makes must still be of its kind. @throws 422 */
function checkTypes({ resource }: WriteScope, next: JsonObject): void {
  const fault = resource.strategy.custom === true ? undefined : typeFault(next, schemaOf(resource));
  if (fault !== undefined) throw invalidPatch(JSON.stringify(next), fault);
}

/** Of a custom resource nothing says which lists are merged by what. */
function unsupportedPatch({ resource }: WriteScope): StatusError {
  const { strategic: _strategic, ...custom } = PATCH_TYPES;
  return unsupportedMediaType(Object.values(resource.strategy.custom === true ? custom : PATCH_TYPES));
}

const noObject = (body: unknown): string =>
  `json: cannot unmarshal ${Array.isArray(body) ? 'array' : typeof body === 'boolean' ? 'bool' : typeof body} into Go value of type map[string]interface {}`;

function patchOf(scope: WriteScope, contentType: string, body: unknown): (current: ApiObject) => unknown {
  switch (contentType) {
    case PATCH_TYPES.json:
      return (current) => jsonPatch(current, body);
    case PATCH_TYPES.merge:
      if (!isObject(body)) throw badRequest(`error decoding patch: ${noObject(body)}`);
      return (current) => mergePatch(current, body);
    case PATCH_TYPES.strategic:
      if (!isObject(body)) throw badRequest(noObject(body));
      if (scope.resource.strategy.custom === true) throw unsupportedPatch(scope);
      return (current) => strategicMerge(current, body, schemaOf(scope.resource));
    default:
      throw unsupportedPatch(scope);
  }
}
