/** An API server in memory: objects of any kind, lists, watches, merge patches, and reviews of tokens that name a pod. Enough for a manager. */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { KubeConnection } from '../../src/kube/index.ts';
import { type FakeApiServer, failure, sendJson, startFakeApi } from '../../src/kube/testing/fake-api-server.ts';

export interface FakeObject {
  apiVersion?: string;
  kind?: string;
  metadata: { name: string; namespace?: string; uid?: string; resourceVersion?: string; labels?: Record<string, string>; [key: string]: unknown };
  [key: string]: unknown;
}

interface Collection {
  objects: Map<string, FakeObject>;
  log: { version: number; type: 'ADDED' | 'MODIFIED' | 'DELETED'; object: FakeObject }[];
  watchers: Set<{ wants(object: FakeObject): boolean; response: ServerResponse }>;
}

export interface FakeCluster extends AsyncDisposable {
  readonly connection: KubeConnection;
  /** Adds or replaces. `path`: of the collection, without a namespace, such as `/api/v1/pods`. Returns what is stored. */
  put(path: string, object: FakeObject): FakeObject;
  remove(path: string, namespace: string | undefined, name: string): void;
  get(path: string, namespace: string | undefined, name: string): FakeObject | undefined;
  list(path: string): FakeObject[];
}

const BOOKMARK_MS = 20_000;
const PATH = /^(\/api\/v1|\/apis\/[^/]+\/[^/]+)(?:\/namespaces\/([^/]+)(?=\/))?\/([^/]+)(?:\/([^/]+))?(?:\/([^/]+))?$/;

function merge(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const result: Record<string, unknown> = typeof target === 'object' && target !== null && !Array.isArray(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = merge(result[key], value);
  }
  return result;
}

/** The token of a pod's agent. */
export const tokenOf = (namespace: string, pod: string, uid: string): string => `pod:${namespace}:${pod}:${uid}`;

export async function startFakeCluster(): Promise<FakeCluster> {
  const collections = new Map<string, Collection>();
  /** What is left of lists that are read in pages, by their tokens. */
  const unread = new Map<string, { version: number; items: FakeObject[] }>();
  let version = 1;
  const collectionOf = (path: string): Collection => {
    const found = collections.get(path) ?? { objects: new Map(), log: [], watchers: new Set() };
    collections.set(path, found);
    return found;
  };
  const keyOf = (namespace: string | undefined, name: string) => `${namespace ?? ''}/${name}`;

  function change(collection: Collection, type: 'ADDED' | 'MODIFIED' | 'DELETED', object: FakeObject): void {
    collection.log.push({ version, type, object });
    const line = `${JSON.stringify({ type, object })}\n`;
    for (const { wants, response } of collection.watchers) if (wants(object)) response.write(line);
  }
  function put(path: string, given: FakeObject): FakeObject {
    const collection = collectionOf(path);
    const key = keyOf(given.metadata.namespace, given.metadata.name);
    const before = collection.objects.get(key);
    version++;
    const metadata = {
      creationTimestamp: new Date().toISOString(),
      ...given.metadata,
      uid: given.metadata.uid ?? before?.metadata.uid ?? randomUUID(),
      resourceVersion: `${version}`,
    };
    const object = { ...given, metadata };
    collection.objects.set(key, object);
    change(collection, before === undefined ? 'ADDED' : 'MODIFIED', object);
    return object;
  }
  function remove(path: string, namespace: string | undefined, name: string): void {
    const collection = collectionOf(path);
    const object = collection.objects.get(keyOf(namespace, name));
    if (object === undefined) return;
    collection.objects.delete(keyOf(namespace, name));
    version++;
    change(collection, 'DELETED', { ...object, metadata: { ...object.metadata, resourceVersion: `${version}` } });
  }

  function list(collection: Collection, namespace: string | undefined, query: URLSearchParams, response: ServerResponse): void {
    const labels = (query.get('labelSelector') ?? '').split(',').filter((part) => part.includes('='));
    const wants = (object: FakeObject) =>
      (namespace === undefined || object.metadata.namespace === namespace) &&
      labels.every((part) => object.metadata.labels?.[part.split('=')[0] as string] === part.split('=').at(-1));
    if (query.get('watch') === null) {
      const token = query.get('continue') ?? '';
      const found = unread.get(token) ?? { version, items: [...collection.objects.values()].filter(wants) };
      unread.delete(token);
      const page = found.items.slice(0, Number(query.get('limit') ?? found.items.length));
      const next = randomUUID();
      const more = page.length < found.items.length;
      if (more) unread.set(next, { version: found.version, items: found.items.slice(page.length) });
      return sendJson(response, { kind: 'List', metadata: { resourceVersion: `${found.version}`, ...(more ? { continue: next } : {}) }, items: page });
    }
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    const from = Number(query.get('resourceVersion') ?? 0);
    for (const event of collection.log)
      if (event.version > from && wants(event.object)) response.write(`${JSON.stringify({ type: event.type, object: event.object })}\n`);
    const watcher = { wants, response };
    collection.watchers.add(watcher);
    response.on('close', () => collection.watchers.delete(watcher));
    return undefined;
  }

  function reviewToken(body: string): unknown {
    const { spec } = JSON.parse(body) as { spec: { token: string; audiences: string[] } };
    const [, namespace, pod, uid] = spec.token.split(':');
    const extra = { 'authentication.kubernetes.io/pod-name': [pod], 'authentication.kubernetes.io/pod-uid': [uid] };
    return { status: { authenticated: uid !== undefined, audiences: spec.audiences, user: { username: `system:serviceaccount:${namespace}:default`, extra } } };
  }

  function handle(request: IncomingMessage, response: ServerResponse, body: string): void {
    const url = new URL(request.url ?? '/', 'https://api');
    if (url.pathname === '/version') return sendJson(response, { major: '1', minor: '34' });
    if (url.pathname.endsWith('/tokenreviews')) return sendJson(response, reviewToken(body), 201);
    const [, prefix, namespace, plural, name] = PATH.exec(url.pathname) ?? [];
    if (prefix === undefined || plural === undefined) return sendJson(response, failure(404, 'no such path'), 404);
    const path = `${prefix}/${plural}`;
    const collection = collectionOf(path);
    const there = name === undefined ? undefined : collection.objects.get(keyOf(namespace, name));
    switch (request.method) {
      case 'GET':
        if (name === undefined) return list(collection, namespace, url.searchParams, response);
        return there === undefined ? sendJson(response, failure(404, `no ${plural} ${name}`, 'NotFound'), 404) : sendJson(response, there);
      case 'POST': {
        const object = JSON.parse(body) as FakeObject;
        if (namespace !== undefined) object.metadata.namespace = namespace;
        if (collection.objects.has(keyOf(namespace, object.metadata.name))) return sendJson(response, failure(409, 'exists', 'AlreadyExists'), 409);
        return sendJson(response, put(path, object), 201);
      }
      case 'PUT':
        return sendJson(response, put(path, JSON.parse(body) as FakeObject));
      case 'PATCH': {
        if (there === undefined) return sendJson(response, failure(404, `no ${plural} ${name}`, 'NotFound'), 404);
        const patch = JSON.parse(body) as Partial<FakeObject>;
        const known = patch.metadata?.resourceVersion;
        if (known !== undefined && known !== there.metadata.resourceVersion) return sendJson(response, failure(409, 'changed', 'Conflict'), 409);
        return sendJson(response, put(path, merge(there, patch) as FakeObject));
      }
      case 'DELETE':
        remove(path, namespace, name ?? '');
        return sendJson(response, { kind: 'Status', status: 'Success' });
      default:
        return sendJson(response, failure(405, 'no such method'), 405);
    }
  }

  const api: FakeApiServer = await startFakeApi({ handle });
  const bookmarks = setInterval(() => {
    const line = `${JSON.stringify({ type: 'BOOKMARK', object: { metadata: { resourceVersion: `${version}` } } })}\n`;
    for (const { watchers } of collections.values()) for (const { response } of watchers) response.write(line);
  }, BOOKMARK_MS);
  return {
    connection: api.connection,
    put,
    remove,
    get: (path, namespace, name) => collectionOf(path).objects.get(keyOf(namespace, name)),
    list: (path) => [...collectionOf(path).objects.values()],
    async [Symbol.asyncDispose]() {
      clearInterval(bookmarks);
      await api[Symbol.asyncDispose]();
    },
  };
}
