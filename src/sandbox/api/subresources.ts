/** What stands behind a name: `scale`, `eviction`, `binding`, `finalize`, `ephemeralcontainers`, and what others answer. */
import type { ApiServerParts, RequestAttributes } from '../contract.ts';
import { methodNotAllowed } from './errors.ts';
import { type ApiObject, copy, isObject } from './object.ts';
import type { Answer, ApiCall } from './request/call.ts';
import type { Registry } from './resources/registry.ts';
import { evict } from './write/evict.ts';
import { SCALE, scale } from './write/scale.ts';
import type { WriteDeps, WriteScope } from './write/scope.ts';
import { updateObject } from './write/update.ts';

export interface Subresources {
  /** @throws {StatusError} */
  dispatch(call: ApiCall, scope: WriteScope, attributes: RequestAttributes): Promise<Answer>;
}

export function createSubresources(deps: WriteDeps, parts: ApiServerParts, registry: Registry): Subresources {
  return {
    async dispatch(call, scope, attributes) {
      const { type } = scope.resource;
      const key = `${type.group === '' ? '' : `${type.group}/`}${type.version}/${type.plural}/${scope.subresource ?? ''}`;
      const virtual = parts.virtual[key];
      if (virtual !== undefined && attributes.verb === 'create' && isObject(call.body)) {
        return { kind: 'json', code: 201, object: await virtual.create(attributes, call.body as ApiObject) };
      }
      if (type.plural === 'namespaces' && scope.subresource === 'finalize' && attributes.verb === 'update' && isObject(call.body)) {
        const body = call.body as ApiObject;
        const { object } = await updateObject(deps, scope, { compute: (current) => ({ ...copy(current), spec: copy(body['spec']) }) });
        return { kind: 'object', code: 200, object, resource: scope.resource };
      }
      if (scope.subresource === 'scale') return { kind: 'object', code: 200, object: await scale(deps, scope, attributes.verb, call.body), resource: SCALE };
      if (scope.subresource === 'eviction' && attributes.verb === 'create') {
        await evict(deps, registry, scope, call.body);
        return { kind: 'json', code: 201, object: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 } };
      }
      throw methodNotAllowed(type);
    },
  };
}
