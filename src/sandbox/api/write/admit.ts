/** What admission is told of a write, and the first look at what a client sent. */
import type { AdmissionAttributes, Operation } from '../../contract.ts';
import { badRequest } from '../errors.ts';
import { type ApiObject, isObject } from '../object.ts';
import { apiVersionOf, type Resource } from '../resources/registry.ts';
import type { WriteScope } from './scope.ts';

export function admissionOf(scope: WriteScope, operation: Operation, object: ApiObject | undefined, oldObject: ApiObject | undefined): AdmissionAttributes {
  const { type } = scope.resource;
  return {
    operation,
    type,
    subresource: scope.subresource,
    namespace: type.plural === 'namespaces' && type.group === '' ? (scope.name ?? object?.metadata.name) : scope.namespace,
    name: scope.name ?? object?.metadata.name,
    user: scope.user,
    object,
    oldObject,
    dryRun: scope.dryRun,
    options: scope.options,
  };
}

/** Whether a body is an object of that kind at all. Leaves it with a `metadata`. @throws 400 */
export function checkKind(resource: Resource, body: unknown): asserts body is ApiObject {
  if (!isObject(body)) throw badRequest('the body of the request is no object');
  const { kind, apiVersion } = body;
  const wanted = apiVersionOf(resource);
  if ((kind === undefined || kind === '') && (apiVersion === undefined || apiVersion === '')) {
    body['kind'] = resource.type.kind;
    body['apiVersion'] = wanted;
  } else if (kind !== resource.type.kind || apiVersion !== wanted) {
    if (typeof kind !== 'string' || kind === '') throw badRequest("Object 'Kind' is missing in the body of the request");
    if (typeof apiVersion !== 'string' || apiVersion === '') throw badRequest("Object 'apiVersion' is missing in the body of the request");
    // The place in the server's own source is part of its sentence.
    throw badRequest(
      `${kind} in version ${JSON.stringify(apiVersion.split('/').at(-1))} cannot be handled as a ${resource.type.kind}: no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)} in scheme "pkg/runtime/scheme.go:110"`,
    );
  }
  if (body['metadata'] === undefined || body['metadata'] === null) body['metadata'] = {};
  if (!isObject(body['metadata']))
    throw badRequest(
      `${resource.type.kind} in version ${JSON.stringify(resource.type.version)} cannot be handled as a ${resource.type.kind}: json: cannot unmarshal into Go struct field ObjectMeta.metadata`,
    );
}

/** Whether a body is of the object that the path names. Leaves it with a name. @throws 400 */
export function checkNames(scope: WriteScope, body: ApiObject): void {
  const { name, namespace } = body.metadata;
  if (name === undefined || name === '') body.metadata.name = scope.name ?? '';
  else if (name !== scope.name) throw badRequest(`the name of the object (${name}) does not match the name on the URL (${scope.name ?? ''})`);
  if (scope.resource.type.namespaced && namespace !== undefined && namespace !== '' && namespace !== scope.namespace)
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
}
