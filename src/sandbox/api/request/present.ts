/** A stored object in the group and version that was asked for. */
import type { ApiObject } from '../object.ts';
import { apiVersionOf, type Resource } from '../resources/registry.ts';

/** The object itself when it is stored in that version. */
export function presented(resource: Resource, object: ApiObject): ApiObject {
  if (resource.strategy.present !== undefined) return resource.strategy.present(object);
  const apiVersion = apiVersionOf(resource);
  return object.apiVersion === apiVersion ? object : { ...object, apiVersion };
}

export function listKindOf(resource: Resource): { apiVersion: string; kind: string } {
  return { apiVersion: apiVersionOf(resource), kind: resource.listKind };
}
