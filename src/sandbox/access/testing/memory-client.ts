/** Objects in memory behind the few calls of a {@link ClusterClient} that `access/`, `admission/` and `streams/` make. For tests. */
import { CodedError } from '../../../base/errors.ts';
import type { ChangeKind, Informer, InformerOptions } from '../../../kube/index.ts';
import type { ClusterClient } from '../../contract.ts';

type Stored = { metadata: { name: string; namespace?: string; [key: string]: unknown }; [key: string]: unknown };

export interface MemoryClient {
  client: ClusterClient;
  /** @param path of the collection: `/api/v1/pods`, without a namespace. */
  put(path: string, object: object): void;
  remove(path: string, namespace: string, name: string): void;
}

/** `/api/v1/namespaces/shop/pods/web` → the collection `/api/v1/pods`, `shop`, `web`. */
function split(path: string): { collection: string; namespace: string; name: string } {
  const words = path.split('/');
  const head = words[1] === 'api' ? 3 : 4;
  const rest = words.slice(head);
  const namespaced = rest[0] === 'namespaces' && rest.length > 2;
  const [plural = '', name = ''] = namespaced ? rest.slice(2) : rest;
  return { collection: [...words.slice(0, head), plural].join('/'), namespace: namespaced ? (rest[1] ?? '') : '', name };
}

export function createMemoryClient(): MemoryClient {
  const collections = new Map<string, Map<string, Stored>>();
  const watchers = new Map<string, ((kind: ChangeKind, object: Stored, old?: Stored) => void)[]>();
  const of = (collection: string) => collections.get(collection) ?? collections.set(collection, new Map()).get(collection) ?? new Map<string, Stored>();
  const tell = (collection: string, kind: ChangeKind, object: Stored, old?: Stored) => {
    for (const watcher of watchers.get(collection) ?? []) watcher(kind, object, old);
  };

  function put(collection: string, object: object): void {
    const stored = structuredClone(object) as Stored;
    const key = `${stored.metadata.namespace ?? ''}/${stored.metadata.name}`;
    const old = of(collection).get(key);
    of(collection).set(key, stored);
    tell(collection, old === undefined ? 'added' : 'modified', stored, old);
  }
  const refuse = (what: string) => () => {
    throw new Error(`the memory client has no ${what}`);
  };

  const client: ClusterClient = {
    async get<T>(path: string) {
      const { collection, namespace, name } = split(path);
      const found = of(collection).get(`${namespace}/${name}`);
      if (found === undefined)
        throw new CodedError('TP-KUBE-NOT-FOUND', `${path} not found`, {
          cause: { kind: 'Status', code: 404, reason: 'NotFound', message: `${name} not found` },
        });
      return structuredClone(found) as T;
    },
    async list<T>(path: string) {
      const { collection, namespace } = split(path);
      const all = [...of(collection).values()].filter((object) => namespace === '' || object.metadata.namespace === namespace);
      return { items: structuredClone(all) as T[], resourceVersion: '1' };
    },
    async patch<T>(path: string, _type: string, body: unknown) {
      const { collection, namespace, name } = split(path);
      const found = of(collection).get(`${namespace}/${name}`);
      put(collection, { ...found, ...(body as object) });
      return body as T;
    },
    createInformer<T>(path: string, { onChange }: InformerOptions<T>): Informer<T> {
      const { collection } = split(path);
      const changed = onChange as ((kind: ChangeKind, object: Stored, old?: Stored) => void) | undefined;
      if (changed !== undefined) {
        watchers.set(collection, [...(watchers.get(collection) ?? []), changed]);
        for (const object of of(collection).values()) changed('added', object);
      }
      return {
        ready: Promise.resolve(),
        lastError: undefined,
        list: () => [...of(collection).values()] as T[],
        get: (namespace, name) => of(collection).get(`${namespace}/${name}`) as T | undefined,
        retryNow() {},
        beginAnew() {},
        close() {},
      };
    },
    request: refuse('request'),
    create: refuse('create'),
    replace: refuse('replace'),
    apply: refuse('apply'),
    delete: refuse('delete'),
    watch: refuse('watch'),
    evict: refuse('evict'),
  };
  return {
    client,
    put,
    remove(collection, namespace, name) {
      const old = of(collection).get(`${namespace}/${name}`);
      of(collection).delete(`${namespace}/${name}`);
      if (old !== undefined) tell(collection, 'deleted', old, old);
    },
  };
}
