/** `watch`: what changed since a revision, or first what is there, and then each change as it happens. */
import { badRequest, forbiddenField } from '../errors.ts';
import { WATCH_BOOKMARK_MS, WATCH_TIMEOUT_MS } from '../limits.ts';
import type { ApiObject } from '../object.ts';
import type { WatchAnswer, WatchSink } from '../request/call.ts';
import type { Predicate } from '../request/selectors.ts';
import type { Resource } from '../resources/registry.ts';
import type { Change } from '../store/collection.ts';
import type { Store } from '../store/store.ts';
import { invalidList, revisionOf, selectorsOf } from './list.ts';

const truth = (text: string | null) => text === 'true' || text === '1';

/** @throws {StatusError} for options that do not fit together; a revision that is too old only when it is started. */
export function watchObjects(store: Store, resource: Resource, namespace: string | undefined, query: URLSearchParams): WatchAnswer {
  const { predicate } = selectorsOf(resource, query);
  const asked = revisionOf(query.get('resourceVersion'));
  const bookmarks = truth(query.get('allowWatchBookmarks'));
  const initial = query.get('sendInitialEvents');
  const match = query.get('resourceVersionMatch');
  if (initial !== null && match !== 'NotOlderThan')
    throw invalidList(forbiddenField('resourceVersionMatch', 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan'));
  if (initial === null && match !== null && match !== '')
    throw invalidList(forbiddenField('resourceVersionMatch', 'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided'));
  const seconds = query.get('timeoutSeconds');
  const timeout = seconds === null || seconds === '' ? 0 : Number(seconds);
  if (!Number.isInteger(timeout) || timeout < 0) throw badRequest(`timeoutSeconds: Invalid value: ${JSON.stringify(seconds)}`);
  // Without a revision, or from 0: everything that is there comes first, as ADDED.
  const state = initial === null ? (asked ?? 0) === 0 : truth(initial);

  return {
    kind: 'watch',
    resource,
    timeoutMs: timeout > 0 ? timeout * 1000 : WATCH_TIMEOUT_MS * (1 + Math.random()),
    start(sink) {
      const collection = store.collection(resource.type.collection);
      let from = asked ?? store.revision;
      if (state) {
        from = store.revision;
        for (const object of collection.list(namespace)) if (predicate === undefined || predicate(object)) sink.event('ADDED', object);
        if (initial !== null && bookmarks) sink.bookmark(from, true);
      } else if (initial !== null && (asked ?? 0) === 0) from = store.revision;
      const stop = collection.watch(from, (change) => tell(change, namespace, predicate, sink));
      if (!bookmarks) return stop;
      const timer = setInterval(() => sink.bookmark(store.revision, false), WATCH_BOOKMARK_MS);
      timer.unref();
      return () => {
        clearInterval(timer);
        stop();
      };
    },
  };
}

/** A change as somebody sees it who is shown only a part: what leaves the part is deleted, what enters it is added. */
function tell(change: Change, namespace: string | undefined, predicate: Predicate | undefined, sink: WatchSink): void {
  const { object, previous } = change;
  if (namespace !== undefined && object.metadata.namespace !== namespace) return;
  if (predicate === undefined) {
    sink.event(change.type, object);
    return;
  }
  const was = previous !== undefined && predicate(previous);
  const is = change.type !== 'DELETED' && predicate(object);
  if (is) sink.event(was ? 'MODIFIED' : 'ADDED', object);
  else if (was && previous !== undefined) sink.event('DELETED', change.type === 'DELETED' ? object : withVersion(previous, object));
}

function withVersion(previous: ApiObject, object: ApiObject): ApiObject {
  return { ...previous, metadata: { ...previous.metadata, resourceVersion: object.metadata.resourceVersion } };
}
