/** Who wrote which field, kept at each write. */
import { ownUpdated, type Writer } from '../fields/ownership.ts';
import type { ApiObject } from '../object.ts';
import { apiVersionOf, schemaOf } from '../resources/registry.ts';
import type { WriteScope } from './scope.ts';

export function writerOf({ resource, manager, subresource }: WriteScope): Writer {
  return { manager, apiVersion: apiVersionOf(resource), subresource, schema: schemaOf(resource), status: resource.strategy.status };
}

/** @param current undefined at create. */
export function trackManagers(scope: WriteScope, next: ApiObject, current: ApiObject | undefined): void {
  ownUpdated(writerOf(scope), next, current);
}
