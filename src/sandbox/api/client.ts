/** The API in the same process: requests that cross no socket, with the authorization and admission of any other. */

import { CodedError } from '../../base/errors.ts';
import type { WatchEvent, WatchOptions } from '../../kube/contract.ts';
import { createInformer } from '../../kube/informer.ts';
import { createObjectCalls } from '../../kube/object-calls.ts';
import { withQuery } from '../../kube/paths.ts';
import { createReviews } from '../../kube/reviews.ts';
import { errorOfStatus, type KubeStatus } from '../../kube/status-error.ts';
import { type ApiServerParts, type ClusterClient, StatusError, type UserInfo } from '../contract.ts';
import { authorize, type Core, resolveRequest } from './core.ts';
import { resourceList } from './discovery/discovery.ts';
import { WATCH_BUFFER_EVENTS } from './limits.ts';
import { copy, type JsonObject } from './object.ts';
import type { Answer, WatchAnswer } from './request/call.ts';
import { listKindOf, presented } from './request/present.ts';
import { internalError, statusObject } from './request/status.ts';

const IN_PROCESS = 'in this process';

/** @param manager of the fields that this client writes without saying who it is. */
export function createInProcessClient(core: Core, parts: ApiServerParts, user: UserInfo, manager: string): ClusterClient {
  async function answerOf(method: string, path: string, body: unknown, contentType: string, signal: AbortSignal | undefined): Promise<Answer> {
    signal?.throwIfAborted();
    const cut = path.indexOf('?');
    const bare = cut === -1 ? path : path.slice(0, cut);
    const query = new URLSearchParams(cut === -1 ? '' : path.slice(cut + 1));
    try {
      const resolved = resolveRequest(method, bare, query, user);
      authorize(parts, resolved.attributes);
      const kinds = resolved.path === undefined ? kindsAt(core, bare) : undefined;
      if (kinds !== undefined) return { kind: 'json', code: 200, object: kinds };
      return await core.dispatch({ user, method, path: bare, query, contentType, body, manager, warn: () => {} }, resolved);
    } catch (error) {
      // As if the Status had come over a wire.
      const status = error instanceof StatusError ? error : internalError(error);
      throw errorOfStatus(statusObject(status) as KubeStatus, { method, path: bare, server: IN_PROCESS });
    }
  }

  const objects = createObjectCalls(async <T>(method: string, path: string, options: Parameters<ClusterClient['request']>[2] = {}): Promise<T> => {
    const body: unknown = typeof options.body === 'string' ? JSON.parse(options.body) : copy(options.body);
    const answer = await answerOf(method, withQuery(path, options.query), body, options.contentType ?? 'application/json', options.signal);
    return whole(answer) as T;
  });

  async function* watch<T>(path: string, options: WatchOptions): AsyncGenerator<WatchEvent<T>, void, void> {
    const query = {
      watch: '1',
      allowWatchBookmarks: 'true',
      resourceVersion: options.resourceVersion,
      labelSelector: options.labelSelector,
      fieldSelector: options.fieldSelector,
    };
    const answer = await answerOf('GET', withQuery(path, query), undefined, '', options.signal);
    if (answer.kind !== 'watch') throw new CodedError('TP-INTERNAL', `${path} can't be watched.`);
    yield* eventsOf<T>(answer, path, options.signal);
  }

  const client: ClusterClient = {
    request: objects.request,
    get: objects.get,
    list: objects.list,
    create: objects.create,
    replace: objects.replace,
    apply: objects.apply,
    patch: objects.patch,
    delete: objects.delete,
    watch,
    createInformer: (path, options) => createInformer({ list: objects.list, watch }, path, options),
    evict: createReviews(objects.request).evict,
  };
  return client;
}

/** What `/api/v1` and `/apis/GROUP/VERSION` say: by which path a kind is reached. */
function kindsAt({ registry }: Core, path: string): JsonObject | undefined {
  const [, root, ...words] = path.split('/');
  if (root === 'api' && words.length === 1) return resourceList(registry, '', words[0] ?? '');
  return root === 'apis' && words.length === 2 ? resourceList(registry, words[0] ?? '', words[1] ?? '') : undefined;
}

function whole(answer: Answer): unknown {
  switch (answer.kind) {
    case 'object':
      return copy(presented(answer.resource, answer.object));
    case 'json':
      return copy(answer.object);
    case 'list': {
      const items = answer.items.map((item) => copy(presented(answer.resource, item)));
      return { ...listKindOf(answer.resource), metadata: answer.metadata, items };
    }
    default:
      throw new CodedError('TP-INTERNAL', 'A watch was asked for as if it were an object.');
  }
}

async function* eventsOf<T>(answer: WatchAnswer, path: string, signal: AbortSignal | undefined): AsyncGenerator<WatchEvent<T>, void, void> {
  let waiting: WatchEvent<T>[] = [];
  let wake: () => void = () => {};
  let over = false;
  const push = (type: WatchEvent<T>['type'], object: JsonObject) => {
    waiting.push({ type, object: object as T });
    // Ends as a slow watcher's connection would: whoever reads begins anew.
    if (waiting.length > WATCH_BUFFER_EVENTS) over = true;
    wake();
  };
  const end = () => {
    over = true;
    wake();
  };
  let stop: () => void;
  try {
    stop = answer.start({
      event: (type, object) => push(type, presented(answer.resource, object)),
      bookmark: (revision) => push('BOOKMARK', { metadata: { resourceVersion: String(revision) } }),
    });
  } catch (error) {
    throw errorOfStatus(statusObject(error instanceof StatusError ? error : internalError(error)) as KubeStatus, { method: 'WATCH', path, server: IN_PROCESS });
  }
  const timer = setTimeout(end, answer.timeoutMs);
  timer.unref();
  signal?.addEventListener('abort', end, { once: true });
  try {
    for (;;) {
      const batch = waiting;
      waiting = [];
      // Copied when it is read, not when it is written: a reader that went away costs nothing.
      for (const event of batch) {
        signal?.throwIfAborted();
        yield { type: event.type, object: copy(event.object) };
      }
      signal?.throwIfAborted();
      if (over) return;
      if (waiting.length === 0)
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
    }
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', end);
    stop();
  }
}
