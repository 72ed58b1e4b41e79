/** What a client sent, before anything else looks at it: fields that the kind does not know are refused, told of, or dropped. */
import { badRequest } from '../errors.ts';
import type { ApiObject } from '../object.ts';
import { schemaOf } from '../resources/registry.ts';
import { makeCanonical } from '../schema/canonical.ts';
import { dropNulls, typeFault } from '../schema/decode.ts';
import { pruneUnknown } from '../schema/prune.ts';
import type { WriteScope } from './scope.ts';

/** The object is the callee's to change. @throws 400 */
export function decodeFields(scope: WriteScope, object: ApiObject): void {
  const { type, strategy } = scope.resource;
  const schema = schemaOf(scope.resource);
  if (schema === undefined) return;
  dropNulls(object, schema);
  const refused = (why: string) => badRequest(`${type.kind} in version ${JSON.stringify(type.version)} cannot be handled as a ${type.kind}: ${why}`);
  // A custom resource's types are checked with all else that its definition says.
  const fault = strategy.custom === true ? undefined : typeFault(object, schema);
  if (fault !== undefined) throw refused(fault);
  if (strategy.custom !== true) makeCanonical(object, schema);
  const unknown = pruneUnknown(object, schema).map((field) => `unknown field ${JSON.stringify(field)}`);
  if (unknown.length === 0 || scope.fieldValidation === 'Ignore') return;
  if (scope.fieldValidation === 'Strict') throw refused(`strict decoding error: ${unknown.join(', ')}`);
  for (const one of unknown) scope.warn(one);
}
