/** A list that stays true: listed once, then watched; whatever breaks is tried again until it is closed. */

import { CodedError, messageOf } from '../base/errors.ts';
import { backoff } from '../base/retry.ts';
import type { ChangeKind, Informer, InformerOptions, KubeClient } from './contract.ts';
import { KUBE_BACKOFF_FIRST_MS, KUBE_BACKOFF_MAX_MS, KUBE_BACKOFF_UNREACHABLE_MAX_MS } from './limits.ts';
import { statusOf } from './status-error.ts';

interface Meta {
  name: string;
  namespace: string;
  uid: string;
  resourceVersion: string;
}
interface Entry<T> {
  object: T;
  uid: string;
  resourceVersion: string;
}

export function createInformer<T>(client: Pick<KubeClient, 'list' | 'watch'>, path: string, options: InformerOptions<T>): Informer<T> {
  const { log } = options;
  const entries = new Map<string, Entry<T>>();
  const controller = new AbortController();
  const ready = Promise.withResolvers<void>();
  ready.promise.catch(() => {});
  const selectors = { labelSelector: options.labelSelector, fieldSelector: options.fieldSelector };
  const project = options.project ?? ((object: T) => object);
  let lastError: CodedError | undefined;
  let wake: () => void = () => {};
  let round = new AbortController();

  function tell(kind: ChangeKind, object: T, old?: T): void {
    try {
      options.onChange?.(kind, object, old);
    } catch (error) {
      log.error('a handler of changes failed', { path, error });
    }
  }

  function put(object: T): void {
    const meta = metaOf(object);
    const key = `${meta.namespace}/${meta.name}`;
    const before = entries.get(key);
    if (before !== undefined && before.uid === meta.uid && before.resourceVersion === meta.resourceVersion) return;
    if (before !== undefined && before.uid !== meta.uid) remove(key);
    const kept = project(object);
    entries.set(key, { object: kept, uid: meta.uid, resourceVersion: meta.resourceVersion });
    if (before !== undefined && before.uid === meta.uid) tell('modified', kept, before.object);
    else tell('added', kept);
  }

  function remove(key: string, last?: T): void {
    const before = entries.get(key);
    if (before === undefined) return;
    entries.delete(key);
    tell('deleted', last === undefined ? before.object : project(last), before.object);
  }

  async function relist(): Promise<string> {
    const { items, resourceVersion } = await client.list<T>(path, { ...selectors, signal: controller.signal });
    const present = new Set(items.map((item) => keyOf(metaOf(item))));
    for (const key of [...entries.keys()]) if (!present.has(key)) remove(key);
    for (const item of items) put(item);
    ready.resolve();
    return resourceVersion;
  }

  /** Returns the version to go on from. */
  async function follow(from: string, onAlive: () => void): Promise<string> {
    let version = from;
    const events = client.watch<T>(path, {
      ...selectors,
      resourceVersion: from,
      signal: AbortSignal.any([controller.signal, round.signal]),
      ...(options.idleMs === undefined ? {} : { idleMs: options.idleMs }),
    });
    try {
      for await (const event of events) {
        onAlive();
        const meta = metaOf(event.object);
        if (event.type === 'DELETED') remove(keyOf(meta), event.object);
        else if (event.type !== 'BOOKMARK') put(event.object);
        version = meta.resourceVersion;
      }
      return version;
    } catch (error) {
      if (round.signal.aborted && !controller.signal.aborted) return version;
      if (statusOf(error)?.code === 410) return '';
      throw Object.assign(new WatchBroken(version), { cause: error });
    }
  }

  function pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => wake(), ms);
      wake = () => {
        clearTimeout(timer);
        wake = () => {};
        resolve();
      };
    });
  }

  async function run(): Promise<void> {
    let version = '';
    let failures = 0;
    const { signal } = controller;
    while (!signal.aborted) {
      const began = Date.now();
      try {
        if (round.signal.aborted) round = new AbortController();
        if (version === '') version = await relist();
        const alive = () => {
          if (lastError !== undefined) log.info('watch is back', { path });
          failures = 0;
          lastError = undefined;
        };
        if (failures === 0) lastError = undefined;
        version = await follow(version, alive);
        alive();
        // A server that ends watches at once must not be asked again at once.
        if (!round.signal.aborted && Date.now() - began < KUBE_BACKOFF_FIRST_MS) await pause(backoff(0, KUBE_BACKOFF_FIRST_MS, KUBE_BACKOFF_MAX_MS));
      } catch (thrown) {
        if (signal.aborted) break;
        const error = CodedError.from(thrown instanceof WatchBroken ? thrown.cause : thrown);
        // After a refusal the server may be another one than before, or the kind may have been removed: only a new list is safe.
        version = thrown instanceof WatchBroken && NETWORK.includes(error.code) ? thrown.version : '';
        // A lasting refusal is told once, not at every try.
        if (lastError?.message !== error.message) log.warn('watch failed, trying again', { path, code: error.code, reason: messageOf(error) });
        lastError = error;
        options.onError?.(error);
        const most = error.code === 'TP-KUBE-UNREACHABLE' ? KUBE_BACKOFF_UNREACHABLE_MAX_MS : KUBE_BACKOFF_MAX_MS;
        await pause(backoff(failures++, KUBE_BACKOFF_FIRST_MS, most));
      }
    }
  }

  const close = () => {
    if (controller.signal.aborted) return;
    controller.abort(new CodedError('TP-CANCELLED', `The watch of ${path} was closed.`));
    options.signal?.removeEventListener('abort', close);
    ready.reject(controller.signal.reason);
    wake();
  };
  if (options.signal?.aborted) close();
  else {
    options.signal?.addEventListener('abort', close, { once: true });
    void run();
  }

  return {
    ready: ready.promise,
    get lastError() {
      return lastError;
    },
    list: () => Array.from(entries.values(), (entry) => entry.object),
    get: (namespace, name) => entries.get(`${namespace}/${name}`)?.object,
    retryNow: () => wake(),
    beginAnew() {
      round.abort(new CodedError('TP-CANCELLED', `The watch of ${path} is begun anew.`));
      wake();
    },
    close,
  };
}

const NETWORK: string[] = ['TP-KUBE-UNREACHABLE', 'TP-KUBE-TIMEOUT'];

/** Carries how far the watch came before it broke. */
class WatchBroken extends Error {
  readonly version: string;
  constructor(version: string) {
    super('the watch broke');
    this.version = version;
  }
}

const keyOf = (meta: Meta) => `${meta.namespace}/${meta.name}`;

function metaOf(object: unknown): Meta {
  const meta = (object as { metadata?: Partial<Meta> }).metadata ?? {};
  return { name: meta.name ?? '', namespace: meta.namespace ?? '', uid: meta.uid ?? '', resourceVersion: meta.resourceVersion ?? '' };
}
