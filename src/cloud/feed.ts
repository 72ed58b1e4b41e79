/**
 * Says that something of an organisation changed, for pages that update themselves: what it is now, the reader asks the store.
 * With several replicas a {@link FeedWire} carries it to the others.
 */

import { messageOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';

export const CHANGE_KINDS = ['intercepts', 'previews', 'clusters', 'members', 'visits'] as const;
export type ChangeKind = (typeof CHANGE_KINDS)[number];
export interface Change {
  organisationId: string;
  kind: ChangeKind;
}

export interface Feed {
  /** Returns what unsubscribes. Changes of one turn are told once per kind. */
  subscribe(organisationId: string, listener: (kind: ChangeKind) => void): () => void;
  publish(change: Change): void;
}

/** To and from the other replicas. */
export interface FeedWire {
  send(change: Change): void;
  onChange(listener: (change: Change) => void): void;
}

export function createFeed(options: { log: Log; wire?: FeedWire }): Feed {
  const listeners = new Map<string, Set<(kind: ChangeKind) => void>>();
  const tell = ({ organisationId, kind }: Change) => {
    for (const listener of listeners.get(organisationId) ?? []) {
      try {
        listener(kind);
      } catch (error) {
        options.log.warn('a listener of changes failed', { error: messageOf(error) });
      }
    }
  };
  let waiting = new Map<string, Change>();
  const flush = () => {
    const changes = waiting;
    waiting = new Map();
    for (const change of changes.values()) {
      tell(change);
      options.wire?.send(change);
    }
  };
  options.wire?.onChange(tell);
  return {
    subscribe(organisationId, listener) {
      const set = listeners.get(organisationId) ?? new Set();
      listeners.set(organisationId, set.add(listener));
      return () => {
        set.delete(listener);
        if (set.size === 0 && listeners.get(organisationId) === set) listeners.delete(organisationId);
      };
    },
    publish(change) {
      if (waiting.size === 0) setImmediate(flush);
      waiting.set(`${change.kind} ${change.organisationId}`, change);
    },
  };
}
