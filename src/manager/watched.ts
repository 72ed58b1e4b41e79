/** One informer, many listeners. */
import { messageOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { KubeClient } from '../kube/index.ts';
import type { Watched, WatchListener } from './context.ts';

/** The whole object once more, as `kubectl apply` keeps it: kubernetes.io/docs/reference/labels-annotations-taints. */
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/** Without who wrote which field, and what was applied last: more than half of many an object, and nobody reads it here. */
export function withoutBookkeeping<T>(object: T): T {
  const { metadata } = object as { metadata?: { managedFields?: unknown; annotations?: Record<string, string> } };
  if (metadata?.managedFields === undefined && metadata?.annotations?.[LAST_APPLIED] === undefined) return object;
  const { managedFields: _fields, annotations: all, ...kept } = metadata;
  if (all === undefined) return { ...object, metadata: kept };
  const { [LAST_APPLIED]: _applied, ...annotations } = all;
  return { ...object, metadata: { ...kept, annotations } };
}

/** Watches `path` until `signal` is aborted or the result closed. */
export function watch<T>(
  kube: KubeClient,
  path: string,
  options: { log: Log; signal: AbortSignal; labelSelector?: string; fieldSelector?: string },
): Watched<T> {
  const listeners = new Set<WatchListener<T>>();
  const { log, signal } = options;
  const informer = kube.createInformer<T>(path, {
    log,
    signal,
    project: withoutBookkeeping,
    ...(options.labelSelector === undefined ? {} : { labelSelector: options.labelSelector }),
    ...(options.fieldSelector === undefined ? {} : { fieldSelector: options.fieldSelector }),
    onChange: (kind, object, old) => {
      for (const listener of listeners) {
        try {
          listener(kind, object, old);
        } catch (error) {
          log.error('a listener of a watch failed', { path, error: messageOf(error) });
        }
      }
    },
  });
  return {
    ready: informer.ready,
    list: () => informer.list(),
    get: (namespace, name) => informer.get(namespace ?? '', name),
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close: () => informer.close(),
  };
}

/** Several watches of the same kind (one for each namespace) as one. */
export function joinWatched<T>(watches: readonly Watched<T>[]): Watched<T> {
  return {
    ready: Promise.all(watches.map(({ ready }) => ready)).then(() => {}),
    list: () => watches.flatMap((one) => one.list()),
    get(namespace, name) {
      for (const one of watches) {
        const found = one.get(namespace, name);
        if (found !== undefined) return found;
      }
      return undefined;
    },
    subscribe(listener) {
      const stops = watches.map((one) => one.subscribe(listener));
      return () => {
        for (const stop of stops) stop();
      };
    },
    close: () => {
      for (const one of watches) one.close();
    },
  };
}
