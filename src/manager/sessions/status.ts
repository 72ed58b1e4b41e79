/**
 * Keeps `status` of Session objects true: which replicas hold a tunnel, and since when none does. Every replica writes its own entry
 * and takes out those of replicas that are gone; a write carries the version it was computed from, so that none undoes another's.
 */
import { CodedError, messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { backoff, sleep } from '../../base/retry.ts';
import { type KubeClient, resourcePath } from '../../kube/index.ts';
import { GROUP_VERSION, type Session } from '../../protocol/resources.ts';
import type { Part, PeerWatch, Watched } from '../context.ts';
import type { LinkedSessions } from './registry.ts';

/** `lastSeen` is written no more often than this while a tunnel is there. */
export const LAST_SEEN_MS = 300_000;
/** Waits between tries of a status write. */
export const STATUS_RETRY_FIRST_MS = 100;
export const STATUS_RETRY_MAX_MS = 10_000;

type Status = NonNullable<Session['status']>;
/** A merge patch of `status`; null takes a field out. */
type StatusPatch = { replicas: NonNullable<Status['replicas']>; lostAt: string | null; lastSeen?: string };

/** What the status has to become; undefined when it is right. Pure. */
export function nextStatus(
  status: Status | undefined,
  facts: { self: string; present: boolean; alive: ReadonlySet<string>; now: number },
): StatusPatch | undefined {
  const before = status?.replicas ?? [];
  const time = new Date(facts.now).toISOString();
  const replicas = before.filter(({ name }) => facts.alive.has(name) && (name !== facts.self || facts.present));
  if (facts.present && !replicas.some(({ name }) => name === facts.self)) replicas.push({ name: facts.self, since: time });
  // A session that never had a tunnel was not lost; its age is what counts then.
  const lostAt = replicas.length > 0 || before.length === 0 ? (replicas.length > 0 ? undefined : status?.lostAt) : (status?.lostAt ?? time);
  const changed = replicas.length !== before.length || replicas.some(({ name }, index) => before[index]?.name !== name) || lostAt !== status?.lostAt;
  const seenLongAgo = facts.present && facts.now - Date.parse(status?.lastSeen ?? '1970-01-01T00:00:00Z') >= LAST_SEEN_MS;
  if (!changed && !seenLongAgo) return undefined;
  return { replicas, lostAt: lostAt ?? null, ...(facts.present ? { lastSeen: time } : {}) };
}

export function startSessionStatus(options: {
  kube: KubeClient;
  sessionObjects: Watched<Session>;
  registry: LinkedSessions;
  peers: PeerWatch;
  self: string;
  log: Log;
  signal: AbortSignal;
}): Part & { /** Waits until every write that is due was made. */ flush(): Promise<void> } {
  const { kube, sessionObjects, registry, peers, self, log, signal } = options;
  const running = new Map<string, { promise: Promise<void>; again: boolean }>();

  async function write(namespace: string, name: string): Promise<void> {
    const path = resourcePath(GROUP_VERSION, 'sessions', namespace, name);
    let object = sessionObjects.get(namespace, name);
    for (let attempt = 0; !signal.aborted; attempt += 1) {
      try {
        object ??= await kube.get<Session>(path, { signal });
        const { resourceVersion, uid } = object.metadata;
        const patch = nextStatus(object.status, { self, present: registry.present(uid ?? ''), alive: peers.alive(), now: Date.now() });
        if (patch === undefined) return;
        await kube.patch(path, 'merge', { metadata: { resourceVersion, uid }, status: patch }, { subresource: 'status', signal });
        return;
      } catch (error) {
        if (signal.aborted) return;
        object = undefined;
        const code = error instanceof CodedError ? error.code : undefined;
        if (code === 'TP-KUBE-NOT-FOUND') return;
        if (code !== 'TP-KUBE-CONFLICT') log.warn('the status of a session could not be written', { session: name, error: messageOf(error) });
        await sleep(backoff(attempt, STATUS_RETRY_FIRST_MS, STATUS_RETRY_MAX_MS), signal).catch(() => {});
      }
    }
  }

  /** One write of a session at a time; a change during it makes one more. */
  function reconcile(session: Session): void {
    const { namespace = '', name } = session.metadata;
    const key = `${namespace}/${name}`;
    const active = running.get(key);
    if (active !== undefined) {
      active.again = true;
      return;
    }
    const entry = { again: true, promise: Promise.resolve() };
    const run = async () => {
      while (entry.again && !signal.aborted) {
        entry.again = false;
        await write(namespace, name);
      }
      running.delete(key);
    };
    running.set(key, entry);
    entry.promise = run();
  }

  const stops = [
    registry.onPresent(reconcile),
    sessionObjects.subscribe((kind, session, old) => {
      const uid = session.metadata.uid ?? '';
      if (kind === 'deleted') registry.remove(uid, 'the session was deleted');
      else {
        if (old?.metadata.uid !== undefined && old.metadata.uid !== uid) registry.remove(old.metadata.uid, 'the session was replaced');
        reconcile(session);
      }
    }),
    peers.onChange(() => {
      for (const session of sessionObjects.list()) if ((session.status?.replicas ?? []).length > 0) reconcile(session);
    }),
  ];
  for (const session of sessionObjects.list()) reconcile(session);
  const timer = setInterval(() => {
    for (const session of registry.linked()) reconcile(session);
  }, LAST_SEEN_MS);
  timer.unref();

  const flush = async () => {
    while (running.size > 0) await Promise.all([...running.values()].map(({ promise }) => promise));
  };
  return {
    flush,
    async close() {
      clearInterval(timer);
      for (const stop of stops) stop();
      await flush();
    },
  };
}
