/** The sessions whose tunnel this replica holds: their connections, whether their workstations answer, and the way to them. */
import { CodedError, messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { type Mux, MuxError, type MuxStream } from '../../mux/index.ts';
import type { Session } from '../../protocol/resources.ts';
import { createLiveness, type Liveness, Spread, watchSilence } from '../../tunnel/index.ts';
import type { SessionRegistry } from '../context.ts';
import { createSlots, createUserQuota, SESSION_CONNECTION_LIMIT, type Slots, type UserQuota } from '../outbound/quota.ts';
import { createWaitingBytes, type WaitingBytes } from '../outbound/waiting.ts';
import type { TunnelConnection } from './connection.ts';

interface Entry {
  session: Session;
  uid: string;
  slots: Slots;
  connections: Map<TunnelConnection, Liveness>;
  /** Which connection takes the next intercepted one. */
  turns: Spread;
  held: boolean;
  present: boolean;
}

/** The registry as the tunnel part sees it. */
export interface LinkedSessions extends SessionRegistry {
  /**
   * Adds a verified connection; it is removed when its mux ends. Throws TP-SESSION-REFUSED over the quota.
   * Returns the user's quota, which all connections of all his sessions share.
   */
  attach(session: Session, connection: TunnelConnection): UserQuota;
  /** The session asked for its end: its intercepts are dropped from agents at once. */
  end(uid: string): void;
  /** The object is gone: its connections are closed. */
  remove(uid: string, reason: string): void;
  /** Whether any connection's workstation answers. */
  present(uid: string): boolean;
  /** Called with the session whenever {@link present} changes for it. */
  onPresent(listener: (session: Session) => void): () => void;
  /** Tells the workstation, on its control stream; nothing happens where this replica has none of it. */
  notify(uid: string, method: string, params: unknown): void;
  /** Every linked session's object. */
  linked(): Session[];
  connections(): TunnelConnection[];
  close(): void;
}

export function createSessionRegistry(options: { log: Log; now?: () => number; tickMs?: number; waiting?: WaitingBytes }): LinkedSessions {
  const { log } = options;
  const waiting = options.waiting ?? createWaitingBytes({ log });
  const quotas = new Map<string, UserQuota>();
  const now = options.now ?? (() => performance.now());
  const entries = new Map<string, Entry>();
  const endedUids = new Set<string>();
  const held = new Set<string>();
  const heldListeners = new Set<(uid: string, held: boolean) => void>();
  const presentListeners = new Set<(session: Session) => void>();

  const usable = (connection: TunnelConnection, liveness: Liveness) => liveness.alive && connection.mux.goneAway === undefined;
  const review = (entry: Entry) => {
    const connections = [...entry.connections];
    const isPresent = connections.some(([, liveness]) => liveness.alive);
    const isHeld = !endedUids.has(entry.uid) && connections.some(([connection, liveness]) => connection.kind === 'data' && usable(connection, liveness));
    if (connections.length === 0) entries.delete(entry.uid);
    if (isHeld !== entry.held) {
      entry.held = isHeld;
      if (isHeld) held.add(entry.uid);
      else held.delete(entry.uid);
      for (const listener of heldListeners) listener(entry.uid, isHeld);
    }
    if (isPresent !== entry.present) {
      entry.present = isPresent;
      log.info(isPresent ? 'a workstation is linked' : 'a workstation is lost', { session: entry.session.metadata.name, user: entry.session.spec.user });
      for (const listener of presentListeners) listener(entry.session);
    }
  };

  const stopWatching = watchSilence(() => {
    const time = now();
    for (const entry of entries.values()) {
      for (const [connection, liveness] of entry.connections) {
        if (liveness.tick(time) === 'dead') connection.mux.abort(new Error('the workstation is silent'));
      }
      review(entry);
    }
  }, options.tickMs);

  return {
    attach(session, connection) {
      const uid = session.metadata.uid ?? '';
      if (endedUids.has(uid)) throw new CodedError('TP-SESSION-REFUSED', 'The session was ended.');
      let entry = entries.get(uid);
      const { user } = session.spec;
      const quota = quotas.get(user) ?? createUserQuota(user, waiting);
      const slots = entry?.slots ?? createSlots(SESSION_CONNECTION_LIMIT);
      const release = slots.tryTake();
      if (release === undefined) throw new CodedError('TP-SESSION-REFUSED', 'The session has too many connections.');
      const releaseUser = quota.connections.tryTake();
      if (releaseUser === undefined) {
        release();
        throw new CodedError('TP-SESSION-REFUSED', `The sessions of ${user} have too many connections.`);
      }
      quotas.set(user, quota);
      if (entry === undefined) {
        entry = { session, uid, slots, connections: new Map(), turns: new Spread(), held: false, present: false };
        entries.set(uid, entry);
      }
      const forget = waiting.add(`user ${user}`, connection.mux);
      const owner = entry;
      owner.session = session;
      owner.connections.set(connection, createLiveness(connection, now()));
      void connection.mux.closed.then(() => {
        release();
        releaseUser();
        forget();
        if (quota.connections.taken === 0) quotas.delete(user);
        owner.connections.delete(connection);
        review(owner);
      });
      review(owner);
      return quota;
    },
    end(uid) {
      endedUids.add(uid);
      const entry = entries.get(uid);
      if (entry !== undefined) review(entry);
    },
    remove(uid, reason) {
      endedUids.delete(uid);
      for (const connection of entries.get(uid)?.connections.keys() ?? []) connection.mux.abort(new Error(reason));
    },
    present: (uid) => entries.get(uid)?.present ?? false,
    onPresent(listener) {
      presentListeners.add(listener);
      return () => presentListeners.delete(listener);
    },
    linked: () => [...entries.values()].map(({ session }) => session),
    connections: () => [...entries.values()].flatMap(({ connections }) => [...connections.keys()]),
    held: () => held,
    onHeld(listener) {
      heldListeners.add(listener);
      return () => heldListeners.delete(listener);
    },
    ended: (uid) => endedUids.has(uid),
    publicKey: (uid) => entries.get(uid)?.session.spec.publicKey,
    notify(uid, method, params) {
      for (const connection of entries.get(uid)?.connections.keys() ?? []) connection.notify(method, params);
    },
    open(uid, first): MuxStream | undefined {
      const entry = entries.get(uid);
      if (entry === undefined || !entry.held) return undefined;
      const data = new Map<Mux, Liveness>();
      for (const [connection, liveness] of entry.connections) {
        if (connection.kind === 'data' && usable(connection, liveness)) data.set(connection.mux, liveness);
      }
      for (const mux of entry.turns.order([...data.keys()])) {
        try {
          const stream = mux.open(first);
          data.get(mux)?.watch(stream, now());
          return stream;
        } catch (error) {
          if (!(error instanceof MuxError)) throw error;
          log.debug('a connection takes no stream', { session: entry.session.metadata.name, error: messageOf(error) });
        }
      }
      return undefined;
    },
    counts() {
      const all = [...entries.values()].flatMap(({ connections }) => [...connections.keys()]);
      return { sessions: entries.size, connections: all.length, streams: all.reduce((sum, { mux }) => sum + mux.streams, 0) };
    },
    close: stopWatching,
  };
}
