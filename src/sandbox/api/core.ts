/** The API server without its sockets: from a request of somebody who is known to an answer. */
import { forbidden } from '../access/forbidden.ts';
import { type ApiServerParts, type RequestAttributes, StatusError, type UserInfo } from '../contract.ts';
import { invalidOptions, methodNotAllowed, noSuchGroup, noSuchResource, notFound, unsupported } from './errors.ts';
import { type ApiObject, isObject } from './object.ts';
import { patchObject } from './patch/patch.ts';
import { listObjects } from './read/list.ts';
import { watchObjects } from './read/watch.ts';
import { type Answer, type ApiCall, success } from './request/call.ts';
import { parsePath, type ResourcePath } from './request/path.ts';
import type { Registry, Resource } from './resources/registry.ts';
import type { Store } from './store/store.ts';
import { createSubresources, type Subresources } from './subresources.ts';
import { checkKind, checkNames } from './write/admit.ts';
import { createObject } from './write/create.ts';
import { type Deleted, deleteObject, readDeleteOptions } from './write/delete.ts';
import type { WriteDeps, WriteScope } from './write/scope.ts';
import { updateObject } from './write/update.ts';

/** What a path and a method ask for. */
export interface Resolved {
  attributes: RequestAttributes;
  /** Undefined for a path that is no resource. */
  path: ResourcePath | undefined;
}

const isTrue = (text: string | null) => text === 'true' || text === '1';

function verbOf(method: string, path: ResourcePath, query: URLSearchParams): string {
  switch (method) {
    case 'GET':
    case 'HEAD':
      if (path.subresource === undefined && isTrue(query.get('watch'))) return 'watch';
      return path.name === undefined ? 'list' : 'get';
    case 'POST':
      return 'create';
    case 'PUT':
      return 'update';
    case 'PATCH':
      return 'patch';
    case 'DELETE':
      return path.name === undefined ? 'deletecollection' : 'delete';
    default:
      return method.toLowerCase();
  }
}

export function resolveRequest(method: string, path: string, query: URLSearchParams, user: UserInfo): Resolved {
  const found = parsePath(path);
  if (found === undefined) return { path: undefined, attributes: { user, verb: method.toLowerCase(), path } };
  const verb = verbOf(method, found, query);
  // Whoever asks for a list of one by its name needs the right on that one.
  let name = found.name;
  if (name === undefined && (verb === 'list' || verb === 'watch' || verb === 'deletecollection')) name = nameSelected(query);
  const attributes: RequestAttributes = { user, verb, path, group: found.group, version: found.version, resource: found.resource };
  if (found.subresource !== undefined) attributes.subresource = found.subresource;
  if (found.namespace !== undefined) attributes.namespace = found.namespace;
  if (name !== undefined) attributes.name = name;
  return { path: found, attributes };
}

function nameSelected(query: URLSearchParams): string | undefined {
  const text = query.get('fieldSelector');
  if (text === null || !text.includes('metadata.name')) return undefined;
  const match = /(?:^|,)metadata\.name==?([^,]*)/.exec(text);
  return match?.[1];
}

/** @throws 403 with who may not do what. */
export function authorize(parts: Pick<ApiServerParts, 'authorizer'>, attributes: RequestAttributes): void {
  const { allowed, reason } = parts.authorizer.authorize(attributes);
  if (allowed) return;
  throw forbidden(attributes, reason);
}

export interface Core {
  readonly store: Store;
  readonly registry: Registry;
  readonly subresources: Subresources;
  /** After authentication and authorization. @throws {StatusError} */
  dispatch(call: ApiCall, resolved: Resolved): Promise<Answer>;
}

export function createCore(parts: ApiServerParts, store: Store, registry: Registry): Core {
  const deps: WriteDeps = { store, admission: () => parts.admission };
  const subresources = createSubresources(deps, parts, registry);

  function scopeOf(call: ApiCall, path: ResourcePath, resource: Resource, attributes: RequestAttributes): WriteScope {
    const { query } = call;
    const validation = query.get('fieldValidation') ?? '';
    if (!['', 'Strict', 'Warn', 'Ignore'].includes(validation))
      throw invalidOptions(optionsKind(attributes.verb), unsupported('fieldValidation', validation, ['', 'Ignore', 'Strict', 'Warn']));
    const dry = query.getAll('dryRun').filter((value) => value !== '');
    if (dry.some((value) => value !== 'All')) throw invalidOptions(optionsKind(attributes.verb), unsupported('dryRun', dry, ['All']));
    const manager = query.get('fieldManager');
    return {
      resource,
      namespace: resource.type.namespaced ? path.namespace : undefined,
      name: path.name,
      subresource: path.subresource,
      user: call.user,
      dryRun: dry.length > 0,
      manager: manager === null || manager === '' ? call.manager : manager,
      managerNamed: manager !== null && manager !== '',
      force: isTrue(query.get('force')),
      fieldValidation: validation === '' ? 'Warn' : (validation as 'Strict' | 'Warn' | 'Ignore'),
      warn: (text) => call.warn(text),
      options: {
        kind: optionsKind(attributes.verb),
        apiVersion: 'meta.k8s.io/v1',
        ...(dry.length > 0 ? { dryRun: dry } : {}),
        ...(manager === null || manager === '' ? {} : { fieldManager: manager }),
        ...(validation === '' ? {} : { fieldValidation: validation }),
        ...(query.has('force') ? { force: isTrue(query.get('force')) } : {}),
      },
    };
  }

  async function write(call: ApiCall, scope: WriteScope, verb: string): Promise<Answer> {
    const { resource } = scope;
    const answer = (object: ApiObject, code = 200): Answer => ({ kind: 'object', code, object, resource });
    switch (verb) {
      case 'create': {
        checkKind(resource, call.body);
        return answer(await createObject(deps, scope, call.body), 201);
      }
      case 'update': {
        const body: unknown = call.body;
        checkKind(resource, body);
        checkNames(scope, body);
        // Computed again after a conflict of its own making, so each time from a fresh copy.
        const updated = await updateObject(deps, scope, {
          compute: () => structuredClone(body),
          ...(resource.strategy.createOnUpdate && scope.subresource === undefined ? { create: () => body } : {}),
        });
        return answer(updated.object, updated.created ? 201 : 200);
      }
      case 'patch': {
        const updated = await patchObject(deps, scope, call.contentType, call.body);
        return answer(updated.object, updated.created ? 201 : 200);
      }
      case 'delete': {
        const options = readDeleteOptions(call.body, call.query);
        return deletedAnswer(scope, await deleteObject(deps, dryScope(scope, call.body), options));
      }
      default:
        return deleteCollection(call, scope);
    }
  }

  async function deleteCollection(call: ApiCall, scope: WriteScope): Promise<Answer> {
    const options = readDeleteOptions(call.body, call.query);
    const list = listObjects(store, scope.resource, scope.namespace, call.query);
    const items: ApiObject[] = [];
    for (const object of list.items) {
      const one = { ...dryScope(scope, call.body), namespace: object.metadata.namespace, name: object.metadata.name };
      try {
        items.push((await deleteObject(deps, one, options)).object);
      } catch (error) {
        // Somebody else was faster: what was wanted is so.
        if (!(error instanceof StatusError && error.code === 404)) throw error;
      }
    }
    return { ...list, items };
  }

  return {
    store,
    registry,
    subresources,
    async dispatch(call, { attributes, path }) {
      if (path === undefined) throw noSuchResource();
      const resource = registry.find(path.group, path.version, path.resource);
      if (resource === undefined) throw registry.all().some(({ type }) => type.group === path.group) ? noSuchResource() : noSuchGroup();
      const { type } = resource;
      if (path.name !== undefined && path.subresource !== undefined) {
        if (!type.subresources.includes(path.subresource)) throw noSuchResource();
        if (path.subresource !== 'status') return subresources.dispatch(call, scopeOf(call, path, resource, attributes), attributes);
      }
      if (!type.namespaced && path.namespace !== undefined && type.plural !== 'namespaces') throw noSuchResource();
      const { verb } = attributes;
      if (!type.verbs.includes(verb) && !(path.subresource === 'status' && ['get', 'update', 'patch'].includes(verb))) throw methodNotAllowed(type);
      if (path.subresource === 'status' && !['get', 'update', 'patch'].includes(verb)) throw methodNotAllowed(type);
      const virtual = parts.virtual[virtualKey(path)];
      if (virtual !== undefined) {
        checkKind(resource, call.body);
        return { kind: 'json', code: 201, object: await virtual.create(attributes, call.body) };
      }
      const namespace = type.namespaced ? path.namespace : undefined;
      switch (verb) {
        case 'get': {
          const name = path.name ?? '';
          const object = type.namespaced && namespace === undefined ? undefined : store.collection(type.collection).get(namespace, name);
          if (object === undefined) throw notFound(type, name);
          return { kind: 'object', code: 200, object, resource };
        }
        case 'list':
          return listObjects(store, resource, namespace, call.query);
        case 'watch': {
          if (path.name !== undefined) call.query.set('fieldSelector', `metadata.name=${path.name}`);
          return watchObjects(store, resource, namespace, call.query);
        }
        default: {
          if (type.namespaced && namespace === undefined && verb !== 'create') throw methodNotAllowed(type);
          return write(call, scopeOf(call, path, resource, attributes), verb);
        }
      }
    },
  };
}

function virtualKey(path: ResourcePath): string {
  return `${path.group === '' ? '' : `${path.group}/`}${path.version}/${path.resource}`;
}

function optionsKind(verb: string): string {
  return { create: 'CreateOptions', update: 'UpdateOptions', patch: 'PatchOptions' }[verb] ?? 'DeleteOptions';
}

/** A DELETE may say in its body that it is not meant. */
function dryScope(scope: WriteScope, body: unknown): WriteScope {
  const dry = isObject(body) && Array.isArray(body['dryRun']) && body['dryRun'].length > 0;
  return dry ? { ...scope, dryRun: true, options: { ...scope.options, dryRun: ['All'] } } : scope;
}

function deletedAnswer(scope: WriteScope, { object, gone }: Deleted): Answer {
  const { resource } = scope;
  if (!gone || resource.strategy.returnsDeleted) return { kind: 'object', code: 200, object, resource };
  const { type } = resource;
  return success({ name: object.metadata.name, ...(type.group === '' ? {} : { group: type.group }), kind: type.plural, uid: object.metadata.uid });
}
